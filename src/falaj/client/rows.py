"""Rows of the records' tables to record values."""

from __future__ import annotations

import json
from typing import Any, Sequence

from falaj.model.orders import ErrorInfo
from falaj.model.records import AttemptRecord, RunRecord, StepRecord, TaskRecord, unpack_ids

RUN_COLUMNS = (
    "id, flow, state, reason, cause, user, script, created_at, finished_at, origin, parameters, "
    "code, graph, options, lease, heard_at, environment, trigger"
)
STEP_COLUMNS = "run, name, position, state, reason, cause, created_at, finished_at, environment"
TASK_COLUMNS = (
    "run, id, step, indices, state, reason, cause, parents, origin_run, origin_task, attempt, "
    "manifest, label, created_at, finished_at, iteration"
)
ATTEMPT_COLUMNS = (
    "run, task, number, state, reason, started_at, finished_at, pid, exit_code, error, manifest, "
    "usage"
)

# The versions that brought the columns `environment`, and `iteration` and `trigger`.
_ENVIRONMENTS = 2
ITERATIONS = 3


def columns(names: str, version: int) -> str:
    """Return `names` for records of a schema's version; one that it lacks reads as nothing."""
    if version < ITERATIONS:
        names = names.replace(", iteration", ", 0").replace(", trigger", ", NULL")
    return names if version >= _ENVIRONMENTS else names.replace(", environment", ", NULL")


def run_record(row: Sequence[Any]) -> RunRecord:
    """Return the run of a row of `RUN_COLUMNS`."""
    graph, options, lease = (json.loads(text) for text in row[12:15])
    trigger = json.loads(row[17]) if row[17] is not None else ()
    return RunRecord._make((*row[:12], graph, options, lease, *row[15:17], trigger))


def step_record(row: Sequence[Any]) -> StepRecord:
    """Return the step of a row of `STEP_COLUMNS`."""
    return StepRecord(*row)


def task_record(row: Sequence[Any]) -> TaskRecord:
    """Return the task of a row of `TASK_COLUMNS`."""
    indices = tuple(json.loads(row[3])) if row[3] != "[]" else ()
    origin = None if row[8] is None else (int(row[8]), int(row[9]))
    return TaskRecord._make((*row[:3], indices, *row[4:7], unpack_ids(row[7]), origin, *row[10:]))


def attempt_record(row: Sequence[Any]) -> AttemptRecord:
    """Return the attempt of a row of `ATTEMPT_COLUMNS`."""
    error = None if row[9] is None else ErrorInfo(*json.loads(row[9]))
    return AttemptRecord._make((*row[:9], error, row[10], json.loads(row[11])))
