"""Deleting many runs from records that others write to."""

import sqlite3
from pathlib import Path

from falaj.home import Home
from falaj_control.housekeeping.deleting import delete_runs
from falaj_control.records.database import open_records

RUN = (
    "INSERT INTO runs (flow, state, user, script, created_at, finished_at, graph, options, lease, "
    "heard_at) VALUES ('F', ?, 'ada', 'f.py', 1, ?, '{}', '{}', '{}', 2)"
)


def test_who_waits_to_write_gets_a_turn_while_many_runs_go(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    connection = open_records(home)
    for _ in range(40):
        connection.execute(RUN, ("succeeded", 2.0))
    connection.execute(RUN, ("running", None))
    other = sqlite3.connect(home.records, timeout=0, isolation_level=None)
    left: list[int] = []
    seconds = 0.0

    def clock() -> float:
        nonlocal seconds
        # A run of some ten thousand tasks takes about as long.
        seconds += 0.1
        return seconds

    def pause(wanted: float) -> None:
        assert wanted > 0.1
        # Not locked, and consistent.
        other.execute("UPDATE runs SET heard_at = 3 WHERE state = 'running'")
        left.append(other.execute("SELECT count(*) FROM runs").fetchone()[0])

    assert delete_runs(connection, home, range(40, -1, -1), clock, pause) == set(range(1, 41))
    assert len(left) >= 4
    assert left == sorted(left, reverse=True)
    assert connection.execute("SELECT id, heard_at FROM runs").fetchall() == [(41, 3.0)]
    other.close()
    connection.close()
