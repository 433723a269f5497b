"""The engine, from the first order to the recorded end, on a fake clock."""

import itertools
import json
import signal
import sqlite3
from contextlib import closing

import pytest
from engine_fakes import (
    CATCH,
    EPOCH,
    LINEAR_FLOW,
    Act,
    died,
    failed,
    foreach_flow,
    retry,
    step,
    timeout,
)

from falaj.errors import StoreUnavailable
from falaj.model.orders import FALLBACK, Transition
from falaj_control.lifecycle.runs import RunEnd
from falaj_control.plan.tasks import Origin, OriginTask
from falaj_control.ports.executing import LauncherGone, Signalled
from falaj_control.records.happenings import LeaseLost

TERM, KILL, INT = signal.SIGTERM, signal.SIGKILL, signal.SIGINT


def test_a_linear_flow_runs_step_by_step(make):
    system = make(*LINEAR_FLOW)
    assert system.run() == RunEnd("succeeded", "")
    assert system.started() == [("start", (), 0), ("middle", (), 0), ("end", (), 0)]
    assert system.states() == system.states("steps") == ["succeeded"] * 3
    kinds = [order.kind for order in system.executor.orders]
    assert kinds == ["init", "task", "snapshot", "task", "task"] or kinds[0] == "init"
    assert all(order.parameters == "m-init" for order in system.executor.orders if order.task)
    assert system.rows("SELECT parameters, code FROM runs") == [("m-init", "m-snapshot")]
    inputs = [[ref.task for ref in order.inputs] for order in system.executor.orders if order.task]
    assert inputs == [[], [1], [2]]


@pytest.mark.parametrize("max_workers", [1, 3, 100])
def test_a_join_gets_its_inputs_by_index_whatever_ends_first(make, max_workers):
    system = make(*foreach_flow(), widths={"start": 10}, max_workers=max_workers)
    system.on("body", lambda order: system.good(order, seconds=10.0 - order.frames[0].index))
    assert system.run().state == "succeeded"
    (join,) = [order for order in system.executor.orders if order.step == "join"]
    assert [ref.task for ref in join.inputs] == list(range(2, 12))
    assert system.executor.most == min(max_workers, 10)
    started = [indices for name, indices, _ in system.started() if name == "body"]
    assert started == [(index,) for index in range(10)]


def test_branches_join_in_the_order_of_definition(make):
    flow = (
        step("start", "slow", "fast"),
        step("slow", "join"),
        step("fast", "join"),
        step("join", "end", join=True),
        step("end"),
    )
    system = make(*flow)
    system.on("slow", lambda order: system.good(order, seconds=9))
    assert system.run().state == "succeeded"
    (join,) = [order for order in system.executor.orders if order.step == "join"]
    assert [ref.step for ref in join.inputs] == ["slow", "fast"]


def test_retries_wait_and_wait_longer_each_time(make):
    flow = (step("start", "end", retry=retry(3, seconds=10, backoff=2.0)), step("end"))
    system = make(*flow)
    times = []

    def act(order):
        times.append(system.clock.now)
        return failed() if order.attempt < 3 else None

    system.on("start", act)
    assert system.run().state == "succeeded"
    waits = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert waits == pytest.approx([10, 20, 40], abs=0.05)
    assert system.states("attempts") == ["failed"] * 3 + ["succeeded"] * 2
    last = [order.options["last_attempt"] for order in system.executor.orders if order.task]
    assert last == [False, False, False, True, True]
    ended = [arguments[1] for arguments in system.watcher.of("task_ended")]
    assert ended == ["retrying"] * 3 + ["succeeded"] * 2


def test_a_waiting_retry_gives_its_slot_to_others(make):
    flow = foreach_flow(retry=retry(1, seconds=100))
    system = make(*flow, widths={"start": 3}, max_workers=1)
    bodies = []

    def act(order):
        bodies.append((order.frames[0].index, order.attempt))
        return failed() if bodies == [(0, 0)] else None

    system.on("body", act)
    assert system.run().state == "succeeded"
    assert bodies == [(0, 0), (1, 0), (2, 0), (0, 1)]


