"""What follows from the end of an attempt: success, another try, the step's catch, or failure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from falaj.model.states import CANCELLED, FAILED, LOST, RETRYING, SUCCEEDED, TOLERATED

# How an attempt can end.
ENDED_WELL = "succeeded"
ENDED_CAUGHT = "caught"
ENDED_FAILED = "failed"
ENDED_DIED = "died"
ENDED_STOPPED = "stopped"

# How it goes on.
AGAIN = "again"
FALL_BACK = "fall back"


class Policy(NamedTuple):
    """A step's retry and catch as numbers: `retries` tries after the first, waits in seconds."""

    retries: int
    wait: float
    backoff: float
    jitter: float
    catches: bool


class Verdict(NamedTuple):
    """The states that follow, how the task goes on (if it does), and after how many seconds."""

    attempt_state: str
    task_state: str
    follow: str | None
    wait: float


_EITHER = (False, True)


def _end(state: str) -> tuple[str, str, str | None]:
    return state, state, None


# (how it ended, whether a retry is left, whether the step catches) -> states and what follows.
_TABLE: Mapping[tuple[str, bool, bool], tuple[str, str, str | None]] = {
    **{(ENDED_WELL, r, c): _end(SUCCEEDED) for r in _EITHER for c in _EITHER},
    **{(ENDED_CAUGHT, r, c): _end(TOLERATED) for r in _EITHER for c in _EITHER},
    **{(ENDED_STOPPED, r, c): _end(CANCELLED) for r in _EITHER for c in _EITHER},
    (ENDED_FAILED, True, False): (FAILED, RETRYING, AGAIN),
    (ENDED_FAILED, True, True): (FAILED, RETRYING, AGAIN),
    (ENDED_FAILED, False, False): (FAILED, FAILED, None),
    # The task's own process applies the catch; a failure beyond that one is the catch's own.
    (ENDED_FAILED, False, True): (FAILED, FAILED, None),
    (ENDED_DIED, True, False): (LOST, RETRYING, AGAIN),
    (ENDED_DIED, True, True): (LOST, RETRYING, AGAIN),
    (ENDED_DIED, False, False): (LOST, FAILED, None),
    (ENDED_DIED, False, True): (LOST, RETRYING, FALL_BACK),
}


def after_attempt(
    policy: Policy, attempt: int, ended: str, chance: float, fallback: bool = False
) -> Verdict:
    """Return what follows from the end of attempt number `attempt` (from 0).

    `chance` in 0..1 settles the jitter. A `fallback` attempt has nothing left to follow it.
    """
    left = attempt < policy.retries and not fallback
    catches = policy.catches and not fallback
    attempt_state, task_state, follow = _TABLE[ended, left, catches]
    wait = 0.0
    if follow == AGAIN:
        spread = 1.0 + policy.jitter * (2.0 * chance - 1.0)
        wait = max(0.0, policy.wait * policy.backoff**attempt * spread)
    return Verdict(attempt_state, task_state, follow, wait)


def policy_of(options: Mapping[str, Any]) -> Policy:
    """Return the policy that a step's decorators, as data by name, ask for."""
    retry = options.get("retry")
    catches = "catch" in options
    if retry is None:
        return Policy(0, 0.0, 1.0, 0.0, catches)
    seconds = retry.get("seconds_between_retries")
    if seconds is None:
        seconds = 60.0 * retry["minutes_between_retries"]
    backoff, jitter = float(retry["backoff"]), float(retry["jitter"])
    return Policy(int(retry["times"]), float(seconds), backoff, jitter, catches)
