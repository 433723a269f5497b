"""One step with pandas in an environment of its own."""

from falaj import FlowSpec, pypi, step


class OneEnvironmentFlow(FlowSpec):
    @pypi(packages={"pandas": "2.2.3", "numpy": "1.26.4"})
    @step
    def start(self):
        import pandas

        self.version = pandas.__version__
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    OneEnvironmentFlow()
