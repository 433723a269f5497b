"""Reading what a resumed run can reuse, and declaring runs lost whose process is gone."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from falaj.errors import FalajNotFound
from falaj.home import SPIN_FOLDER, TASK_VARIABLE, VARIABLE, Home
from falaj.liveness import is_lost
from falaj.model.orders import Transition
from falaj.runtime.processes import began_at, kill_tree, marked_with
from falaj_control.plan.tasks import OriginTask, TaskKey
from falaj_control.records.database import open_records, unavailable

# Seconds by which the kernel's and our own record of a start may differ.
_SAME_START = 3.0
LOST_REASON = "the process that ran it is gone"


class OriginRun(NamedTuple):
    """The run that is resumed: its parameters' manifest, the options it was given, its tasks.

    `environments` holds, by step, the digest of the description of the step's own environment.
    """

    id: int
    parameters: str | None
    options: Mapping[str, Any]
    tasks: Mapping[TaskKey, OriginTask]
    environments: Mapping[str, str]
    trigger: Sequence[Mapping[str, Any]] = ()


def look_before(home: Home, origin: int | None, now: float) -> OriginRun | None:
    """Declare runs lost whose process is gone, and return the run that is to be resumed.

    Raises FalajNotFound for one that is not there.
    """
    connection = open_records(home)
    try:
        declare_lost(connection, now)
        return None if origin is None else read_origin(connection, origin)
    except sqlite3.Error as error:
        raise unavailable(home, error) from error
    finally:
        connection.close()


def read_origin(connection: sqlite3.Connection, run: int) -> OriginRun:
    """Return the run to be resumed; raise FalajNotFound."""
    statement = "SELECT parameters, options, trigger FROM runs WHERE id = ?"
    row = connection.execute(statement, (run,)).fetchone()
    if row is None:
        raise FalajNotFound(f"There is no run {run} to resume.")
    tasks = read_origin_tasks(connection, run)
    environments = read_origin_environments(connection, run)
    trigger = json.loads(row[2]) if row[2] is not None else ()
    return OriginRun(run, row[0], json.loads(row[1]), tasks, environments, trigger)


def read_chosen(home: Home, run: int) -> tuple[str | None, dict[str, str]]:
    """Return what `--environment` said in a run, and the descriptions of its environments."""
    connection = open_records(home)
    try:
        row = connection.execute("SELECT options FROM runs WHERE id = ?", (run,)).fetchone()
        chosen = json.loads(row[0]).get("environment") if row is not None else None
        return chosen, read_origin_environments(connection, run)
    except sqlite3.Error as error:
        raise unavailable(home, error) from error
    finally:
        connection.close()


def read_origin_environments(connection: sqlite3.Connection, run: int) -> dict[str, str]:
    """Return the descriptions of a run's own environments by step.

    A step that the run reused has none; that of the latest run before it which had one counts.
    """
    rows = connection.execute(
        "WITH RECURSIVE past (run) AS (SELECT ? UNION SELECT r.origin FROM runs r "
        "JOIN past ON r.id = past.run WHERE r.origin IS NOT NULL) "
        "SELECT s.name, s.environment FROM steps s JOIN past ON s.run = past.run "
        "WHERE s.environment IS NOT NULL ORDER BY s.run",
        (run,),
    )
    # An origin is older than what resumes it, so its number is less: the latest comes last.
    return {str(step): str(digest) for step, digest in rows}


def read_origin_tasks(connection: sqlite3.Connection, run: int) -> dict[TaskKey, OriginTask]:
    """Return the tasks of a run by step, indices and iteration.

    A task that was itself reused stands for the one that really ran.
    """
    rows = connection.execute(
        "SELECT t.step, t.indices, t.iteration, coalesce(o.run, t.run), coalesce(o.id, t.id), "
        "coalesce(o.state, t.state), t.manifest, t.transition, t.label FROM tasks t "
        "LEFT JOIN tasks o ON o.run = t.origin_run AND o.id = t.origin_task WHERE t.run = ?",
        (run,),
    )
    tasks: dict[TaskKey, OriginTask] = {}
    for step, indices, iteration, origin_run, origin_task, state, manifest, went, label in rows:
        goes_on = None if went is None else Transition.from_wire(json.loads(went))
        key = (str(step), tuple(json.loads(indices)), int(iteration))
        tasks[key] = OriginTask(origin_run, origin_task, state, manifest, goes_on, label)
    return tasks


def lost_runs(connection: sqlite3.Connection, now: float) -> dict[int, float]:
    """Return the runs that say they are running though their process is gone, and when they were
    last heard of."""
    return {run: heard_at for run, _, heard_at, _ in _lost(connection, now)}


def _lost(connection: sqlite3.Connection, now: float) -> list[tuple[int, str, float, int]]:
    rows = connection.execute(
        "SELECT id, flow, lease, heard_at, fence FROM runs WHERE state = 'running'"
    ).fetchall()
    return [
        (run, flow, heard_at, fence)
        for run, flow, lease, heard_at, fence in rows
        if is_lost(json.loads(lease), heard_at, now)
    ]


def declare_lost(connection: sqlite3.Connection, now: float) -> list[int]:
    """End every run that says it is running though its process is gone; return their numbers.

    The run's fence is raised, so that a process that comes back after all can't commit.
    """
    ended: list[int] = []
    for run, flow, heard_at, fence in _lost(connection, now):
        left: list[int] = []
        connection.execute("BEGIN IMMEDIATE")
        changed = connection.execute(
            "UPDATE runs SET state = 'lost', reason = ?, finished_at = ?, fence = fence + 1 "
            "WHERE id = ? AND fence = ? AND state = 'running'",
            (LOST_REASON, heard_at, run, fence),
        ).rowcount
        if changed:
            left = _left_running(connection, run) + _left_behind(connection, flow, run)
            _end_parts(connection, run, heard_at)
            ended.append(int(run))
        connection.execute("COMMIT")
        for pid in left:
            kill_tree(pid)
    return ended


def _left_running(connection: sqlite3.Connection, run: int) -> list[int]:
    """Return the processes of a run's tasks that still run, on this machine, without it."""
    rows = connection.execute(
        "SELECT pid, started_at FROM attempts WHERE run = ? AND state = 'running' AND pid > 0",
        (run,),
    )
    # A process id may have been given to somebody else since; the time tells.
    return [
        pid
        for pid, started_at in rows
        if abs((began_at(pid) or 0.0) - started_at) < _SAME_START and _leads_session(pid)
    ]


