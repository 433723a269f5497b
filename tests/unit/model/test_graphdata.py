"""A flow's graph as data: which foreachs a step is inside of."""

import pytest

from falaj import FlowSpec, parallel, step
from falaj.authoring.collect import describe
from falaj.model.graph import Case, StepSpec
from falaj.model.graphdata import foreach_steps, graph_nodes, graph_structure


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


def test_joins_are_told_with_their_splits_and_branches_are_nested():
    description = describe(Nested)
    nodes = graph_nodes(description)
    joins = {name: told.get("matching_join") for name, told in nodes.items()}
    assert {name: join for name, join in joins.items() if join} == {
        "start": "join",
        "left": "outer_join",
        "outer": "inner_join",
        "right": "gang_join",
    }
    inner = ["outer", [["inner"]], "inner_join"]
    left, right = ["left", [inner], "outer_join"], ["right", [["gang"]], "gang_join"]
    assert graph_structure(description) == ["start", [left, right], "join", "end"]


def test_the_steps_of_switches_that_lead_crosswise_to_others_are_told_once():
    steps = [_step("start", "a0", "b0")]
    for layer in range(40):
        targets = [f"a{layer + 1}", f"b{layer + 1}"] if layer < 39 else ["end"]
        steps += [_step(f"{side}{layer}", *targets) for side in "ab"]
    steps.append(_step("end"))
    description = describe(Nested)._replace(steps=tuple(steps))
    # How they nest would be a list of 2 ** 40 names.
    assert len(graph_nodes(description)) == 82


def _step(name: str, *targets: str) -> StepSpec:
    cases = tuple(Case(target, target) for target in targets) if len(targets) > 1 else ()
    kind = "switch" if cases else "linear" if targets else "end"
    return StepSpec(name, kind, targets, None, False, (), "", "flow.py", 1, "way", cases)
