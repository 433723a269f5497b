"""A step that leaves many small artifacts beside one that leaves none."""

from falaj import FlowSpec, Parameter, step


class SmallFlow(FlowSpec):
    """Compare a step of `number` small artifacts with an empty one."""

    number = Parameter("number", default=1000)

    @step
    def start(self):
        self.next(self.none)

    @step
    def none(self):
        self.next(self.many)

    @step
    def many(self):
        for index in range(self.number):
            value = (index, str(index), [index, index / 2], {"index": index})[index % 4]
            setattr(self, f"artifact_{index}", value)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SmallFlow()
