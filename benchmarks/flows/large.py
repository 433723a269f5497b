"""A large array from one step to the next."""

import time

import numpy

from falaj import FlowSpec, Parameter, step


class ArrayFlow(FlowSpec):
    """Make an array, hand it on, and time the first look at it."""

    megabytes = Parameter("megabytes", default=1024)

    @step
    def start(self):
        self.array = numpy.random.default_rng().random(self.megabytes << 17)
        self.edges = float(self.array[0] + self.array[-1])
        self.body_ended = time.time()
        self.next(self.look)

    @step
    def look(self):
        began = time.perf_counter()
        edges = float(self.array[0] + self.array[-1])
        self.first_access = time.perf_counter() - began
        self.looked_at = time.time()
        if edges != self.edges:
            raise ValueError("the array has changed on the way")
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    ArrayFlow()
