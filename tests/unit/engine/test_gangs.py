"""Gangs in the engine: members start together, and what becomes of one becomes of all."""

import signal

import pytest
from engine_fakes import CATCH, EPOCH, died, failed, retry, step, timeout

from falaj.model.graph import PARALLEL
from falaj.model.orders import FALLBACK, Transition
from falaj_control.plan.tasks import Origin, OriginTask
from falaj_control.ports.executing import Signalled

MEMBER = {"parallel": {}}


def gang_flow(**decorators):
    """Return start -> train (a gang) -> join -> end; the decorators are those of `train`."""
    return (
        step("start", "train", kind=PARALLEL),
        step("train", "join", **MEMBER, **decorators),
        step("join", "end", join=True),
        step("end"),
    )


def gang(make, width=3, extra=(), **decorators):
    options = {name: decorators.pop(name) for name in extra}
    return make(*gang_flow(**decorators), widths={"start": width}, **options)


def node(order):
    return order.frames[-1].index


def test_members_start_together_and_are_told_of_each_other(make):
    system = gang(make)
    assert system.run().state == "succeeded"
    train = [order for order in system.executor.orders if order.step == "train"]
    assert [order.context["parallel"] for order in train] == [
        ("127.0.0.1", 3, index, "2") for index in range(3)
    ]
    assert system.executor.most == 3
    (join,) = [order for order in system.executor.orders if order.step == "join"]
    assert [ref.task for ref in join.inputs] == [2, 3, 4]
    assert "parallel" not in join.context


def test_no_member_is_recorded_before_all_are_done(make):
    system = gang(make)
    system.on("train", lambda order: system.good(order, seconds=1.0 + node(order)))
    seen = []
    for second in (1.5, 2.5):
        query = "SELECT state FROM tasks WHERE step = 'train'"
        system.executor.at(second, lambda query=query: seen.append(system.rows(query)))
    assert system.run().state == "succeeded"
    assert seen == [[("running",)] * 3] * 2


def test_a_member_that_is_done_runs_no_longer_and_its_attempt_ended_when_it_did(make):
    system = gang(make)
    system.on("train", lambda order: system.good(order, seconds=1.0 + node(order)))
    shown = []
    for second in (0.5, 1.5, 2.5):
        system.executor.at(
            second, lambda: shown.append(system.watcher.of("progress")[-1][0][1][1:4])
        )
    assert system.run().state == "succeeded"
    # How many there are, run, and are done.
    assert shown == [(3, 3, 0), (3, 2, 0), (3, 1, 0)]
    ends = system.rows("SELECT finished_at FROM attempts WHERE task IN (2, 3, 4) ORDER BY task")
    assert ends == [(EPOCH + 1.0,), (EPOCH + 2.0,), (EPOCH + 3.0,)]
    assert system.rows("SELECT DISTINCT finished_at FROM tasks WHERE step = 'train'") == [ends[2]]


@pytest.mark.parametrize("width", [1, 4])
def test_a_gang_waits_for_all_of_its_slots_and_nothing_slips_past(make, width):
    system = make(
        step("start", "slow", "opener"),
        step("slow", "after"),
        step("after", "meet"),
        step("opener", "train", kind=PARALLEL),
        step("train", "inner", **MEMBER),
        step("inner", "meet", join=True),
        step("meet", "end", join=True),
        step("end"),
        widths={"opener": width},
        max_workers=4,
    )
    system.on("slow", lambda order: system.good(order, seconds=5.0))
    assert system.run().state == "succeeded"
    at = [system.executor.started_at[number] for number in sorted(system.executor.started_at)]
    orders = zip(at, system.executor.orders, strict=True)
    started = [moment for moment, order in orders if order.step == "train"]
    assert system.executor.most <= 4
    assert started == [5.0 if width == 4 else 0.0] * width


@pytest.mark.parametrize(
    ("options", "decorators", "lacking"),
    [
        ({"max_workers": 2}, {}, "3 workers, and --max-workers is 2"),
        (
            {"limits": {"cpu": 2, "memory": 9e9, "gpu": 9, "disk": 9e9}},
            {"resources": {"cpu": 1}},
            "3 processors, and this machine has 2",
        ),
    ],
)
def test_one_that_can_never_run_fails_the_run_before_it_starts(make, options, decorators, lacking):
    system = make(*gang_flow(**decorators), widths={"start": 3}, **options)
    end = system.run()
    assert end.state == "failed"
    assert f"is a gang of 3 tasks that run at once, which takes {lacking};" in end.reason
    assert [step for step, _, _ in system.started()] == ["start"]
    assert system.states() == ["succeeded", *["cancelled"] * 3]


def test_resources_are_asked_for_all_members_at_once(make):
    limits = {"cpu": 4, "memory": 9e9, "gpu": 0, "disk": 9e9}
    system = gang(make, 2, extra=("limits",), limits=limits, resources={"cpu": 2})
    assert system.run().state == "succeeded"


