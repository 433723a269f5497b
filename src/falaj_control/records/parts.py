"""The tables, columns and indices that the migrations make, to compare records with."""

from __future__ import annotations

import sqlite3

from falaj_control.records.schema import MIGRATIONS

# What there is in a database: the kind, the name and one column of each table and index.
PARTS = (
    "SELECT m.type, m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
    "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' "
    "UNION ALL SELECT type, name, '' FROM sqlite_schema WHERE type = 'index' AND sql NOT NULL"
)
Part = tuple[str, str, str]


def parts_at(version: int) -> frozenset[Part]:
    """Return what the migrations up to `version` make, each as a row of PARTS."""
    connection = sqlite3.connect(":memory:")
    try:
        for script in MIGRATIONS[:version]:
            connection.executescript(script)
        return frozenset(connection.execute(PARTS))
    finally:
        connection.close()
