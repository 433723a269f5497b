"""Facts about a task as names and values, under the names that Metaflow's users look for."""

from __future__ import annotations

import os
from typing import Any, Iterator, List, NamedTuple, Optional, Tuple

from falaj.client.taskfacts import TaskFacts
from falaj.model import states
from falaj.model.graph import FlowDescription
from falaj.model.graphdata import foreach_steps
from falaj.model.records import TaskRecord

# Facts whose type Metaflow's users know under another name than the fact itself.
_TYPES = {"attempt_ok": "internal_attempt_status"}
# The run's own tags that are facts about each of its tasks.
_TAGS = ("runtime", "python_version", "falaj_version")
_LONGEST_STACK = 256
_Facts = List[Tuple[float, str, Any]]


class Metadata(NamedTuple):
    """One fact about a task; `created_at` is in milliseconds since the epoch.

    The value is a text, that of `foreach-stack` a list of texts.
    """

    name: str
    value: Any
    created_at: int
    type: str
    task: Any


def metadata_of(task: Any, facts: TaskFacts) -> List[Metadata]:
    """Return the facts of `task`, oldest first; those of one attempt where one was asked for."""
    record, run = facts.record, facts.run.record
    found: _Facts = [
        (record.created_at, "user", run.user),
        (record.created_at, "script-name", os.path.basename(run.script)),
        (record.created_at, "ds-type", "local"),
        (record.created_at, "ds-root", facts.access.home.root),
    ]
    if run.code is not None:
        found.append((record.created_at, "code-package", run.code))
    if record.indices:
        indices = ",".join(map(str, record.indices))
        found.append((record.created_at, "foreach-indices", indices))
        found.append((record.created_at, "foreach-label", record.label))
        found.extend((record.created_at, name, value) for name, value in _places(facts))
    if facts.run.is_gang(record.step):
        found.extend((record.created_at, name, value) for name, value in _gang(facts))
    if run.origin is not None:
        found.append((record.created_at, "origin-run-id", str(run.origin)))
    if record.origin is not None:
        found.append((record.created_at, "origin-run-id", str(record.origin[0])))
        found.append((record.created_at, "origin-task-id", str(record.origin[1])))
    for attempt in facts.attempts():
        if facts.attempt is not None and attempt.number != facts.attempt:
            continue
        found.append((attempt.started_at, "attempt", str(attempt.number)))
        if attempt.pid is not None:
            found.append((attempt.started_at, "pid", str(attempt.pid)))
        if attempt.finished_at is not None:
            successful = str(attempt.state in states.TASK_SUCCESSFUL)
            found.append((attempt.finished_at, "attempt_ok", successful))
            found.append((attempt.finished_at, "attempt-done", str(attempt.number)))
            if attempt.exit_code is not None:
                found.append((attempt.finished_at, "exit-code", str(attempt.exit_code)))
            for name, value in attempt.usage.items():
                found.append((attempt.finished_at, name, str(value)))
    for tag in facts.run.tags.system:
        name, _, value = tag.partition(":")
        if name in _TAGS:
            found.append((record.created_at, name, value))
    found.sort(key=lambda fact: fact[0])
    return [
        Metadata(name, value, int(at * 1000), _TYPES.get(name, name), task)
        for at, name, value in found
    ]


def _places(facts: TaskFacts) -> Iterator[Tuple[str, Any]]:
    record = facts.record
    steps = foreach_steps(FlowDescription.from_wire(facts.run.record.graph), record.step)
    if len(steps) == len(record.indices):
        places = ["{}:{}".format(*level) for level in zip(steps, record.indices)]
        yield "foreach-execution-path", ",".join(places)
    stack: List[str] = []
    for label in _labels(facts):
        # Members of a gang have no value, and what no step asked for is not known.
        if "=" not in label or sum(map(len, stack)) + len(label) > _LONGEST_STACK:
            break
        stack.append(label)
    if stack:
        yield "foreach-stack", stack


def _labels(facts: TaskFacts) -> List[str]:
    """Return the label of each foreach around the task, outermost first, from it and those before
    it; empty where none of them asked for the value."""
    labels = [""] * len(facts.record.indices)
    lowest = len(labels)
    one: Optional[TaskRecord] = facts.record
    while one is not None and lowest and not all(labels):
        level = len(one.indices)
        # Deeper ones behind a join belong to another foreach.
        lowest = min(lowest, level)
        if level and level == lowest and not labels[level - 1]:
            labels[level - 1] = one.label
        one = facts.access.reader.task(one.run, one.parents[0]) if one.parents else None
    return labels


def _gang(facts: TaskFacts) -> Iterator[Tuple[str, str]]:
    record = facts.record
    around = record.indices[:-1]
    tasks = facts.access.reader.tasks(record.run, record.step)
    yield "parallel-world-size", str(sum(one.indices[:-1] == around for one in tasks))
    if record.indices[-1] == 0:
        yield "internal_task_type", "control_task"
