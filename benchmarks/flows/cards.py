"""A step that puts ten components on a default card beside one that does not."""

from falaj import FlowSpec, card, current, step
from falaj.cards import Markdown


class CardsFlow(FlowSpec):
    """Compare a step with a card with one without."""

    @step
    def start(self):
        self.next(self.none)

    @step
    def none(self):
        self.next(self.carded)

    @card
    @step
    def carded(self):
        for index in range(10):
            current.card.append(Markdown(f"# Part {index}\n\n{'Some text. ' * 50}"))
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    CardsFlow()
