"""A run's state, computed in one place from what became of its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from falaj.model.states import FAILED, SUCCEEDED, TOLERATED


class RunEnd(NamedTuple):
    """A run's final state and its reason."""

    state: str
    reason: str


def run_end(finished: bool, cut: RunEnd | None, tasks: Mapping[str, int]) -> RunEnd:
    """Return how a run ended.

    `finished` says whether its end step succeeded, `cut` how it was cut off before it could go
    on, `tasks` how many tasks ended in each state.
    """
    if cut is not None:
        return cut
    if not finished:
        return RunEnd(FAILED, "the end step was never reached")
    tolerated = tasks.get(TOLERATED, 0)
    if tolerated:
        plural = "" if tolerated == 1 else "s"
        return RunEnd(TOLERATED, f"{tolerated} task{plural} failed as @catch allows")
    return RunEnd(SUCCEEDED, "")
