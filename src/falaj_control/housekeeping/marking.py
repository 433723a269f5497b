"""What is in use: every blob that the records reach, directly or through other blobs.

Blobs refer to each other only from JSON (manifests, listings, descriptions, cards), by digest. So
whatever looks like a digest there counts as a reference: what is kept too much costs space, what
is kept too little costs somebody's results.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO

from falaj.errors import MissingBlob, StoreUnavailable
from falaj.hashing import BLOB_TAG, HEX_LENGTH
from falaj.store.blobs import BlobStore
from falaj_control.records.texts import naming_texts

_DIGEST = re.compile(rb"%s:([0-9a-f]{%d})" % (BLOB_TAG.encode(), HEX_LENGTH))
_JSON = (b"{", b"[")


def digests_in(text: bytes) -> Iterator[bytes]:
    """Yield the digests that a text names, as bytes."""
    for found in _DIGEST.findall(text):
        yield bytes.fromhex(found.decode())


def roots_in(connection: sqlite3.Connection, without: Collection[int] = ()) -> Iterator[bytes]:
    """Yield the digests that the records name, except those of the runs `without`."""
    left_out = frozenset(without)
    for run, text in naming_texts(connection):
        if run not in left_out:
            yield from digests_in(text.encode())


def roots_in_files(paths: Iterable[str]) -> Iterator[bytes]:
    """Yield the digests that files outside of the store name; one that is not there has none."""
    for path in paths:
        try:
            with open(path, "rb") as file:
                yield from digests_in(file.read())
        except OSError:
            continue


def mark(store: BlobStore, roots: Iterable[bytes]) -> set[bytes]:
    """Return the digests of all that can be reached from `roots`."""
    reached = set(roots)
    open_ends = list(reached)
    while open_ends:
        for found in references(store, open_ends.pop()):
            if found not in reached:
                reached.add(found)
                open_ends.append(found)
    return reached


def references(store: BlobStore, digest: bytes) -> Iterator[bytes]:
    """Yield the digests that a blob names; one that is not here names none.

    Raises StoreUnavailable for one that can't be read: what it names is not known.
    """
    name = f"{BLOB_TAG}:{digest.hex()}"
    try:
        file = store.open(name)
    except MissingBlob:
        # The digest of an artifact that lies in a pack, or of a blob that was lost before.
        return
    try:
        with open(file, "rb") as opened:
            # A pickle or an array starts otherwise, so what is large is mostly not read.
            first = opened.read(1)
            if first in _JSON:
                yield from _in_pieces(opened)
    except OSError as error:
        raise StoreUnavailable(f"Can't read {store.path(name)}: {error.strerror}.") from error


def _in_pieces(opened: BinaryIO) -> Iterator[bytes]:
    rest = b""
    longest = len(BLOB_TAG) + 1 + HEX_LENGTH
    while piece := opened.read(1 << 20):
        text = rest + piece
        yield from digests_in(text)
        # A digest may lie across two pieces; one that is found twice does no harm.
        rest = text[-longest:]