def test_the_first_failure_stops_the_others_and_leaves_nothing_open(make):
    system = make(*foreach_flow(), widths={"start": 6}, max_workers=3)

    def act(order):
        return failed("boom", 1.0) if order.frames[0].index == 1 else system.good(order, seconds=50)

    system.on("body", act)
    end = system.run()
    assert end == RunEnd("failed", "step body[1] failed: ValueError: boom")
    assert system.states() == ["succeeded", "cancelled", "failed"] + ["cancelled"] * 4
    assert system.states("steps") == ["succeeded", "failed", "not_reached", "not_reached"]
    causes = {cause for (cause,) in system.rows("SELECT cause FROM tasks WHERE state='cancelled'")}
    assert causes == {3}
    assert system.rows("SELECT cause FROM steps WHERE name = 'end'") == [(3,)]
    assert {number for _, _, number in system.executor.signals} == {TERM}
    failure = system.engine.failure
    assert failure is not None
    assert failure.error is not None
    assert failure.error.message == "boom"


def test_a_sibling_that_still_succeeds_is_kept(make):
    system = make(*foreach_flow(), widths={"start": 3}, max_workers=3)

    def act(order):
        index = order.frames[0].index
        return (
            failed("boom", 1.0) if index == 0 else system.good(order, seconds=1.5, ignores=(TERM,))
        )

    system.on("body", act)
    assert system.run().state == "failed"
    assert system.states() == ["succeeded", "failed", "succeeded", "succeeded"]
    assert KILL not in {number for _, _, number in system.executor.signals}


def test_who_ignores_sigterm_is_killed_a_second_later(make):
    system = make(*foreach_flow(), widths={"start": 2}, max_workers=2)

    def act(order):
        if order.frames[0].index == 0:
            return failed("boom", 1.0)
        return system.good(order, seconds=500, ignores=(TERM,))

    system.on("body", act)
    system.run()
    at = {number: when for when, _, number in system.executor.signals}
    assert at[KILL] - at[TERM] == pytest.approx(1.0)
    assert system.clock.now < 10


def test_a_task_that_waits_for_a_retry_when_the_run_is_cut_off_is_cancelled(make):
    system = make(*foreach_flow(retry=retry(5, seconds=1000)), widths={"start": 2})

    def act(order):
        return failed("first") if order.frames[0].index == 0 else died(seconds=5.0)

    system.on("body", act)
    system.executor.at(3.0, Signalled(INT))
    assert system.run() == RunEnd("cancelled", "stopped by SIGINT")
    assert system.states() == ["succeeded", "cancelled", "cancelled"]
    assert system.states("attempts") == ["succeeded", "failed", "cancelled"]


def test_a_caught_failure_lets_the_run_go_on_and_is_counted(make):
    system = make(*foreach_flow(catch=CATCH), widths={"start": 3})
    system.on("body", lambda order: system.good(order, "caught") if order.frames[0].index else None)
    assert system.run() == RunEnd("tolerated", "2 tasks failed as @catch allows")
    assert system.states("steps") == ["succeeded", "tolerated", "succeeded", "succeeded"]
    assert system.engine.tolerated == 2


@pytest.mark.parametrize("retries", [0, 2])
def test_after_a_death_the_catch_is_applied_by_a_further_process(make, retries):
    flow = (step("start", "end", catch=CATCH, retry=retry(retries)), step("end"))
    system = make(*flow)
    system.on("start", lambda order: None if order.kind == FALLBACK else died(-signal.SIGSEGV))
    assert system.run().state == "tolerated"
    orders = [order for order in system.executor.orders if order.step == "start"]
    assert [order.kind for order in orders] == ["task"] * (retries + 1) + [FALLBACK]
    assert "SIGSEGV" in orders[-1].context["died"]
    assert orders[-1].options["last_attempt"]
    assert system.states("attempts") == ["lost"] * (retries + 1) + ["tolerated", "succeeded"]


def test_a_catch_whose_own_process_dies_fails_the_task(make):
    system = make(step("start", "end", catch=CATCH), step("end"))
    system.on("start", died())
    end = system.run()
    assert end.state == "failed"
    assert "SIGKILL" in end.reason
    assert len(system.started()) == 2


