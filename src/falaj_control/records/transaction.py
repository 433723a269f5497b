"""A transaction as a block: all of it, or nothing and a sentence about why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any


class Transaction:
    """Commits at the end of its block, and rolls back where that raises."""

    def __init__(
        self,
        begin: Callable[[], None],
        finish: Callable[[bool], None],
        explain: Callable[[sqlite3.Error], Exception],
    ) -> None:
        """Open by `begin`; close by `finish`, which is told whether to commit.

        `explain` makes the error for a person out of one of the database's.
        """
        self._begin, self._finish, self._explain = begin, finish, explain

    def __enter__(self) -> None:
        try:
            self._begin()
        except sqlite3.Error as error:
            raise self._explain(error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: Any
    ) -> None:
        try:
            self._finish(kind is None)
        except sqlite3.Error as second:
            error = error or second
        if isinstance(error, sqlite3.Error):
            raise self._explain(error) from error
