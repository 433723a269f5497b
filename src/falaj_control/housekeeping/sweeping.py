"""Deleting blobs that nothing reaches, beside processes that may just be about to use them.

A blob is first moved out of the way and then looked at again. Whoever stores the same bytes
touches the file before: then it is put back. Whoever comes after finds it gone and writes it anew.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from falaj.hashing import BLOB_TAG, HEX_LENGTH
from falaj.store.blobs import BlobStore
from falaj.store.verified import forget

_HEX = frozenset("0123456789abcdef")


class Swept(NamedTuple):
    """How many blobs went, or would go, and how many bytes of disk they take."""

    blobs: int
    size: int


def sweep(store: BlobStore, reached: Collection[bytes], before: float, dry_run: bool) -> Swept:
    """Delete the blobs outside `reached` that nobody has touched since `before` (wall time)."""
    if not dry_run:
        _settle_trash(store, reached, before)
    blobs = size = 0
    for digest, path in blob_files(store):
        if bytes.fromhex(digest) in reached:
            continue
        freed = _would_free(path, before)
        if freed is not None and (dry_run or _delete(store, digest, before)):
            blobs += 1
            size += freed
    return Swept(blobs, size)


def blob_files(store: BlobStore) -> Iterator[tuple[str, str]]:
    """Yield the hex digest and the path of every blob, by digest."""
    root = os.path.join(store.root, "blobs")
    for folder in _names(root):
        for name in _names(os.path.join(root, folder)):
            digest = folder + name
            if len(digest) == HEX_LENGTH and _HEX.issuperset(digest):
                yield digest, os.path.join(root, folder, name)


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _would_free(path: str, before: float) -> int | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_blocks * 512 if found.st_mtime < before else None


def _delete(store: BlobStore, digest: str, before: float) -> bool:
    name = f"{BLOB_TAG}:{digest}"
    trash = store.trash(name)
    try:
        os.makedirs(os.path.dirname(trash), exist_ok=True)
        os.rename(store.path(name), trash)
    except (FileNotFoundError, PermissionError):
        # Gone, or another user's, whose own collection takes it.
        return False
    if _would_free(trash, before) is None:
        _put_back(store, name)
        return False
    return _drop(store, name)


def _drop(store: BlobStore, name: str) -> bool:
    try:
        os.unlink(store.trash(name))
    except FileNotFoundError:
        # A reader has fetched it back.
        return False
    forget(store.root, name)
    return True


def _put_back(store: BlobStore, name: str) -> None:
    try:
        os.rename(store.trash(name), store.path(name))
    except FileNotFoundError:
        pass


def _settle_trash(store: BlobStore, reached: Collection[bytes], before: float) -> None:
    """Finish what a collection that was killed has begun."""
    folder = os.path.join(store.root, "trash")
    for digest in _names(folder):
        if len(digest) != HEX_LENGTH or not _HEX.issuperset(digest):
            continue
        name = f"{BLOB_TAG}:{digest}"
        wanted = bytes.fromhex(digest) in reached
        if wanted or _would_free(os.path.join(folder, digest), before) is None:
            _put_back(store, name)
        else:
            _drop(store, name)
