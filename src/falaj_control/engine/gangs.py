"""Gangs: tasks that started at once, and that succeed, fail and try again as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from falaj.model.orders import ErrorInfo
from falaj.model.states import CANCELLED, FAILED, LOST, RETRYING, SUCCEEDED, TOLERATED
from falaj_control.engine.active import ActiveTask, Gang
from falaj_control.engine.context import RunContext
from falaj_control.engine.warden import Warden
from falaj_control.lifecycle.attempts import (
    ENDED_CAUGHT,
    ENDED_DIED,
    ENDED_FAILED,
    ENDED_STOPPED,
    ENDED_WELL,
    FALL_BACK,
    Verdict,
)
from falaj_control.ports.executing import Ended

# How an attempt of a member reads, whatever becomes of its gang.
_OWN_STATES = {
    ENDED_WELL: SUCCEEDED,
    ENDED_CAUGHT: TOLERATED,
    ENDED_FAILED: FAILED,
    ENDED_DIED: LOST,
    ENDED_STOPPED: CANCELLED,
}


class Ending(NamedTuple):
    """The end of one attempt, before it is decided what follows.

    Its process ended `at` a time of day, `seconds` after it had started.
    """

    task: ActiveTask
    event: Ended
    ended: str
    error: ErrorInfo | None
    at: float
    seconds: float

    @property
    def reason(self) -> str:
        """Why the attempt ended as it did; the task's own reason where nothing went wrong."""
        error = self.error
        return self.task.reason if error is None else f"{error.type}: {error.message}"


Judge = Callable[[Ending], Verdict]
Settle = Callable[[Ending, Verdict, str], None]


class Gangs:
    """Holds back the ends of a gang's members until all have ended, then settles them together."""

    def __init__(self, context: RunContext, warden: Warden, judge: Judge, settle: Settle) -> None:
        """Settle gangs of the run of `context`.

        `judge` says what follows from an end, `settle` carries that out; `warden` stops the other
        members of a gang that one has failed.
        """
        self._context = context
        self._warden = warden
        self._judge = judge
        self._settle = settle
        self._ended: dict[int, list[Ending]] = {}

    def take_in(self, gang: Gang, ending: Ending) -> None:
        """Take note of the end of a member's process."""
        endings = self._ended.setdefault(gang.number, [])
        endings.append(ending)
        if ending.ended != ENDED_WELL and len(endings) < len(gang.members):
            for member in gang.members:
                if not member.stopped and member.number in self._context.active:
                    self._warden.halt(member)
        if len(endings) == len(gang.members):
            del self._ended[gang.number]
            self._conclude(gang, endings)

    def _conclude(self, gang: Gang, endings: list[Ending]) -> None:
        by_task = {ending.task.planned.id: ending for ending in endings}
        ordered = [by_task[member.planned.id] for member in gang.members]
        bad = [end for end in endings if end.ended not in (ENDED_WELL, ENDED_STOPPED)]
        if bad:
            self._fail(bad[0], ordered)
            return
        whole = all(end.ended == ENDED_WELL for end in ordered)
        for end in ordered:
            settled = end if whole else end._replace(ended=ENDED_STOPPED)
            self._settle(settled, self._judge(settled), settled.reason)

    def _fail(self, first: Ending, ordered: list[Ending]) -> None:
        """Let all members go the way of the one that failed first."""
        verdict = self._judge(first)
        why = f"member {self._context.place(first.task)} of its gang failed: {first.reason}"
        self._settle(first, verdict, first.reason)
        for end in ordered:
            if end is first:
                continue
            if end.ended == ENDED_CAUGHT and verdict.task_state in (TOLERATED, RETRYING):
                self._settle(end, self._judge(end), end.reason)
                continue
            self._settle(end, _like(verdict, _OWN_STATES[end.ended]), why)


_FOLLOWING: Mapping[str, tuple[str, str | None]] = {
    # What one member tolerates the others take as their own failure, each with its @catch.
    TOLERATED: (RETRYING, FALL_BACK),
    FAILED: (CANCELLED, None),
    CANCELLED: (CANCELLED, None),
}


def _like(verdict: Verdict, own_state: str) -> Verdict:
    """Return what follows for a member when `verdict` follows for the one that failed."""
    task_state, follow = _FOLLOWING.get(verdict.task_state, (RETRYING, verdict.follow))
    return Verdict(own_state, task_state, follow, verdict.wait)