def test_one_ctrl_c_asks_politely_then_kills_and_records_a_cancelled_run(make):
    system = make(*foreach_flow(), widths={"start": 4}, max_workers=2)
    system.on("body", lambda order: system.good(order, seconds=100, ignores=(TERM,)))
    system.executor.at(5.0, Signalled(INT))
    assert system.run() == RunEnd("cancelled", "stopped by SIGINT")
    times = [(when, number) for when, _, number in system.executor.signals]
    assert times == [(5.0, TERM), (5.0, TERM), (6.0, KILL), (6.0, KILL)]
    assert system.states() == ["succeeded"] + ["cancelled"] * 4
    assert system.states("steps") == ["succeeded", "cancelled", "not_reached", "not_reached"]


def test_a_second_ctrl_c_kills_at_once(make):
    system = make(*foreach_flow(), widths={"start": 1})
    system.on("body", lambda order: system.good(order, seconds=100, ignores=(TERM,)))
    system.executor.at(5.0, Signalled(INT))
    system.executor.at(5.25, Signalled(INT))
    assert system.run().state == "cancelled"
    assert [(when, number) for when, _, number in system.executor.signals] == [
        (5.0, TERM),
        (5.25, KILL),
    ]


def test_ctrl_c_before_the_parameters_are_settled_ends_the_run(make):
    system = make(*LINEAR_FLOW)
    system.on("_parameters", Act(None, seconds=100))
    system.executor.at(1.0, Signalled(TERM))
    assert system.run() == RunEnd("cancelled", "stopped by SIGTERM")
    assert system.states() == []
    assert system.states("steps") == ["not_reached"] * 3


def test_a_run_whose_launcher_is_gone_is_lost_and_everything_killed(make):
    system = make(*foreach_flow(), widths={"start": 3}, max_workers=2)
    system.on("body", lambda order: system.good(order, seconds=100, ignores=(TERM,)))
    system.executor.at(5.0, LauncherGone())
    assert system.run().state == "lost"
    assert {when for when, _, number in system.executor.signals if number == KILL} == {5.0}
    assert system.states("steps") == ["succeeded", "cancelled", "not_reached", "not_reached"]


def test_parameters_that_can_not_be_settled_fail_the_run(make):
    system = make(*LINEAR_FLOW)
    system.on("_parameters", failed("no such file"))
    end = system.run()
    assert end == RunEnd("failed", "its parameters could not be settled: no such file")
    assert system.states("steps") == ["not_reached"] * 3


def test_a_timeout_is_enforced_by_sigterm_then_sigkill(make):
    system = make(step("start", "end", timeout=timeout(10)), step("end"), timeout_grace=5.0)
    system.on("start", Act(None, seconds=1e6, ignores=(TERM,)))
    end = system.run()
    assert [(when, number) for when, _, number in system.executor.signals[:2]] == [
        (pytest.approx(15.0), TERM),
        (pytest.approx(20.0), KILL),
    ]
    assert "did not react to its @timeout" in end.reason


def test_each_attempt_has_the_whole_timeout(make):
    flow = (step("start", "end", timeout=timeout(10), retry=retry(1, seconds=100)), step("end"))
    system = make(*flow, timeout_grace=5.0)
    system.on("start", Act(None, seconds=1e6))
    assert system.run().state == "failed"
    assert [when for when, _, _ in system.executor.signals] == pytest.approx([15.0, 130.0], abs=0.1)


def test_a_step_without_a_timeout_is_never_signalled(make):
    system = make(step("start", "end"), step("end"))
    system.on("start", lambda order: system.good(order, seconds=10_000))
    assert system.run().state == "succeeded"
    assert system.executor.signals == []


def test_a_process_that_never_started_did_not_time_out(make):
    system = make(step("start", "end", timeout=timeout(10)), step("end"))
    system.on("start", Act(None, starts=False, status=None, why="can't fork: no memory"))
    end = system.run()
    assert "can't fork: no memory" in end.reason
    assert "@timeout" not in end.reason


def test_a_process_that_never_started_is_told_with_its_reason(make):
    system = make(step("start", "end"), step("end"))
    system.on("start", Act(None, starts=False, status=None, why="can't fork: no memory"))
    assert "can't fork: no memory" in system.run().reason
    assert system.states("attempts") == ["lost"]


