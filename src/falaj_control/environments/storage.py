"""What goes wrong with the disk of the machine's cache, in words that help; and its figures."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import Any

from falaj_control.environments.values import EnvironmentFailed

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
# How the system's own words for these reach us through the output of tools.
_NO_ROOM_WORDS = ("No space left on device", "Disk quota exceeded", "os error 28)", "os error 122)")


def disk_failure(error: OSError, folder: str) -> EnvironmentFailed:
    """Return the error that tells a person why `folder`, of the cache, can't be written."""
    if error.errno in _NO_ROOM:
        return EnvironmentFailed(no_room(folder))
    place = error.filename if isinstance(error.filename, str) else folder
    if error.errno in _READ_ONLY:
        return EnvironmentFailed(
            f"{place} can't be written ({error.strerror}). Environments are kept in {folder}: make "
            "it writable, or set FALAJ_CACHE to a folder that is."
        )
    return EnvironmentFailed(
        f"An environment can't be kept in {folder}: {place}: {error.strerror}."
    )


def is_about_room(text: str) -> bool:
    """Say whether a tool failed, by what it said, because a disk was full."""
    return any(words in text for words in _NO_ROOM_WORDS)


def no_room(folder: str) -> str:
    """Return the sentences for a disk that is full, with the space that is left on it."""
    return (
        "There is not enough space left on the disk for an environment: "
        f"{shown_size(_free(folder))} are free where environments are kept, in {folder}. What was "
        "unfinished has been removed. Remove environments that are not used any more with "
        "`falaj env gc`, or set FALAJ_CACHE to a folder on a larger disk."
    )


def shown_size(size: float) -> str:
    """Return bytes as people say them: `256 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def remove_tree(folder: str) -> None:
    """Remove a folder and all in it, read-only folders too; one that is absent is no error."""

    def make_writable(function: Any, path: str, _: Any) -> None:
        if not os.path.lexists(path):
            return
        for one in (os.path.dirname(path), path):
            if not os.path.islink(one):
                os.chmod(one, os.stat(one).st_mode | stat.S_IRWXU)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            function(path)

    shutil.rmtree(folder, onerror=make_writable)


def size_of(folder: str, seen: set[tuple[int, int]]) -> int:
    """Return the bytes that a folder takes on the disk, without the files that are in `seen`.

    What has several names counts once; all that was counted is added to `seen`.
    """
    size = 0
    for root, _, names in os.walk(folder):
        for path in (root, *(os.path.join(root, name) for name in names)):
            try:
                found = os.lstat(path)
            except OSError:
                continue
            identity = (found.st_dev, found.st_ino)
            if identity not in seen:
                seen.add(identity)
                size += found.st_blocks * 512
    return size


def _free(folder: str) -> int:
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return shutil.disk_usage(folder).free
