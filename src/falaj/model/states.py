"""The states of runs, tasks and attempts, and which of them are final."""

from __future__ import annotations

RUNNING = "running"
SUCCEEDED = "succeeded"
TOLERATED = "tolerated"
FAILED = "failed"
CANCELLED = "cancelled"
LOST = "lost"
REUSED = "reused"
RETRYING = "retrying"
NOT_REACHED = "not_reached"

RUN_STATES = (RUNNING, SUCCEEDED, TOLERATED, FAILED, CANCELLED, LOST)
RUN_FINAL = frozenset((SUCCEEDED, TOLERATED, FAILED, CANCELLED, LOST))
RUN_SUCCESSFUL = frozenset((SUCCEEDED, TOLERATED))

TASK_STATES = (RUNNING, RETRYING, SUCCEEDED, REUSED, TOLERATED, FAILED, CANCELLED, LOST)
TASK_FINAL = frozenset((SUCCEEDED, REUSED, TOLERATED, FAILED, CANCELLED, LOST))
TASK_SUCCESSFUL = frozenset((SUCCEEDED, REUSED, TOLERATED))

ATTEMPT_STATES = (RUNNING, SUCCEEDED, TOLERATED, FAILED, CANCELLED, LOST)
ATTEMPT_FINAL = frozenset((SUCCEEDED, TOLERATED, FAILED, CANCELLED, LOST))

STEP_STATES = (*TASK_STATES, NOT_REACHED)

# What a person reads; the stored word is the short one above.
TITLES = {
    RUNNING: "running",
    SUCCEEDED: "succeeded",
    TOLERATED: "succeeded with tolerated failures",
    FAILED: "failed",
    CANCELLED: "cancelled",
    LOST: "lost",
    REUSED: "reused",
    RETRYING: "waiting to retry",
    NOT_REACHED: "not reached",
}