def test_a_failed_member_stops_the_others_and_all_try_again(make):
    system = gang(make, retry=retry(1, seconds=10.0))

    def act(order):
        if order.attempt == 0 and node(order) == 1:
            return failed("broken", seconds=1.0)
        return system.good(order, seconds=0.5 if node(order) == 0 else 100.0)

    system.on("train", act)
    assert system.run().state == "succeeded"
    assert system.executor.signals == [(1.0, "train", signal.SIGTERM)]
    assert system.states("attempts") == [
        "succeeded",
        *("succeeded", "succeeded"),
        *("failed", "succeeded"),
        *("cancelled", "succeeded"),
        *("succeeded", "succeeded"),
    ]
    again = [order for order in system.executor.orders if order.attempt == 1]
    assert [order.step for order in again] == ["train"] * 3
    (join,) = [order for order in system.executor.orders if order.step == "join"]
    assert [ref.manifest for ref in join.inputs] == ["m2.1", "m3.1", "m4.1"]
    reasons = system.rows("SELECT reason FROM attempts WHERE task = 4 AND number = 0")
    assert reasons == [("member train[1] of its gang failed: ValueError: broken",)]


def test_a_member_that_ignores_the_polite_signal_is_killed_after_the_grace(make):
    system = gang(make)

    def act(order):
        if node(order) == 1:
            return failed("broken", seconds=1.0)
        return system.good(order, seconds=100.0, ignores=(signal.SIGTERM,))

    system.on("train", act)
    assert system.run().state == "failed"
    grace = system.settings.stop_grace
    assert system.executor.signals[-1][0] == pytest.approx(1.0 + grace)
    assert {number for _, _, number in system.executor.signals} == {
        signal.SIGTERM,
        signal.SIGKILL,
    }
    assert system.states() == ["succeeded", "cancelled", "failed", "cancelled"]


@pytest.mark.parametrize("how", ["died", "caught"])
def test_a_catch_is_applied_to_every_member(make, how):
    system = gang(make, catch=CATCH)

    def act(order):
        if order.kind == FALLBACK:
            return None
        if node(order) == 1:
            return died() if how == "died" else system.good(order, "caught")
        return system.good(order, seconds=0.0 if node(order) == 0 else 100.0)

    system.on("train", act)
    end = system.run()
    assert end.state == "tolerated"
    assert system.states() == ["succeeded", *["tolerated"] * 3, "succeeded", "succeeded"]
    fallbacks = [order for order in system.executor.orders if order.kind == FALLBACK]
    assert [node(order) for order in fallbacks if node(order) != 1] == [0, 2]
    for order in fallbacks:
        if node(order) != 1:
            assert order.context["died"].startswith("member train[1] of its gang failed: ")


def test_a_member_that_runs_into_its_timeout_fails_the_gang(make):
    system = gang(make, timeout=timeout(2))
    system.on("train", lambda order: system.good(order, seconds=0 if node(order) else 1000.0))
    assert system.run().state == "failed"
    assert system.states() == ["succeeded", "failed", "cancelled", "cancelled"]


def test_a_stopped_run_leaves_no_member_as_succeeded(make):
    system = gang(make)
    system.on("train", lambda order: system.good(order, seconds=1.0 if node(order) == 0 else 9.0))
    system.executor.at(2.0, Signalled(signal.SIGINT))
    end = system.run()
    assert end.state == "cancelled"
    assert system.states() == ["succeeded", *["cancelled"] * 3]
    assert system.rows("SELECT DISTINCT reason FROM tasks WHERE step = 'train'") == [
        ("stopped by SIGINT",)
    ]
    assert system.clock.wall() < EPOCH + 9


@pytest.mark.parametrize("bad", [None, 0, 2])
def test_a_gang_is_reused_whole_or_not_at_all(make, bad):
    tasks = {
        ("start", (), 0): OriginTask(
            1, 1, "succeeded", "old", Transition(("train",), width=3, gang=True), ""
        )
    }
    for index in range(3):
        state = "failed" if index == bad else "succeeded"
        manifest = None if index == bad else f"old{index}"
        going = Transition(("join",))
        tasks["train", (index,), 0] = OriginTask(1, 2 + index, state, manifest, going, "")
    system = gang(make, extra=("origin",), origin=Origin(1, tasks, frozenset(), None))
    assert system.run().state == "succeeded"
    ran = [step for step, _, _ in system.started()]
    assert ran == (["join", "end"] if bad is None else ["train"] * 3 + ["join", "end"])
    if bad is not None:
        reasons = system.rows("SELECT DISTINCT reason FROM tasks WHERE step = 'train'")
        assert reasons == [("runs because its gang was not whole in run 1",)]


def test_members_try_again_at_once_also_where_workers_are_scarce(make):
    system = gang(make, extra=("max_workers",), max_workers=3, retry=retry(1, seconds=2.0))

    def act(order):
        if order.attempt == 0 and node(order) == 1:
            return failed("broken", seconds=1.0)
        return system.good(order, seconds=5.0)

    system.on("train", act)
    assert system.run().state == "succeeded"
    at = [system.executor.started_at[number] for number in sorted(system.executor.started_at)]
    orders = zip(at, system.executor.orders, strict=True)
    started = [moment for moment, order in orders if order.attempt == 1]
    assert started == [pytest.approx(3.0, abs=0.01)] * 3
    assert len(set(started)) == 1
