"""The texts in the records that name blobs: of everything, or of one run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from falaj.hashing import BLOB_TAG

# Sentences about what happened, and figures, which name no blobs.
_NAMELESS = frozenset(("events", "metrics", "metric_summaries"))


def naming_texts(
    connection: sqlite3.Connection, run: int | None = None
) -> Iterator[tuple[int | None, str]]:
    """Yield each text that may name a blob, with the run that it is about; of one `run`, or all."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        key = "id" if table == "runs" else "run"
        about = columns.index(key) if key in columns else None
        if table in _NAMELESS or (run is not None and about is None):
            continue
        chosen, values = ("", ()) if run is None else (f" WHERE {key} = ?", (run,))
        for row in connection.execute(f'SELECT * FROM "{table}"{chosen}', values):
            for value in row:
                if isinstance(value, str) and BLOB_TAG in value:
                    yield (None if about is None else row[about]), value


def texts_of_run(connection: sqlite3.Connection, run: int) -> list[str]:
    """Return the texts of all rows about a run, and about those that it was resumed from."""
    texts: list[str] = []
    origin: int | None = run
    # Attempts and cards of reused tasks are those of the run that they were done in.
    while origin is not None:
        texts += [text for _, text in naming_texts(connection, origin)]
        found = connection.execute("SELECT origin FROM runs WHERE id = ?", (origin,)).fetchone()
        origin = found[0] if found is not None else None
    return texts
