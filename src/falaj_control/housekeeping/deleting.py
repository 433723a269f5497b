"""Deleting runs from the records, and their logs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator

from falaj.home import Home

# What belongs to a run, each before what it refers to.
TABLES = (
    "cards",
    "logged_params",
    "metric_summaries",
    "metrics",
    "events",
    "attempts",
    "tasks",
    "steps",
    "run_tags",
)


# Whoever waits to write asks every tenth of a second, and would mostly miss the moment between two
# deletions. After so many seconds of deletions come so many for the others.
_TURN = 0.5
_PAUSE = 0.15


def delete_runs(
    connection: sqlite3.Connection,
    home: Home,
    runs: Iterable[int],
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> frozenset[int]:
    """Delete runs one by one, as `delete_run` does; return those that went.

    Runs under way, which write meanwhile, get their turn.
    """
    gone: set[int] = set()
    until = clock() + _TURN
    for run in runs:
        if delete_run(connection, home, run):
            gone.add(run)
        if clock() >= until:
            pause(_PAUSE)
            until = clock() + _TURN
    return frozenset(gone)


def delete_run(connection: sqlite3.Connection, home: Home, run: int) -> bool:
    """Delete a run that has ended; say whether it went.

    One that has been resumed meanwhile stays. A kill leaves it whole, or gone from the records.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in TABLES:
            connection.execute(f"DELETE FROM {table} WHERE run = ?", (run,))
        gone = connection.execute(
            "DELETE FROM runs WHERE id = ? AND state != 'running'", (run,)
        ).rowcount
        connection.execute("COMMIT" if gone else "ROLLBACK")
    except sqlite3.IntegrityError:
        # Another run has it as its origin.
        connection.execute("ROLLBACK")
        return False
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    if gone:
        shutil.rmtree(log_folder(home, run), ignore_errors=True)
    return bool(gone)


def delete_stray_logs(connection: sqlite3.Connection, home: Home) -> None:
    """Delete the logs of runs that are no longer in the records."""
    # A run is recorded before it has a log, so the folders are listed first.
    folders = list(_logged(home))
    known = {run for (run,) in connection.execute("SELECT id FROM runs")}
    for run in folders:
        if run not in known:
            shutil.rmtree(log_folder(home, run), ignore_errors=True)


def log_folder(home: Home, run: int) -> str:
    """Return the folder of a run's logs."""
    return os.path.dirname(home.log(run, 0, 0))


def _logged(home: Home) -> Iterator[int]:
    try:
        names = os.listdir(os.path.dirname(log_folder(home, 0)))
    except OSError:
        return
    for name in names:
        if name.isdigit():
            yield int(name)
