"""A flow's graph as data: which foreachs a step is inside of."""

import pytest

from falaj import FlowSpec, parallel, step
from falaj.authoring.collect import describe
from falaj.model.graphdata import foreach_steps


class Nested(FlowSpec):
    @step
    def start(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.next(self.outer, foreach="xs")

    @step
    def outer(self):
        self.next(self.inner, foreach="ys")

    @step
    def inner(self):
        self.next(self.inner_join)

    @step
    def inner_join(self, inputs):
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.next(self.join)

    @step
    def right(self):
        self.next(self.gang, num_parallel=2)

    @parallel
    @step
    def gang(self):
        self.next(self.gang_join)

    @step
    def gang_join(self, inputs):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("start", []),
        ("left", []),
        ("outer", ["outer"]),
        ("inner", ["outer", "inner"]),
        ("inner_join", ["outer"]),
        ("outer_join", []),
        ("gang", ["gang"]),
        ("gang_join", []),
        ("join", []),
        ("end", []),
    ],
)
def test_a_step_tells_the_foreachs_around_it(name, expected):
    assert foreach_steps(describe(Nested), name) == expected
