"""The user's own packages, stored by the launching process, as folders on the path of steps."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping
from typing import Any

from falaj.hashing import hex_of
from falaj.liveness import process_started
from falaj.runtime.travelling import EDITABLE
from falaj.store.blobs import BlobStore

_COMPILED = (".so", ".pyd", ".dylib")


def unpack(listing: str, store: BlobStore, root: str) -> tuple[tuple[str, ...], list[str]]:
    """Return the folders that go on the path of steps, and sentences for a person.

    `listing` is the digest that the launching process has reported; see `materialise`.
    """
    packages: list[Mapping[str, Any]] = _packages(listing, store)
    if not packages:
        return (), []
    return (materialise(listing, store, root),), _sentences(packages)


def materialise(listing: str, store: BlobStore, root: str) -> str:
    """Return the folder below `root` that holds exactly the files of a stored listing.

    It is made whole or not at all, and shared by all runs with the same files. Raises
    StoreUnavailable, MissingBlob or CorruptBlob from the store, OSError from the folder.
    """
    folder = os.path.join(root, hex_of(listing))
    if _is_claimed(folder):
        return folder
    sweep_unfinished(root)
    temporary = f"{folder}.{os.getpid()}"
    try:
        for package in _packages(listing, store):
            executable = frozenset(package["executable"])
            for name, digest in package["files"].items():
                _write(os.path.join(temporary, name), store.read(digest), name in executable)
        _publish(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _is_claimed(folder: str) -> bool:
    """Mark a folder as used just now, for a collection that runs beside; say whether it is there.

    A collection deletes only what has not been touched for long.
    """
    try:
        os.utime(folder)
    except FileNotFoundError:
        return False
    except OSError:
        # Another user's, who alone can delete it.
        pass
    return os.path.isdir(folder)


def _packages(listing: str, store: BlobStore) -> list[Mapping[str, Any]]:
    return json.loads(store.read(listing))["packages"]


def _write(path: str, contents: bytes, executable: bool) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Other runs use it too: no step may write to it.
    mode = 0o555 if executable else 0o444
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except FileExistsError:
        # Two parts of a namespace have it; as for an import, the first counts.
        return
    with open(file, "wb") as opened:
        opened.write(contents)


def _publish(temporary: str, folder: str) -> None:
    try:
        os.rename(temporary, folder)
    except OSError as error:
        # Another run was quicker, with the same files.
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def sweep_unfinished(root: str) -> None:
    """Remove what processes that were killed have left half made."""
    try:
        names = os.listdir(root)
    except FileNotFoundError:
        return
    for name in names:
        maker = name.partition(".")[2]
        # What has this process's own number is from one that had it before.
        if maker.isdigit() and (int(maker) == os.getpid() or process_started(int(maker)) is None):
            shutil.rmtree(os.path.join(root, name), ignore_errors=True)


def _sentences(packages: list[Mapping[str, Any]]) -> list[str]:
    sentences: list[str] = []
    for package in packages:
        name = package["name"]
        if package["why"] == EDITABLE:
            sentences.append(
                f"{name} is installed editable (from {package['origin']}); its files as they are "
                "now travel with this run."
            )
        compiled = [file for file in package["files"] if file.endswith(_COMPILED)]
        if compiled:
            more = f" and {len(compiled) - 1} more" if len(compiled) > 1 else ""
            sentences.append(
                f"{name} travels with compiled modules ({compiled[0]}{more}), which only the "
                "Python they were built for can import."
            )
    return sentences
