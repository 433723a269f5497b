"""The planner: what becomes ready, in which order, with which reasons, and how lazily."""

import tracemalloc

import pytest

from falaj.model.graph import END, FOREACH, LINEAR, SPLIT, FlowDescription, Graph, StepSpec
from falaj.model.orders import Transition
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Origin, OriginTask


def step(name, *targets, foreach=None, join=False):
    kind = END if not targets else SPLIT if len(targets) > 1 else FOREACH if foreach else LINEAR
    return StepSpec(name, kind, targets, foreach, join, (), "", "flow.py", 1)


def graph_of(*steps):
    return Graph(FlowDescription("F", "", "flow.py", steps, (), steps[0].name, steps[-1].name))


FOREACH_FLOW = (
    step("start", "body", foreach="xs"),
    step("body", "join"),
    step("join", "end", join=True),
    step("end"),
)


def each(step, width):
    return Transition((step,), "xs", width, "values")


def test_a_wide_foreach_makes_its_tasks_one_by_one():
    planner = Planner(graph_of(*FOREACH_FLOW))
    planner.begin()
    start = planner.take()
    tracemalloc.start()
    try:
        planner.finish(start, "m", each("body", 100_000), fresh=True)
        first = planner.take()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000, "bytes for 100,000 tasks that nobody has taken"
    assert planner.planned["body"] == 100_000
    assert (first.id, first.indices) == (2, (0,))
    assert planner.take().indices == (1,)
    assert planner.peek() == "body"


def test_a_foreach_in_a_branch_in_a_foreach_joins_level_by_level():
    graph = graph_of(
        step("start", "split", foreach="xs"),
        step("split", "left", "right"),
        step("left", "inner", foreach="ys"),
        step("inner", "inner_join"),
        step("inner_join", "branch_join", join=True),
        step("right", "branch_join"),
        step("branch_join", "outer_join", join=True),
        step("outer_join", "end", join=True),
        step("end"),
    )
    going = {
        "start": Transition(("split",), "xs", 2, "v"),
        "left": Transition(("inner",), "ys", 3, "w"),
    }
    planner = Planner(graph)
    planner.begin()
    found = {}
    while planner:
        task = planner.take()
        found[task.step, task.indices] = task
        spec = graph.steps[task.step]
        transition = going.get(task.step) or (Transition(spec.targets) if spec.targets else None)
        planner.finish(task, f"m{task.id}", transition, fresh=True)
    inner = found["inner", (1, 2)]
    assert [(frame.step, frame.index, frame.width) for frame in inner.frames] == [
        ("start", 1, 2),
        ("left", 2, 3),
    ]
    names = {task.id: key for key, task in found.items()}

    def inputs(*key):
        return [names[ref.task] for ref in found[key].inputs]

    assert inputs("inner_join", (0,)) == [("inner", (0, index)) for index in range(3)]
    assert inputs("branch_join", (1,)) == [("inner_join", (1,)), ("right", (1,))]
    assert inputs("outer_join", ()) == [("branch_join", (0,)), ("branch_join", (1,))]
    assert len(found) == 1 + 2 * 3 + 2 * 3 + 2 * 2 + 2
    assert all(task.inputs == tuple(task.inputs) for task in found.values())


def test_branches_are_ready_in_the_order_of_definition():
    graph = graph_of(
        step("start", "b", "a"),
        step("b", "join"),
        step("a", "join"),
        step("join", "end", join=True),
        step("end"),
    )
    planner = Planner(graph)
    planner.begin()
    planner.finish(planner.take(), "m", Transition(("b", "a")), fresh=True)
    first, second = planner.take(), planner.take()
    planner.finish(second, "m2", Transition(("join",)), fresh=True)
    assert not planner
    planner.finish(first, "m1", Transition(("join",)), fresh=True)
    assert [ref.step for ref in planner.take().inputs] == ["b", "a"]


def test_a_ready_task_of_another_step_can_be_brought_forward():
    graph = graph_of(
        step("start", "a", "b"),
        step("a", "many", foreach="xs"),
        step("many", "inner", join=False),
        step("inner", "join", join=True),
        step("b", "join"),
        step("join", "end", join=True),
        step("end"),
    )
    planner = Planner(graph)
    planner.begin()
    planner.finish(planner.take(), "m", Transition(("a", "b")), fresh=True)
    assert planner.peek() == "a"
    assert planner.bring_forward(frozenset(["a"]))
    assert planner.peek() == "b"
    assert not planner.bring_forward(frozenset(["a", "b"]))
    assert [task.step for task in planner.remaining()] == ["b", "a"]
    assert not planner.bring_forward(frozenset())