def test_a_wide_foreach_is_recorded_in_few_transactions(make):
    system = make(*foreach_flow(), widths={"start": 1000}, max_workers=16)
    system.on("body", lambda order: system.good(order, seconds=0.001))
    assert system.run().state == "succeeded"
    assert len(system.rows("SELECT 1 FROM tasks")) == 1003
    assert system.commits() <= 20


def test_what_happened_is_recorded_within_the_interval(make):
    system = make(*LINEAR_FLOW, commit_interval=0.1)
    seen = []

    def act(order):
        system.executor.at(0.25, Signalled(0))
        return system.good(order, seconds=5.0)

    system.on("middle", act)
    handle = system.engine._handle

    def look(event):
        if isinstance(event, Signalled):
            seen.extend(system.rows("SELECT step, state FROM tasks ORDER BY id"))
            return
        handle(event)

    system.engine._handle = look
    system.run()
    assert seen == [("start", "succeeded"), ("middle", "running")]


@pytest.mark.parametrize(("cpu", "most"), [(2.0, 5), (3.0, 3), (10.0, 1), (0.0, 8)])
def test_resources_bound_what_runs_at_once(make, cpu, most):
    system = make(
        *foreach_flow(resources={"cpu": cpu, "memory": 1, "gpu": 0}),
        widths={"start": 20},
        max_workers=8,
        limits={"cpu": 10, "memory": 1e9, "gpu": 0, "disk": 1},
    )
    system.on("body", lambda order: system.good(order, seconds=1))
    assert system.run().state == "succeeded"
    assert system.executor.most == most


def test_a_step_that_waits_for_resources_does_not_hold_up_another(make):
    flow = (
        step("start", "greedy", "greedy2", "modest"),
        step("greedy", "join", resources={"cpu": 10}),
        step("greedy2", "join", resources={"cpu": 10}),
        step("modest", "join"),
        step("join", "end", join=True),
        step("end"),
    )
    system = make(*flow, limits={"cpu": 10, "memory": 1, "gpu": 0, "disk": 1})
    for name in ("greedy", "greedy2"):
        system.on(name, lambda order: system.good(order, seconds=5))
    assert system.run().state == "succeeded"
    assert [name for name, _, _ in system.started()][:4] == ["start", "greedy", "modest", "greedy2"]


def test_the_lease_is_renewed_while_a_long_task_runs(make):
    system = make(step("start", "end"), step("end"), lease_interval=3.0)
    system.on("start", lambda order: system.good(order, seconds=31))
    system.run()
    heard = [text for text in system.statements if "SET heard_at" in text]
    times = [float(text.split("heard_at = ")[1].split()[0]) - EPOCH for text in heard]
    assert all(later - sooner <= 3.01 for sooner, later in itertools.pairwise([0.0, *times, 31.0]))
    assert len(times) <= 15


def test_a_run_that_was_declared_lost_stops_and_records_nothing_more(make):
    system = make(step("start", "end"), step("end"))

    def act(order):
        path = system.settings.home.records
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("UPDATE runs SET state = 'lost', fence = fence + 1, finished_at = 1")
        return system.good(order, seconds=30)

    system.on("start", act)
    with pytest.raises(LeaseLost, match="declared ended while it ran"):
        system.engine.run()
    assert system.rows("SELECT state FROM runs") == [("lost",)]
    assert system.states() == []


def test_records_that_can_not_be_written_end_the_run_with_a_sentence(make):
    system = make(step("start", "end"), step("end"))
    system.on(
        "start", lambda order: (system.recorder._connection.execute("DROP TABLE events"), None)[1]
    )
    with pytest.raises(StoreUnavailable, match="can't be used"):
        system.engine.run()