def _left_behind(connection: sqlite3.Connection, flow: str, run: int) -> list[int]:
    """Return the processes that a run's tasks started and that outlived them."""
    records = str(connection.execute("PRAGMA database_list").fetchone()[2])
    root = os.path.dirname(records)
    found = marked_with(f"{VARIABLE}={root}", f"{TASK_VARIABLE}={flow}/{run}/")
    above, name = os.path.split(root)
    if name != SPIN_FOLDER:
        return found
    # A task that is spun sees the home that it belongs to.
    spun = f"{TASK_VARIABLE}={SPIN_FOLDER}/{flow}/{run}/"
    return found + marked_with(f"{VARIABLE}={above}", spun)


def _end_parts(connection: sqlite3.Connection, run: int, heard_at: float) -> None:
    for table in ("attempts", "tasks", "steps"):
        connection.execute(
            f"UPDATE {table} SET state = 'lost', reason = ?, finished_at = ? "
            "WHERE run = ? AND state IN ('running', 'retrying')",
            (LOST_REASON, heard_at, run),
        )
    connection.execute(
        "UPDATE steps SET reason = ? WHERE run = ? AND state = 'not_reached'", (LOST_REASON, run)
    )
    connection.execute(
        "INSERT INTO events (run, at, actor, kind, reason) VALUES (?, ?, 'records', 'run lost', ?)",
        (run, heard_at, LOST_REASON),
    )


def _leads_session(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False