def test_what_was_passed_over_keeps_its_place_and_number():
    planner = Planner(graph_of(*FOREACH_FLOW))
    planner.begin()
    planner.finish(planner.take(), "m", each("body", 3), fresh=True)
    assert planner.take().id == 2
    assert planner.bring_forward(frozenset(["other"]))
    assert [task.id for task in planner.remaining()] == [3, 4]
    assert not planner


LINEAR_FLOW = (step("start", "middle"), step("middle", "end"), step("end"))


def origin(rerun=(), asked=None, **states):
    going = {"start": Transition(("middle",)), "middle": Transition(("end",)), "end": None}
    tasks = {
        (name, (), 0): OriginTask(
            7,
            number,
            state,
            "m" if state in ("succeeded", "reused", "tolerated") else None,
            going[name],
            "",
        )
        for number, (name, state) in enumerate(states.items(), 1)
    }
    return Origin(7, tasks, frozenset(rerun), asked)


def reasons(planner):
    found = []
    planner.begin()
    while planner:
        task = planner.take()
        decision = planner.decide(task)
        found.append(decision.reason)
        spec = planner._graph.steps[task.step]
        transition = Transition(spec.targets) if spec.targets else None
        planner.finish(task, "m", transition, fresh=decision.reused is None)
    return found


REUSED = "reused from run 7, where it succeeded"
AFTER = "runs because a task before it ran again"


@pytest.mark.parametrize(
    ("resumed", "expected"),
    [
        (None, ["", "", ""]),
        (origin(start="succeeded", middle="tolerated", end="reused"), [REUSED] * 3),
        (
            origin(start="succeeded", middle="failed"),
            [REUSED, "runs because it had not succeeded in run 7 (failed)", AFTER],
        ),
        (
            origin(start="succeeded", middle="running"),
            [REUSED, "runs because it had not succeeded in run 7 (running)", AFTER],
        ),
        (
            origin(start="succeeded"),
            [REUSED, "runs because run 7 did not reach it", AFTER],
        ),
        (
            origin(
                ["middle", "end"], "middle", start="succeeded", middle="succeeded", end="succeeded"
            ),
            [REUSED, *["runs because resume was asked to start at middle"] * 2],
        ),
        (origin(), ["runs because run 7 did not reach it", AFTER, AFTER]),
    ],
    ids=["a new run", "all", "failed", "killed", "not reached", "asked", "nothing"],
)
def test_each_task_runs_or_is_reused_for_a_reason(resumed, expected):
    assert reasons(Planner(graph_of(*LINEAR_FLOW), resumed)) == expected


@pytest.mark.parametrize(
    "flow",
    [
        (step("start", "other"), step("other", "end"), step("end")),
        (
            step("start", "middle", foreach="xs"),
            step("middle", "join"),
            step("join", "end", join=True),
            step("end"),
        ),
    ],
    ids=["another step", "a foreach"],
)
def test_a_task_after_which_the_flow_now_goes_elsewhere_runs(flow):
    planner = Planner(graph_of(*flow), origin(start="succeeded"))
    planner.begin()
    decision = planner.decide(planner.take())
    assert decision.reused is None
    assert decision.reason == "runs because the flow goes on differently after it than it did"


def test_one_task_of_a_foreach_that_runs_again_makes_the_join_run_again():
    tasks = {("start", (), 0): OriginTask(7, 1, "succeeded", "m", each("body", 3), "")}
    for index in range(3):
        state = "failed" if index == 1 else "succeeded"
        manifest = None if index == 1 else "m"
        key = ("body", (index,), 0)
        tasks[key] = OriginTask(7, 2 + index, state, manifest, Transition(("join",)), "")
    tasks["join", (), 0] = OriginTask(7, 5, "succeeded", "m", Transition(("end",)), "")
    planner = Planner(graph_of(*FOREACH_FLOW), Origin(7, tasks, frozenset(), None))
    planner.begin()
    start = planner.take()
    reused = planner.decide(start).reused
    assert reused is not None
    planner.finish(start, "m", reused.transition, fresh=False)
    kept = []
    for _ in range(3):
        body = planner.take()
        fresh = planner.decide(body).reused is None
        kept.append(not fresh)
        planner.finish(body, "m", Transition(("join",)), fresh)
    assert kept == [True, False, True]
    assert planner.decide(planner.take()) == (None, AFTER)
