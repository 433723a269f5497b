"""The smallest useful flow: three steps in a row that hand a value on."""

from falaj import FlowSpec, step


class HelloFlow(FlowSpec):
    """Build a greeting and keep it."""

    @step
    def start(self):
        """Choose whom to greet."""
        self.whom = "world"
        self.next(self.hello)

    @step
    def hello(self):
        """Build the greeting."""
        self.greeting = f"Hello, {self.whom}!"
        self.next(self.end)

    @step
    def end(self):
        """Print it."""
        print(self.greeting)


if __name__ == "__main__":
    HelloFlow()
