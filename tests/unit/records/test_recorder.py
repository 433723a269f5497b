"""The recorder: all or nothing, fenced, and final states stay."""

import json
import sqlite3

import pytest

from falaj.errors import StoreUnavailable
from falaj.model.orders import ErrorInfo, InputRef, Transition
from falaj.model.states import TASK_FINAL
from falaj_control.plan.tasks import OriginTask, PlannedTask
from falaj_control.records.happenings import AttemptEnd, LeaseLost, TaskEnd


def rows(recorder, query):
    other = sqlite3.connect(recorder._home.records)
    try:
        return other.execute(query).fetchall()
    finally:
        other.close()


def planned(number, step="start", inputs=()):
    refs = tuple(InputRef("s", one, f"m{one}") for one in inputs)
    return PlannedTask(number, step, None, refs, False)


def ended(task, state, attempt=0, **more):
    values = {"reason": "r", "cause": None, "manifest": "m", "transition": None, "label": ""}
    return TaskEnd(task=task, state=state, attempt=attempt, **{**values, **more})


def attempt(task, state="succeeded", number=0, error=None):
    return AttemptEnd(task, number, state, "", 0, error, "m", {"wall": 1.0})


def test_a_run_is_recorded_with_its_steps_and_tags(recorder):
    assert recorder.run == 1
    found = rows(recorder, "SELECT state, heard_at, fence, options FROM runs")
    assert found == [("running", 100.0, 1, '{"x": 1}')]
    steps = rows(recorder, "SELECT name, state FROM steps ORDER BY position")
    assert steps == [("start", "not_reached"), ("end", "not_reached")]
    tags = rows(recorder, "SELECT tag, system FROM run_tags ORDER BY tag")
    assert tags == [("mine", 0), ("user:ada", 1)]


def test_runs_are_numbered_up_and_never_again(recorder, new_run):
    assert recorder.create_run(new_run) == 2
    other = sqlite3.connect(recorder._home.records)
    for table in ("events", "run_tags", "steps"):
        other.execute(f"DELETE FROM {table} WHERE run = 2")
    other.execute("DELETE FROM runs WHERE id = 2")
    other.commit()
    other.close()
    assert recorder.create_run(new_run) == 3


def test_names_that_are_not_unicode_are_recorded(recorder, new_run):
    recorder.create_run(new_run._replace(user="a\udcff", script="/x\udc80.py", tags=("t\udcff",)))
    assert rows(recorder, "SELECT user FROM runs WHERE id = 2") == [("a\\udcff",)]


def test_nothing_is_written_before_it_is_told_to(recorder):
    recorder.task_started(planned(1), "", 101.0)
    assert recorder.pending > 0
    assert rows(recorder, "SELECT id FROM tasks") == []
    recorder.flush(150.0)
    assert recorder.pending == 0
    assert rows(recorder, "SELECT id, state FROM tasks") == [(1, "running")]


def test_a_task_is_recorded_from_start_to_end(recorder):
    recorder.task_started(planned(7, inputs=(1, 2, 3, 9)), "why", 101.0)
    recorder.attempt_started(7, 0, 4242, 101.5)
    info = ErrorInfo("ValueError", "bad", "tb", "f:1")
    recorder.attempt_ended(attempt(7, "failed", error=info), 102.0)
    recorder.task_ended(ended(7, "retrying", manifest=None), 102.0)
    recorder.flush(150.0)
    assert rows(recorder, "SELECT state, finished_at FROM tasks") == [("retrying", None)]
    recorder.task_tried_again(7, 1, 103.0)
    recorder.attempt_started(7, 1, 4243, 103.0)
    recorder.attempt_ended(attempt(7, number=1), 104.0)
    going = Transition(("a",), "xs", 3, "v")
    recorder.task_ended(ended(7, "succeeded", 1, transition=going, label="x=1"), 104.0)
    recorder.flush(150.0)
    (found,) = rows(recorder, "SELECT state, attempt, parents, transition, label FROM tasks")
    assert found[:3] == ("succeeded", 1, "1-3,9")
    assert json.loads(found[3]) == [["a"], "xs", 3, "v", None, False]
    tries = rows(recorder, "SELECT number, state, pid, error FROM attempts ORDER BY number")
    assert [one[:3] for one in tries] == [(0, "failed", 4242), (1, "succeeded", 4243)]
    assert json.loads(tries[0][3])[:2] == ["ValueError", "bad"]


