"""Opening records, also those that are only being made."""

import sqlite3

import pytest

from falaj.client import connection
from falaj.errors import StoreUnavailable
from falaj_control.records.schema import MIGRATIONS


@pytest.fixture
def empty(tmp_path):
    """Return the path of a database that a first run has opened and not filled yet."""
    path = tmp_path / "records.db"
    with sqlite3.connect(path) as made:
        made.execute("PRAGMA journal_mode = WAL")
    made.close()
    yield str(path)
    connection.close(str(path))


def fill(path):
    made = sqlite3.connect(path)
    made.executescript(f"BEGIN; {MIGRATIONS[0]}; PRAGMA user_version = 1; COMMIT")
    made.close()


def test_records_that_are_made_while_they_are_opened(empty, monkeypatch):
    plain = connection._connect

    def filled_between_two_looks(path, options):
        opened = plain(path, options)

        def seen(statement):
            if "sqlite_master" in statement:
                opened.set_trace_callback(None)
                fill(path)

        opened.set_trace_callback(seen)
        return opened

    monkeypatch.setattr(connection, "_connect", filled_between_two_looks)
    assert connection.read(empty, "SELECT id FROM runs") == []
    monkeypatch.undo()
    assert connection.schema_version(empty) == 1


def test_a_database_of_another_program_is_refused(empty):
    with sqlite3.connect(empty) as made:
        made.execute("CREATE TABLE theirs (id INTEGER)")
    made.close()
    with pytest.raises(StoreUnavailable, match="is a database, but not one of Falaj's records"):
        connection.read(empty, "SELECT id FROM runs")
