"""Changes the tags of a run: the only writing that the client does."""

from __future__ import annotations

import os
import sqlite3
from typing import Iterable, List, Set, Union
from urllib.parse import quote

from falaj.errors import FalajException, FalajNotFound, StoreUnavailable
from falaj.home import Home

Tag = Union[str, bytes]

MOST_TAGS = 50
LONGEST_TAG = 500
_BUSY_SECONDS = 30.0


class TaggingError(FalajException):
    """Tags that can't be changed as asked."""

    headline = "Tags can't be changed"


def change_tags(
    home: Home, run: int, remove: Union[Tag, Iterable[Tag]], add: Union[Tag, Iterable[Tag]]
) -> None:
    """Remove tags of a run, then add others, in one transaction; TaggingError changes nothing.

    Adding a system tag and removing a tag that is not there change nothing and are no error.
    """
    removed, added = checked_tags(remove), checked_tags(add)
    if not removed and not added:
        raise TaggingError("There is no tag to add or remove. Name at least one.")
    try:
        connection = _open(home)
        try:
            connection.execute("BEGIN IMMEDIATE")
            _change(connection, run, removed, added)
            connection.execute("COMMIT")
        finally:
            # An open transaction is rolled back by closing.
            connection.close()
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(
            "The tags of run {} can't be written to {} ({}). Check its permissions and the space "
            "on its disk.".format(run, home.records, error)
        ) from error


def checked_tags(tags: Union[Tag, Iterable[Tag]]) -> List[str]:
    """Return tags (one, or several) as text, each once; raise TaggingError for a bad one."""
    given = [tags] if isinstance(tags, (str, bytes)) else list(tags)
    found: List[str] = []
    for tag in given:
        text = _text(tag)
        if text not in found:
            found.append(text)
    return found


def _text(tag: object) -> str:
    try:
        text = tag.decode("utf-8") if isinstance(tag, bytes) else tag
        if not isinstance(text, str):
            raise TaggingError(
                "{!r} is not a tag: a tag is text, not a {}.".format(tag, type(tag).__name__)
            )
        text.encode("utf-8")
    except UnicodeError:
        raise TaggingError("{!r} is not a tag: it is not valid UTF-8.".format(tag)) from None
    if not 1 <= len(text) <= LONGEST_TAG:
        raise TaggingError(
            "A tag has 1 to {} characters; {!r} has {:,}.".format(
                LONGEST_TAG, text[:40] + ("…" if len(text) > 40 else ""), len(text)
            )
        )
    return text


def _open(home: Home) -> sqlite3.Connection:
    path = os.path.abspath(home.records)
    address = "file:{}?mode=rw".format(quote(os.fsencode(path)))
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _change(connection: sqlite3.Connection, run: int, removed: List[str], added: List[str]) -> None:
    if connection.execute("SELECT 1 FROM runs WHERE id = ?", [run]).fetchone() is None:
        raise FalajNotFound("There is no run {} any more.".format(run))
    user: Set[str] = set()
    system: Set[str] = set()
    for tag, is_system in connection.execute(
        "SELECT tag, system FROM run_tags WHERE run = ?", [run]
    ):
        (system if is_system else user).add(tag)
    refused = [tag for tag in removed if tag in system]
    if refused:
        raise TaggingError(
            "System tags can't be removed: {}. Nothing was changed.".format(", ".join(refused))
        )
    final = (user - set(removed)) | (set(added) - system)
    if len(final) > MOST_TAGS and len(final) > len(user):
        raise TaggingError(
            "A run has at most {} tags of its users; this would make {}. Remove some first.".format(
                MOST_TAGS, len(final)
            )
        )
    connection.executemany(
        "DELETE FROM run_tags WHERE run = ? AND tag = ? AND system = 0",
        [(run, tag) for tag in user - final],
    )
    connection.executemany(
        "INSERT INTO run_tags (run, tag, system) VALUES (?, ?, 0)",
        [(run, tag) for tag in sorted(final - user)],
    )
