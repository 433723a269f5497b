"""The statement that reads the cards of tasks."""

from __future__ import annotations

from typing import List, NamedTuple, Optional

from falaj.client import connection
from falaj.home import Home

# The version that brought the table.
_CARDS = 3
OPEN = "open"
FAILED = "failed"


class CardRecord(NamedTuple):
    """One card of an attempt: `position` is its place among those of the step.

    `state` is open (not rendered for good), rendered or failed, `reason` why it failed. `data` is
    the digest of its components, `html` that of its page, `at` when it last changed.
    """

    run: int
    task: int
    attempt: int
    position: int
    type: str
    id: Optional[str]
    state: str
    reason: str
    data: Optional[str]
    html: Optional[str]
    at: float


def read_cards(
    home: Home, run: int, task: Optional[int] = None, attempt: Optional[int] = None
) -> List[CardRecord]:
    """Return the cards of a run, of one task or of one attempt of it, in their order."""
    if connection.schema_version(home.records) < _CARDS:
        return []
    statement = (
        "SELECT run, task, attempt, position, type, id, state, reason, data, html, at "
        "FROM cards WHERE run = ?"
    )
    arguments = [run]
    for column, value in (("task", task), ("attempt", attempt)):
        if value is not None:
            statement += " AND {} = ?".format(column)
            arguments.append(value)
    found = connection.read(
        home.records, statement + " ORDER BY task, attempt, position", arguments
    )
    return [CardRecord(*row) for row in found]
