"""Opening the records' SQLite file: created, migrated and checked under a lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
from collections.abc import Generator, Iterator

from falaj.errors import StoreUnavailable
from falaj.home import Home
from falaj_control.records.schema import MIGRATIONS, VERSION

BUSY_SECONDS = 60.0
# SQLite opens no file whose path is longer.
LONGEST_PATH = 510


def open_records(home: Home) -> sqlite3.Connection:
    """Return a connection for writing; create or migrate the database where needed.

    Raises StoreUnavailable, with a sentence, where that can't be done.
    """
    try:
        os.makedirs(home.root, exist_ok=True)
        connection = _connect(home)
        try:
            if _version(connection) != VERSION:
                with _only_one(home):
                    _migrate(connection, home)
        except BaseException:
            connection.close()
            raise
        return connection
    except (OSError, sqlite3.Error) as error:
        raise unavailable(home, error) from error


def unavailable(home: Home, error: Exception) -> StoreUnavailable:
    """Return the error that tells a person why the records can't be used."""
    text = str(error)
    if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        return StoreUnavailable(
            f"{home.records} is damaged ({text}). Restore it from a copy, or move it away to start "
            f"with empty records; the artifacts beside it stay."
        )
    code = error.errno if isinstance(error, OSError) else None
    if len(os.fsencode(home.records)) > LONGEST_PATH:
        return StoreUnavailable(
            f"The path {home.records} is too long for the records. Set FALAJ_HOME to a folder "
            "nearer to the root."
        )
    if "full" in text or code in (errno.ENOSPC, errno.EDQUOT):
        return StoreUnavailable(f"There is no space left on the disk of {home.root}. Free some.")
    forbidden = code in (errno.EROFS, errno.EACCES, errno.EPERM)
    if "readonly" in text or "unable to open" in text or forbidden:
        return StoreUnavailable(
            f"{home.root} can't be written ({text}). Make it writable or set FALAJ_HOME."
        )
    return StoreUnavailable(f"The records in {home.records} can't be used: {text}.")


def _connect(home: Home) -> sqlite3.Connection:
    connection = sqlite3.connect(
        home.records, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def _only_one(home: Home) -> Generator[None]:
    # Changing the journal mode fails at once, whatever the timeout, while another process does
    # the same; a file lock makes them wait for each other.
    with open(home.records + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _migrate(connection: sqlite3.Connection, home: Home) -> None:
    version = _version(connection)
    if version > VERSION:
        raise StoreUnavailable(
            f"{home.records} was written by a newer Falaj (its schema is {version}, this one knows "
            f"{VERSION}). Upgrade Falaj."
        )
    connection.execute("PRAGMA journal_mode = WAL")
    # A table that others refer to can't be made anew while they are held to it.
    connection.execute("PRAGMA foreign_keys = OFF")
    for number in range(version, VERSION):
        connection.execute("BEGIN IMMEDIATE")
        try:
            # executescript would commit first; one transaction makes a migration all or nothing.
            for statement in _statements(MIGRATIONS[number]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            # A full disk has rolled it back already.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    connection.execute("PRAGMA foreign_keys = ON")


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for part in script.split(";"):
        pending += part + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \n;"):
                yield pending
            pending = ""
