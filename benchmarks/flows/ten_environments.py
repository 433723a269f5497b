"""Ten steps, each with an environment of its own."""

import os
import time

from falaj import FlowSpec, pypi, step


class TenEnvironmentsFlow(FlowSpec):
    @pypi(packages={"six": "1.8.0"})
    @step
    def start(self):
        if "FIRST_TASK" in os.environ:
            with open(os.environ["FIRST_TASK"], "w") as file:
                file.write(repr(time.time()))
        self.next(self.b)

    @pypi(packages={"six": "1.9.0"})
    @step
    def b(self):
        self.next(self.c)

    @pypi(packages={"six": "1.10.0"})
    @step
    def c(self):
        self.next(self.d)

    @pypi(packages={"six": "1.11.0"})
    @step
    def d(self):
        self.next(self.e)

    @pypi(packages={"six": "1.12.0"})
    @step
    def e(self):
        self.next(self.f)

    @pypi(packages={"six": "1.13.0"})
    @step
    def f(self):
        self.next(self.g)

    @pypi(packages={"six": "1.14.0"})
    @step
    def g(self):
        self.next(self.h)

    @pypi(packages={"six": "1.15.0"})
    @step
    def h(self):
        self.next(self.i)

    @pypi(packages={"six": "1.16.0"})
    @step
    def i(self):
        self.next(self.end)

    @pypi(packages={"six": "1.17.0"})
    @step
    def end(self):
        pass


if __name__ == "__main__":
    TenEnvironmentsFlow()
