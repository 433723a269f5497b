"""Runs without their process are ended, living ones never; what can be reused is found."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from falaj.errors import FalajNotFound
from falaj.liveness import SILENCE_SECONDS, process_lease, process_started
from falaj.model.orders import Transition
from falaj_control.plan.tasks import OriginTask, PlannedTask
from falaj_control.records.database import open_records
from falaj_control.records.happenings import LeaseLost, TaskEnd
from falaj_control.records.origins import declare_lost, read_origin, read_origin_tasks

DAY = 86_400.0
HEARD = 100.0


@pytest.fixture
def connection(recorder):
    found = open_records(recorder._home)
    yield found
    found.close()


def lease(connection, **changes):
    held = json.dumps({**process_lease(), **changes})
    connection.execute("UPDATE runs SET lease = ?", (held,))


LIVES = [
    ({}, HEARD + 1, False),
    ({}, HEARD + DAY, False),
    ({}, HEARD - DAY, False),
    ({"pid": 999_999_999}, HEARD + 1, True),
    ({"started": "1"}, HEARD + 1, True),
    ({"boot": "another"}, HEARD + 1, True),
    ({"host": "elsewhere"}, HEARD + SILENCE_SECONDS - 1, False),
    ({"host": "elsewhere"}, HEARD + SILENCE_SECONDS + 1, True),
    ({"host": "elsewhere", "pid": 999_999_999, "boot": "x"}, HEARD + 1, False),
]


@pytest.mark.parametrize(
    ("changes", "now", "lost"),
    LIVES,
    ids=[
        "own",
        "clock a day ahead",
        "clock a day behind",
        "dead",
        "another process has the id",
        "the machine has restarted",
        "elsewhere, heard of",
        "elsewhere, silent",
        "elsewhere, unknown here",
    ],
)
def test_a_run_is_lost_with_its_process_alone(recorder, connection, changes, now, lost):
    lease(connection, **changes)
    assert declare_lost(connection, now) == ([1] if lost else [])
    state = connection.execute("SELECT state FROM runs").fetchone()[0]
    assert state == ("lost" if lost else "running")


def test_a_zombie_holds_no_lease(recorder, connection):
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert process_started(process.pid) is None
    lease(connection, pid=process.pid)
    assert declare_lost(connection, HEARD) == [1]
    process.wait()


def test_all_of_a_lost_run_is_ended_and_its_process_fenced_off(recorder, connection):
    recorder.step_started("start", 101.0)
    for number, step in ((1, "start"), (2, "b"), (3, "c")):
        recorder.task_started(PlannedTask(number, step, None, (), False), "", 101.0)
        recorder.attempt_started(number, 0, None, 101.0)
    recorder.task_ended(TaskEnd(2, "retrying", "", None, 0, None, None, ""), 102.0)
    recorder.task_ended(TaskEnd(3, "succeeded", "", None, 0, "m", None, ""), 102.0)
    recorder.flush(150.0)
    lease(connection, pid=999_999_999)
    assert declare_lost(connection, 500.0) == [1]
    assert declare_lost(connection, 500.0) == []
    read = connection.execute
    tasks = read("SELECT state FROM tasks ORDER BY id").fetchall()
    assert tasks == [("lost",), ("lost",), ("succeeded",)]
    assert read("SELECT DISTINCT state FROM attempts").fetchall() == [("lost",)]
    steps = read("SELECT state FROM steps ORDER BY position").fetchall()
    assert steps == [("lost",), ("not_reached",)]
    assert read("SELECT finished_at IS NOT NULL FROM runs").fetchone() == (1,)
    with pytest.raises(LeaseLost):
        recorder.flush(150.0)


def test_no_part_of_a_lost_run_ends_before_it_started(recorder, connection):
    recorder.task_started(PlannedTask(1, "start", None, (), False), "", HEARD + 2)
    recorder.attempt_started(1, 0, None, HEARD + 2)
    recorder.flush(150.0)
    lease(connection, pid=999_999_999)
    declare_lost(connection, 500.0)
    for table, column in (("attempts", "started_at"), ("tasks", "created_at")):
        query = f"SELECT finished_at >= {column} FROM {table}"
        assert connection.execute(query).fetchall() == [(1,)]


@pytest.mark.parametrize(("shift", "killed"), [(0.0, True), (-3600.0, False), (3600.0, False)])
def test_left_processes_are_killed_where_their_start_tells_that_they_are_the_same(
    recorder, connection, shift, killed
):
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    recorder.task_started(PlannedTask(1, "start", None, (), False), "", 101.0)
    recorder.attempt_started(1, 0, process.pid, time.time() + shift)
    recorder.flush(150.0)
    lease(connection, pid=999_999_999)
    try:
        assert declare_lost(connection, 500.0) == [1]
        if killed:
            assert process.wait(timeout=30) == -signal.SIGKILL
        else:
            process.communicate(timeout=30)
            assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_a_process_that_leads_no_session_is_nobodys_task(recorder, connection):
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    recorder.task_started(PlannedTask(1, "start", None, (), False), "", 101.0)
    recorder.attempt_started(1, 0, process.pid, time.time())
    recorder.flush(150.0)
    lease(connection, pid=999_999_999)
    declare_lost(connection, 500.0)
    assert process.poll() is None
    process.communicate()
    assert process.returncode == 0


def test_the_run_to_resume_is_read(connection):
    found = read_origin(connection, 1)
    assert (found.id, found.options, found.tasks) == (1, {"x": 1}, {})
    with pytest.raises(FalajNotFound, match="no run 77 to resume"):
        read_origin(connection, 77)


def test_tasks_of_a_resumed_run_stand_for_those_that_really_ran(recorder, connection, new_run):
    going = Transition(("end",), "xs", 2, "v")
    recorder.task_started(PlannedTask(1, "start", None, (), False), "", 101.0)
    recorder.task_ended(TaskEnd(1, "tolerated", "", None, 0, "m1", going, "x=1"), 102.0)
    recorder.task_started(PlannedTask(2, "end", None, (), False), "", 101.0)
    recorder.task_ended(TaskEnd(2, "failed", "", None, 0, None, None, ""), 102.0)
    recorder.end_run("failed", "", 2, 103.0)
    ran = OriginTask(1, 1, "tolerated", "m1", going, "x=1")
    for resumed in (2, 3):
        before = read_origin_tasks(connection, resumed - 1)
        assert before["start", (), 0] == ran
        recorder.create_run(new_run._replace(origin=resumed - 1))
        task = PlannedTask(1, "start", None, (), False)
        recorder.task_reused(task, "reused", before["start", (), 0], 104.0)
        recorder.end_run("failed", "", None, 105.0)
    assert read_origin_tasks(connection, 3) == {("start", (), 0): ran}
    found = read_origin_tasks(connection, 1)["end", (), 0]
    assert (found.state, found.manifest, found.transition) == ("failed", None, None)


def test_a_write_of_another_process_is_waited_for_not_overwritten(recorder, connection):
    # Two commands that find the same dead run: one ends it, the other finds it ended.
    lease(connection, pid=999_999_999)
    other = sqlite3.connect(recorder._home.records, isolation_level=None)
    assert declare_lost(other, 500.0) == [1]
    assert declare_lost(connection, 500.0) == []
    other.close()


def test_the_environments_of_the_run_to_resume_are_found_wherever_they_were_made(
    recorder, connection, new_run
):
    recorder.step_environment("start", "a1")
    recorder.step_environment("end", "b1")
    recorder.end_run("failed", "", None, 103.0)
    # Run 2 reuses `start` wholly and has another environment for `end`; run 3 has none at all.
    recorder.create_run(new_run._replace(origin=1))
    recorder.step_environment("end", "b2")
    recorder.end_run("failed", "", None, 104.0)
    recorder.create_run(new_run._replace(origin=2))
    recorder.end_run("failed", "", None, 105.0)
    recorder.create_run(new_run)
    recorder.end_run("failed", "", None, 106.0)
    found = [read_origin(connection, run).environments for run in (1, 2, 3, 4)]
    assert found[:1] == [{"start": "a1", "end": "b1"}]
    assert found[1:] == [{"start": "a1", "end": "b2"}] * 2 + [{}]
