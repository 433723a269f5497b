"""Every text that the records hold of one run: whatever names a blob is among them."""

from __future__ import annotations

import sqlite3


def texts_of_run(connection: sqlite3.Connection, run: int) -> list[str]:
    """Return the texts of all rows about a run, and about those that it was resumed from."""
    texts: list[str] = []
    origin: int | None = run
    # Attempts and cards of reused tasks are those of the run that they were done in.
    while origin is not None:
        texts += _texts_of(connection, origin)
        found = connection.execute("SELECT origin FROM runs WHERE id = ?", (origin,)).fetchone()
        origin = found[0] if found is not None else None
    return texts


def _texts_of(connection: sqlite3.Connection, run: int) -> list[str]:
    texts: list[str] = []
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        key = "id" if table == "runs" else "run"
        # What happened is told in sentences, which name no blobs.
        if key not in columns or table == "events":
            continue
        for row in connection.execute(f'SELECT * FROM "{table}" WHERE {key} = ?', (run,)):
            texts += [value for value in row if isinstance(value, str) and "sha256:" in value]
    return texts
