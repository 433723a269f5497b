"""The rows of the records: one frozen class per concept, used by store, client, API and CLI."""

from __future__ import annotations

from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from falaj.model.orders import ErrorInfo


class RunRecord(NamedTuple):
    """One execution of a flow. Times are seconds since the epoch.

    `parameters` is the digest of the manifest that holds parameters and class constants,
    `code` the digest of the code snapshot's listing, `cause` the task that ended the run,
    `environment` the digest of the description of what it was launched in, `trigger` the events
    that started it, empty where a person did.
    """

    id: int
    flow: str
    state: str
    reason: str
    cause: Optional[int]
    user: str
    script: str
    created_at: float
    finished_at: Optional[float]
    origin: Optional[int]
    parameters: Optional[str]
    code: Optional[str]
    graph: Mapping[str, Any]
    options: Mapping[str, Any]
    lease: Mapping[str, Any]
    heard_at: float
    environment: Optional[str]
    trigger: Sequence[Mapping[str, Any]] = ()


class StepRecord(NamedTuple):
    """One step of a run: its place in the order and how its tasks ended.

    `cause` is the task because of which the step was not reached, `environment` the digest of the
    description of its own environment, None where it has none.
    """

    run: int
    name: str
    position: int
    state: str
    reason: str
    cause: Optional[int]
    created_at: Optional[float]
    finished_at: Optional[float]
    environment: Optional[str]


class TaskRecord(NamedTuple):
    """One execution of a step.

    `indices` are the foreach indices, outermost first; `iteration` counts how often the step has
    led to itself there; `parents` the ids of the tasks whose
    artifacts flowed in; `origin` is (run, task) of the task that a reused one stands for;
    `reason` says why it ran or was reused, or how it ended; `cause` is the task to blame.
    """

    run: int
    id: int
    step: str
    indices: Tuple[int, ...]
    state: str
    reason: str
    cause: Optional[int]
    parents: Tuple[int, ...]
    origin: Optional[Tuple[int, int]]
    attempt: int
    manifest: Optional[str]
    label: str
    created_at: float
    finished_at: Optional[float]
    iteration: int = 0


class AttemptRecord(NamedTuple):
    """One try of a task; `exit_code` is negative for the signal that ended the process."""

    run: int
    task: int
    number: int
    state: str
    reason: str
    started_at: float
    finished_at: Optional[float]
    pid: Optional[int]
    exit_code: Optional[int]
    error: Optional[ErrorInfo]
    manifest: Optional[str]
    usage: Mapping[str, float]


def pack_ids(ids: Tuple[int, ...]) -> str:
    """Return ids as text, runs of consecutive ones as `first-last` (a wide join has many)."""
    parts: List[str] = []
    position = 0
    while position < len(ids):
        last = position
        while last + 1 < len(ids) and ids[last + 1] == ids[last] + 1:
            last += 1
        first = ids[position]
        parts.append(str(first) if last == position else "{}-{}".format(first, ids[last]))
        position = last + 1
    return ",".join(parts)


def unpack_ids(text: str) -> Tuple[int, ...]:
    """Return the ids that `pack_ids` wrote."""
    ids: List[int] = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        ids.extend(range(int(first), int(last or first) + 1))
    return tuple(ids)