def test_reused_tasks_start_nothing_and_what_follows_runs(make):
    going_on = {"start": Transition(("middle",)), "middle": Transition(("end",))}
    tasks = {
        (name, (), 0): OriginTask(1, number, "succeeded", f"old{number}", transition, "")
        for number, (name, transition) in enumerate(going_on.items(), 1)
    }
    system = make(*LINEAR_FLOW, origin=Origin(1, tasks, frozenset(), None))
    assert system.run().state == "succeeded"
    assert system.started() == [("end", (), 0)]
    assert system.states() == ["reused", "reused", "succeeded"]
    assert system.states("steps") == ["reused", "reused", "succeeded"]
    (end,) = [order for order in system.executor.orders if order.task]
    assert [tuple(ref) for ref in end.inputs] == [("middle", 2, "old2")]


def test_a_run_that_reuses_a_tolerated_task_is_tolerated_too(make):
    tasks = {("start", (), 0): OriginTask(1, 1, "tolerated", "m", Transition(("end",)), "")}
    system = make(step("start", "end"), step("end"), origin=Origin(1, tasks, frozenset(), None))
    assert system.run().state == "tolerated"


def test_what_a_task_prints_is_shown_and_logged_line_by_line(make):
    system = make(step("start", "end"), step("end"))
    prints = (("o", b"one\ntwo"), ("e", b"\xff bad\n"), ("o", b" more\nlast"))
    system.on("start", lambda order: system.good(order, prints=prints, seconds=0.1))
    system.run()
    lines = [arguments[1:3] for arguments in system.watcher.of("task_line")]
    assert lines == [("o", "one"), ("e", "\\xff bad"), ("o", "two more"), ("o", "last")]
    with open(system.settings.home.log(system.run_id, 1, 0), "rb") as file:
        assert [line.split(b" ", 2)[1:] for line in file.read().splitlines()] == [
            [b"o", b"one"],
            [b"e", b"\xff bad"],
            [b"o", b"two more"],
            [b"O", b"last"],
        ]


def test_a_failed_tasks_error_is_in_its_log_and_records(make):
    system = make(step("start", "end"), step("end"))
    system.on("start", failed("boom"))
    system.run()
    with open(system.settings.home.log(system.run_id, 1, 0), "rb") as file:
        assert b"ValueError: boom" in file.read()
    ((stored,),) = system.rows("SELECT error FROM attempts")
    assert json.loads(stored)[:2] == ["ValueError", "boom"]


def test_a_snapshot_that_hangs_holds_the_end_up_for_a_bounded_time_only(make):
    system = make(step("start", "end"), step("end"))
    system.on("_code", Act(None, seconds=1e6))
    assert system.run().state == "succeeded"
    assert 4.0 <= system.clock.now <= 6.0
    assert system.rows("SELECT code FROM runs") == [(None,)]


def test_a_task_that_is_due_again_waits_for_a_slot_without_being_looked_at(make):
    system = make(*foreach_flow(retry=retry(1, seconds=1.0)), widths={"start": 3}, max_workers=1)
    polls = []
    poll = system.executor.poll

    def counted(seconds):
        polls.append(seconds)
        return poll(seconds)

    system.executor.poll = counted

    def act(order):
        if order.frames[0].index == 0 and order.attempt == 0:
            return failed("once")
        return system.good(order, seconds=1000.0)

    system.on("body", act)
    assert system.run().state == "succeeded"
    (again,) = [
        at
        for at, order in zip(
            system.executor.started_at.values(), system.executor.orders, strict=True
        )
        if order.attempt == 1
    ]
    assert again == 1000.0
    # A sign of life every three seconds, and what happens.
    assert len(polls) < 1500


def test_environment_variables_decide_the_placement(make):
    flow = (step("start", "end", environment={"vars": {"B": "2", "A": "1"}}), step("end"))
    system = make(*flow)
    system.run()
    placed = dict(
        zip((o.step for o in system.executor.orders), system.executor.placements, strict=True)
    )
    assert placed["start"].variables == (("A", "1"), ("B", "2"))
    assert placed["end"].variables == ()


def test_the_watchers_last_progress_is_the_final_one(make):
    system = make(*foreach_flow(), widths={"start": 5})
    system.run()
    assert [
        (one.step, one.total, one.done, one.running) for one in system.watcher.of("progress")[-1][0]
    ] == [
        ("start", 1, 1, 0),
        ("body", 5, 5, 0),
        ("join", 1, 1, 0),
        ("end", 1, 1, 0),
    ]
