"""A foreach of tasks that do next to nothing, joined; its last step fails when asked to."""

import os
import time

from falaj import FlowSpec, Parameter, step


class FanFlow(FlowSpec):
    """Fan out over `width` numbers and count what comes back."""

    width = Parameter("width", default=1000)

    @step
    def start(self):
        self.numbers = list(range(self.width))
        self.next(self.body, foreach="numbers")

    @step
    def body(self):
        self.value = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.count = sum(1 for _ in inputs)
        self.next(self.end)

    @step
    def end(self):
        began = time.time()
        if os.environ.get("BENCH_FAIL"):
            raise ValueError("asked to fail")
        if os.environ.get("BENCH_NOTE"):
            with open(os.environ["BENCH_NOTE"], "w") as file:
                file.write(repr(began))


if __name__ == "__main__":
    FanFlow()
