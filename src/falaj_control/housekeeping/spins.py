"""Deleting spins: they are for the moment, so every collection takes those of a week ago."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from falaj.home import Home
from falaj_control.housekeeping.deleting import delete_runs, delete_stray_logs
from falaj_control.records.origins import lost_runs

# Seconds that a spin is kept after its end.
KEPT = 7 * 86400.0


def old_spins(connection: sqlite3.Connection, now: float) -> tuple[int, ...]:
    """Return the spins in these records that ended, or were lost, too long ago to keep."""
    rows = connection.execute("SELECT id FROM runs WHERE finished_at < ?", (now - KEPT,))
    lost = (run for run, heard_at in lost_runs(connection, now).items() if heard_at < now - KEPT)
    return tuple(sorted([*(run for (run,) in rows), *lost]))


def delete_old_spins(
    connection: sqlite3.Connection, home: Home, old: Iterable[int]
) -> tuple[int, ...]:
    """Delete spins with their logs, and logs that no spin has; return those that went."""
    gone = delete_runs(connection, home, old)
    delete_stray_logs(connection, home)
    return tuple(sorted(gone))
