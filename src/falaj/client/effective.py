"""What a run whose process is gone really is: lost, with all that it left running.

A process that dies can't record its own end, so readers tell it from the run's lease. This is the
one place that does, for the client and the command line alike.
"""

from __future__ import annotations

import time
from typing import Any, Mapping, NamedTuple, Optional

from falaj.liveness import is_lost
from falaj.model import states
from falaj.model.records import AttemptRecord, RunRecord, StepRecord, TaskRecord

_OPEN = (states.RUNNING, states.RETRYING)


class Loss(NamedTuple):
    """Since when, and why, a run counts as lost."""

    heard_at: float
    reason: str


def loss(state: str, lease: Mapping[str, Any], heard_at: float, now: float) -> Optional[Loss]:
    """Return the loss of a run recorded as running whose process is gone at `now`, or None."""
    if state != states.RUNNING or not is_lost(lease, heard_at, now):
        return None
    heard = time.strftime("%d %b %Y %H:%M:%S", time.localtime(heard_at))
    reason = "the process that ran it ({} on {}) is gone; last heard of at {}".format(
        lease.get("pid", "?"), lease.get("host", "?"), heard
    )
    return Loss(heard_at, reason)


def lost_run(record: RunRecord, lost: Optional[Loss]) -> RunRecord:
    """Return the run as lost where `lost` is given."""
    if lost is None:
        return record
    return record._replace(state=states.LOST, reason=lost.reason, finished_at=lost.heard_at)


def lost_step(record: StepRecord, lost: Optional[Loss]) -> StepRecord:
    """Return the step as lost where `lost` is given and it was under way."""
    if lost is not None and record.state == states.NOT_REACHED:
        return record._replace(reason=record.reason or lost.reason)
    if lost is None or record.state not in _OPEN:
        return record
    return record._replace(
        state=states.LOST, reason=lost.reason, finished_at=_end(lost, record.created_at)
    )


def lost_task(record: TaskRecord, lost: Optional[Loss]) -> TaskRecord:
    """Return the task as lost where `lost` is given and it was under way."""
    if lost is None or record.state not in _OPEN:
        return record
    return record._replace(
        state=states.LOST, reason=lost.reason, finished_at=_end(lost, record.created_at)
    )


def lost_attempt(record: AttemptRecord, lost: Optional[Loss]) -> AttemptRecord:
    """Return the attempt as lost where `lost` is given and it was under way."""
    if lost is None or record.state not in _OPEN:
        return record
    return record._replace(
        state=states.LOST, reason=lost.reason, finished_at=_end(lost, record.started_at)
    )


def _end(lost: Loss, began: Optional[float]) -> float:
    return lost.heard_at if began is None else max(lost.heard_at, began)
