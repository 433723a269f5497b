"""Writes the cards of a run's tasks, with whatever else its recorder writes."""

from __future__ import annotations

from typing import NamedTuple

from falaj_control.records.recorder import Recorder

# Of a card that is rendered for good nothing changes any more.
_OPEN = (
    "INSERT INTO cards (run, task, attempt, position, type, id, state, data, at) "
    "VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?) ON CONFLICT (run, task, attempt, position) "
    "DO UPDATE SET data = coalesce(excluded.data, data), at = excluded.at WHERE state = 'open'"
)
_SHOW = (
    "UPDATE cards SET html = ?, at = ? "
    "WHERE run = ? AND task = ? AND attempt = ? AND position = ? AND state = 'open'"
)
_END = (
    "UPDATE cards SET state = ?, reason = ?, html = ?, at = ? "
    "WHERE run = ? AND task = ? AND attempt = ? AND position = ? AND state = 'open'"
)


class CardPlace(NamedTuple):
    """Which card of which attempt: `position` is its place among those of the step."""

    task: int
    attempt: int
    position: int


class CardRecords:
    """Notes how the cards of one run stand."""

    def __init__(self, recorder: Recorder) -> None:
        """Write with what `recorder` writes."""
        self._recorder = recorder

    def opened(
        self, place: CardPlace, kind: str, name: str | None, data: str | None, at: float
    ) -> None:
        """Note a card that is not rendered yet, and what it will show."""
        self._recorder.add(_OPEN, self._recorder.run, *place, kind, name, data, at)

    def shown(self, place: CardPlace, html: str, at: float) -> None:
        """Note the page of a card while its task runs."""
        self._recorder.add(_SHOW, html, at, self._recorder.run, *place)

    def ended(self, place: CardPlace, reason: str, html: str | None, at: float) -> None:
        """Note the page of a card for good; with a `reason`, that it could not be rendered."""
        state = "failed" if reason else "rendered"
        self._recorder.add(_END, state, reason, html, at, self._recorder.run, *place)
