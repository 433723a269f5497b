"""Read-only connections to the records: opened late, kept per process and thread, never forked."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
from typing import Any, Dict, List, Optional, Sequence, Tuple
from urllib.parse import quote

from falaj.errors import StoreUnavailable

KNOWN_VERSION = 3
BUSY_SECONDS = 30.0
# The schema has STRICT tables, which an older SQLite reports as damage.
OLDEST_SQLITE = (3, 37, 0)
# Of different homes, in one thread; each takes three of the process's open files.
MOST_KEPT = 8


class _Open:
    """A connection, the process that opened it, and the file as it was then."""

    def __init__(self, file: Tuple[int, int], connection: sqlite3.Connection) -> None:
        self.pid = os.getpid()
        self.file = file
        self.connection = connection

    def __del__(self) -> None:
        # A thread that ends drops its connections without a word.
        if self.pid == os.getpid():
            self.connection.close()


class _Kept(threading.local):
    """The connections of one thread by path, the latest used last."""

    def __init__(self) -> None:
        self.by_path: Dict[str, _Open] = {}


_kept = _Kept()
# Closing, in a child, what the parent opened may disturb the parent's locks, so such connections
# are held here for good.
_inherited: List[_Open] = []


def read(path: str, statement: str, arguments: Sequence[Any] = ()) -> List[Any]:
    """Return all rows of one statement; none where nothing has been recorded yet.

    Raises StoreUnavailable where the file is no records database, is damaged, stays locked, or
    was written by a newer release.
    """
    try:
        connection = _connection(path)
        if connection is None:
            return []
        return connection.execute(statement, arguments).fetchall()
    except UnicodeEncodeError:
        # A name that is no Unicode, as bytes of a command line can be; nothing is recorded by it.
        return []
    except sqlite3.DatabaseError as error:
        close(path)
        raise StoreUnavailable(_explain(path, error)) from error


def schema_version(path: str) -> int:
    """Return the version of the records' schema, which a reader may be ahead of; 0 for none.

    Raises as `read` does.
    """
    found = read(path, "PRAGMA user_version")
    return int(found[0][0]) if found else 0


def close(path: str) -> None:
    """Close this thread's connection to `path`, where there is one."""
    opened = _kept.by_path.pop(path, None)
    if opened is None:
        return
    if opened.pid == os.getpid():
        opened.connection.close()
    else:
        _inherited.append(opened)


def _close_all() -> None:
    for path in list(_kept.by_path):
        close(path)


atexit.register(_close_all)
# A forked child would take SQLite's table of open files and locks for its own.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close_all)


def _connection(path: str) -> Optional[sqlite3.Connection]:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        close(path)
        return None
    except OSError as error:
        raise StoreUnavailable(
            "The records {} can't be read: {}.".format(path, error.strerror)
        ) from error
    file = (status.st_dev, status.st_ino)
    opened = _kept.by_path.get(path)
    if opened is not None and opened.pid == os.getpid() and opened.file == file:
        _kept.by_path[path] = _kept.by_path.pop(path)
        return opened.connection
    close(path)
    connection = _open(path)
    if connection is not None:
        _kept.by_path[path] = _Open(file, connection)
        if len(_kept.by_path) > MOST_KEPT:
            close(next(iter(_kept.by_path)))
    return connection


def _open(path: str) -> Optional[sqlite3.Connection]:
    connection = _connect(path, "mode=ro")
    try:
        version = _version(connection, path)
    except sqlite3.OperationalError:
        connection.close()
        # A folder that can't be written can't take the files that sharing needs; without a
        # write-ahead log nobody is writing, so the file may be read as it is.
        if os.access(os.path.dirname(path), os.W_OK) or os.path.exists(path + "-wal"):
            raise
        connection = _connect(path, "mode=ro&immutable=1")
        version = _version(connection, path)
    if version == 0:
        connection.close()
        return None
    return connection


def _connect(path: str, options: str) -> sqlite3.Connection:
    address = "file:{}?{}".format(quote(os.fsencode(path)), options)
    # Each thread uses its own; only the last reference may be dropped by another.
    return sqlite3.connect(
        address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _version(connection: sqlite3.Connection, path: str) -> int:
    # In one transaction, as the records may be made at this very moment.
    connection.execute("BEGIN")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    is_empty = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
    connection.execute("COMMIT")
    if version > KNOWN_VERSION:
        connection.close()
        raise StoreUnavailable(
            "The records {} were written by a newer Falaj (their version is {}, this one knows "
            "{}). Upgrade with: pip install --upgrade falaj.".format(path, version, KNOWN_VERSION)
        )
    if version == 0 and not is_empty:
        connection.close()
        raise StoreUnavailable(
            "{} is a database, but not one of Falaj's records. Move it away, or set FALAJ_HOME to "
            "another folder.".format(path)
        )
    return version


def _explain(path: str, error: sqlite3.DatabaseError) -> str:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        return (
            "The records {} can't be read by this Python's SQLite {}; {} or newer is needed. Read "
            "them from a newer Python.".format(
                path, sqlite3.sqlite_version, ".".join(map(str, OLDEST_SQLITE))
            )
        )
    text = str(error)
    if "locked" in text:
        return "The records {} stayed locked for {:.0f} seconds. Try again.".format(
            path, BUSY_SECONDS
        )
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in text:
        return "The records {} can't be opened ({}). Check its permissions.".format(path, text)
    return (
        "The records {} are damaged or not a Falaj database ({}). Put back a copy, or move the "
        "file away to start afresh.".format(path, text)
    )
