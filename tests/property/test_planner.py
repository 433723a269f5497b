"""The planner alone: the order of completion changes nothing, and reuse is as large as can be."""

import random

from blocks import (
    FINE,
    Body,
    Each,
    Expected,
    Flow,
    Plain,
    bodies,
    condition_of,
    flows,
    graph_of,
    placed,
    tasks_in,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from falaj.model.orders import Transition
from falaj.model.states import CANCELLED, FAILED, LOST, REUSED, RUNNING, SUCCEEDED, TOLERATED
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Origin, OriginTask

MANY = settings(
    max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
SHAPES = flows(depth=3)


def transitions_of(flow: Flow):
    """Return each task's transition by key, None for the end."""
    steps = {one.body.name: one for one in placed(flow)}
    expected = Expected(flow)

    def transition(key):
        one = steps[key[0]]
        if key in expected.went:
            return Transition((expected.went[key],), condition=condition_of(one))
        if not one.targets:
            return None
        if one.foreach:
            return Transition(one.targets, one.foreach, one.width, "v")
        return Transition(one.targets)

    return {key: transition(key) for key in expected.artifacts}


def carry_out(flow: Flow, planner: Planner, choose, origin_run: int | None = None):
    """Finish tasks in an order that `choose` picks; return them, and what was reused, by key."""
    transitions = transitions_of(flow)
    tasks, reused, running = {}, set(), []
    planner.begin()
    while planner or running:
        while planner and (not running or choose(2)):
            task = planner.take()
            key = task.key
            assert key not in tasks, "a task became ready twice"
            tasks[key] = task
            decision = planner.decide(task)
            if decision.reused is not None:
                reused.add(key)
                planner.finish(task, "m", decision.reused.transition, fresh=False)
            else:
                assert origin_run is None or decision.reason
                running.append(task)
        if running:
            task = running.pop(choose(len(running)))
            planner.finish(task, "m", transitions[task.key], fresh=True)
    return tasks, reused


def keys_of_inputs(tasks):
    """Return each task's inputs by key."""
    by_id = {task.id: key for key, task in tasks.items()}
    assert len(by_id) == len(tasks), "an id was given twice"
    return {key: tuple(by_id[one.task] for one in task.inputs) for key, task in tasks.items()}


def chooser(data):
    """Return a function that picks a number below another as the example has it."""
    return random.Random(data.draw(st.integers(0, 10**9))).randrange


@MANY
@given(flow=SHAPES, data=st.data())
def test_any_order_of_completion_gives_the_same_tasks_with_the_same_inputs(flow, data):
    assume(tasks_in(flow.sequence()) <= 300)
    expected = Expected(flow)
    graph = graph_of(flow)
    planner = Planner(graph)
    tasks, reused = carry_out(flow, planner, chooser(data))
    assert set(tasks) == set(expected.artifacts)
    assert keys_of_inputs(tasks) == expected.inputs
    assert not reused
    for step in graph.order:
        assert planner.planned[step] == sum(1 for key in tasks if key[0] == step)
    for (_, indices, _), task in tasks.items():
        assert tuple(frame.index for frame in task.frames) == indices
        assert [frame.values for frame in task.frames] == ["v"] * len(indices)
    assert sorted(task.id for task in tasks.values()) == list(range(1, len(tasks) + 1))


GOOD = (SUCCEEDED, REUSED, TOLERATED)
BAD = (FAILED, CANCELLED, LOST, RUNNING)


@MANY
@given(flow=SHAPES, data=st.data())
def test_exactly_the_maximal_prefix_is_reused(flow, data):
    assume(tasks_in(flow.sequence()) <= 200)
    expected = Expected(flow)
    graph = graph_of(flow)
    transitions = transitions_of(flow)
    keys = list(expected.artifacts)
    fates = data.draw(
        st.lists(
            st.sampled_from(["succeeded"] * 6 + ["absent", "bad", "without manifest"]),
            min_size=len(keys),
            max_size=len(keys),
        )
    )
    asked = data.draw(st.sampled_from([None, None, *graph.order]))
    rerun = graph.descendants([asked]) if asked else frozenset()
    origin_tasks, good = {}, set()
    for number, (key, fate) in enumerate(zip(keys, fates, strict=True), 1):
        if fate == "absent":
            continue
        states = BAD if fate == "bad" else GOOD
        manifest = None if fate == "without manifest" else "m"
        state = states[number % len(states)]
        origin_tasks[key] = OriginTask(7, number, state, manifest, transitions[key], "")
        if fate == "succeeded" and key[0] not in rerun:
            good.add(key)
    planner = Planner(graph, Origin(7, origin_tasks, rerun, asked))
    tasks, reused = carry_out(flow, planner, chooser(data), origin_run=7)
    # The oracle, by recursion: reusable is what succeeded behind reusable inputs alone.
    reusable: dict = {}
    for key in keys:
        reusable[key] = key in good and all(reusable[one] for one in expected.inputs[key])
    assert reused == {key for key in keys if reusable[key]}
    assert set(tasks) == set(keys)
    assert keys_of_inputs(tasks) == expected.inputs


@MANY
@given(flow=SHAPES, data=st.data())
def test_tasks_that_wait_can_be_passed_and_none_is_lost(flow, data):
    assume(tasks_in(flow.sequence()) <= 200)
    expected = Expected(flow)
    graph = graph_of(flow)
    planner, choose = Planner(graph), chooser(data)
    transitions = transitions_of(flow)
    planner.begin()
    seen, running = set(), []
    while planner or running:
        if planner:
            head = planner.peek()
            if choose(2) and planner.bring_forward(frozenset([head])):
                assert planner.peek() != head
            task = planner.take()
            seen.add(task.key)
            running.append(task)
        if running and (not planner or choose(2)):
            task = running.pop(choose(len(running)))
            planner.finish(task, "m", transitions[task.key], fresh=True)
    assert seen == set(expected.artifacts)


@MANY
@given(flow=SHAPES, data=st.data())
def test_what_remains_is_exactly_what_was_ready(flow, data):
    assume(tasks_in(flow.sequence()) <= 200)
    graph, transitions, choose = graph_of(flow), transitions_of(flow), chooser(data)
    planner = Planner(graph)
    planner.begin()
    taken = set()
    for _ in range(choose(30)):
        if not planner:
            break
        task = planner.take()
        taken.add(task.id)
        planner.finish(task, "m", transitions[task.key], fresh=True)
    rest = [task.id for task in planner.remaining()]
    assert not planner
    assert len(rest) == len(set(rest))
    assert taken.isdisjoint(rest)
    assert taken | set(rest) == set(range(1, len(taken) + len(rest) + 1))


@MANY
@given(flow=SHAPES)
def test_the_order_of_the_graph_puts_every_step_after_its_parents(flow):
    graph = graph_of(flow)
    assert len(graph.order) == len(list(bodies(flow.sequence())))
    position = {step: number for number, step in enumerate(graph.order)}
    for step, parents in graph.parents.items():
        assert all(position[parent] < position[step] for parent in parents)
    assert (graph.order[0], graph.order[-1]) == ("start", "end")


def test_a_change_of_the_flow_after_a_task_makes_it_run():
    def body(name):
        return Body(name, 2, FINE, 0, False)

    one = Flow(body("start"), (Plain(body("a")), Plain(body("b"))), body("end"))
    other = Flow(body("start"), (Plain(body("a")), Plain(body("c"))), body("end"))
    transitions = transitions_of(one)
    tasks = {
        (name, (), 0): OriginTask(1, number, SUCCEEDED, "m", transitions[name, (), 0], "")
        for number, name in enumerate(("start", "a", "b", "end"))
    }
    planner = Planner(graph_of(other), Origin(1, tasks, frozenset(), None))
    _, reused = carry_out(other, planner, lambda _: 0, 1)
    assert reused == {("start", (), 0)}
    foreach = Each(body("a"), 2, (Plain(body("b")),), body("j"), False)
    planner = Planner(
        graph_of(Flow(body("start"), (foreach,), body("end"))), Origin(1, tasks, frozenset(), None)
    )
    flow = Flow(body("start"), (foreach,), body("end"))
    _, reused = carry_out(flow, planner, lambda _: 0, 1)
    assert reused == {("start", (), 0)}
