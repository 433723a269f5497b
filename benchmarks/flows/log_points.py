"""A step that logs many points of a metric, one by one."""

import os

from falaj import FlowSpec, current, step

POINTS = int(os.environ.get("BENCH_POINTS", "1000"))


class LogPointsFlow(FlowSpec):
    @step
    def start(self):
        for number in range(POINTS):
            current.log_metric("loss", 1 / (number + 1), step=number)
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    LogPointsFlow()
