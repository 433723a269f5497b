"""Three steps in a row that hand a value on."""

from falaj import FlowSpec, step


class HelloFlow(FlowSpec):
    """Hand a greeting from step to step."""

    @step
    def start(self):
        self.whom = "world"
        self.next(self.hello)

    @step
    def hello(self):
        self.greeting = f"Hello, {self.whom}!"
        self.next(self.end)

    @step
    def end(self):
        print(self.greeting)


if __name__ == "__main__":
    HelloFlow()
