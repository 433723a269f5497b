"""Writes the cards of a run's tasks, with whatever else its recorder writes."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from falaj.home import Home
from falaj_control.records.database import open_records, unavailable
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
_ATTEMPT = "FROM cards WHERE run = ? AND task = ? AND attempt = ?"
_UNRENDERED = (
    f"SELECT position {_ATTEMPT} AND type = ? AND id IS ? AND state <> 'rendered' ORDER BY position"
)
_NEXT = f"SELECT coalesce(max(position), -1) + 1 {_ATTEMPT}"
_KEEP = (
    "INSERT OR REPLACE INTO cards (run, task, attempt, position, type, id, state, reason, data, "
    "html, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
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


def keep_card(
    home: Home,
    attempt: tuple[int, int, int],
    card: tuple[str, str | None, str, str | None, str],
    at: float,
) -> None:
    """Record a card that a person had rendered, given as type, id, reason, data and html.

    `attempt` is run, task and number. A card of that type and id that was never rendered, or could
    not be, is replaced; else one more is added.
    """
    kind, name, reason, data, html = card
    connection = open_records(home)
    try:
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute(_UNRENDERED, (*attempt, kind, name)).fetchone()
        if found is None:
            found = connection.execute(_NEXT, attempt).fetchone()
        state = "failed" if reason else "rendered"
        row = (*attempt, found[0], kind, name, state, reason, data, html, at)
        connection.execute(_KEEP, row)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        raise unavailable(home, error) from error
    finally:
        # An open transaction is rolled back by closing.
        connection.close()
