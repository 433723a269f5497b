"""A text as a component."""

from __future__ import annotations

from falaj.cards.component import MetaflowCardComponent, Rendered


class Markdown(MetaflowCardComponent):
    """A text in Markdown."""

    def __init__(self, text: str) -> None:
        """Show `text`."""
        self.text = text

    def update(self, text: str) -> None:
        """Show another text."""
        self.text = text

    def render(self) -> Rendered:
        """Return the text as a JSON value."""
        return {"type": "markdown", "text": self.text}