def test_a_batch_that_fails_in_the_middle_writes_nothing(recorder):
    recorder.task_started(planned(1), "", 101.0)
    recorder.flush(150.0)
    before = rows(recorder, "SELECT * FROM events")
    recorder.task_started(planned(2, "end"), "", 102.0)
    recorder.task_started(planned(1), "the same number again", 102.0)
    recorder.task_started(planned(3, "third"), "", 102.0)
    with pytest.raises(StoreUnavailable):
        recorder.flush(150.0)
    assert rows(recorder, "SELECT id FROM tasks") == [(1,)]
    assert rows(recorder, "SELECT * FROM events") == before


def test_a_success_without_a_manifest_is_refused(recorder):
    recorder.task_started(planned(1), "", 101.0)
    recorder.task_ended(ended(1, "succeeded", manifest=None), 102.0)
    with pytest.raises(StoreUnavailable):
        recorder.flush(150.0)
    assert rows(recorder, "SELECT id FROM tasks") == []


@pytest.mark.parametrize(
    "change",
    ["fence = fence + 1", "state = 'lost', finished_at = 5, fence = fence + 1", "id = 99"],
)
def test_who_has_lost_the_lease_writes_nothing(recorder, change):
    other = sqlite3.connect(recorder._home.records)
    other.execute(f"UPDATE runs SET {change}")
    other.commit()
    before = list(other.iterdump())
    recorder.task_started(planned(1), "", 101.0)
    for write in (
        lambda: recorder.flush(500.0),
        lambda: recorder.end_run("succeeded", "", None, 600.0),
    ):
        with pytest.raises(LeaseLost, match="resume it to go on"):
            write()
    assert list(other.iterdump()) == before
    other.close()


def test_a_flush_is_a_sign_of_life_even_where_nothing_waits(recorder):
    recorder.flush(150.0)
    assert rows(recorder, "SELECT heard_at FROM runs") == [(150.0,)]


@pytest.mark.parametrize("final", sorted(TASK_FINAL - {"reused"}))
def test_a_final_state_stays_whatever_comes_later(recorder, final):
    recorder.task_started(planned(1), "", 101.0)
    recorder.attempt_started(1, 0, 5, 101.0)
    recorder.task_ended(ended(1, final), 102.0)
    recorder.attempt_ended(attempt(1, "failed"), 102.0)
    recorder.flush(150.0)
    before = rows(recorder, "SELECT * FROM tasks"), rows(recorder, "SELECT * FROM attempts")
    for state in ("succeeded", "failed", "retrying", "cancelled"):
        recorder.task_ended(ended(1, state, 3, reason="later"), 200.0)
    recorder.task_tried_again(1, 1, 200.0)
    recorder.attempt_ended(attempt(1, "succeeded"), 200.0)
    recorder.flush(150.0)
    assert (
        rows(recorder, "SELECT * FROM tasks"),
        rows(recorder, "SELECT * FROM attempts"),
    ) == before


def test_an_ended_run_takes_nothing_more(recorder):
    recorder.end_run("succeeded", "", None, 110.0)
    assert rows(recorder, "SELECT state, finished_at FROM runs") == [("succeeded", 110.0)]
    recorder.task_started(planned(1), "", 111.0)
    with pytest.raises(LeaseLost):
        recorder.flush(150.0)


def test_a_reused_task_stands_for_the_one_that_ran(recorder):
    found = OriginTask(3, 8, "tolerated", "m8", Transition(("end",)), "x=2")
    recorder.task_reused(planned(1), "reused from run 3", found, 101.0)
    recorder.task_not_started(planned(2, "end"), "not started", 1, 102.0)
    recorder.flush(150.0)
    query = "SELECT state, origin_run, origin_task, manifest, label, cause FROM tasks ORDER BY id"
    assert rows(recorder, query) == [
        ("reused", 3, 8, "m8", "x=2", None),
        ("cancelled", None, None, None, "", 1),
    ]


def test_environments_are_noted_with_the_run_and_its_steps(recorder):
    recorder.environment_stored("here")
    recorder.step_environment("end", "own")
    recorder.flush(150.0)
    assert rows(recorder, "SELECT environment FROM runs") == [("here",)]
    query = "SELECT name, environment FROM steps ORDER BY position"
    assert rows(recorder, query) == [("start", None), ("end", "own")]
