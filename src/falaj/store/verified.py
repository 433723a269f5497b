"""Notes beside the store of which large blobs have been verified in their present state."""

from __future__ import annotations

import os
from _thread import get_ident

from falaj.hashing import hex_of
from falaj.liveness import boot_id


def file_stamp(file: int) -> str:
    """Return what tells one state of an open file from another without reading it."""
    status = os.fstat(file)
    return "{} {} {} {} {}".format(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def note_verified(root: str, digest: str, stamp: str) -> None:
    """Note that the file in the state of `stamp` holds what its digest says."""
    path = _path(root, digest)
    temporary = "{}.{}.{}".format(path, os.getpid(), get_ident())
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "w") as file:
            file.write(_note(stamp))
        os.rename(temporary, path)
    except OSError:
        # Without the note the blob is verified again the next time, which is only slower.
        try:
            os.unlink(temporary)
        except OSError:
            pass


def is_noted(root: str, digest: str, stamp: str) -> bool:
    """Say whether the file has been verified in the state of `stamp` since the machine started."""
    try:
        with open(_path(root, digest)) as file:
            return file.read() == _note(stamp)
    except OSError:
        return False


def forget(root: str, digest: str) -> None:
    """Drop the note on a blob that is no longer there."""
    try:
        os.unlink(_path(root, digest))
    except OSError:
        pass


def _path(root: str, digest: str) -> str:
    name = hex_of(digest)
    return os.path.join(root, "verified", name[:2], name[2:])


def _note(stamp: str) -> str:
    return "{} {}".format(boot_id(), stamp)
