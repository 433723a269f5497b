"""Blobs: immutable bytes in files named by their digest.

A blob is written under a temporary name and renamed, so a name that exists is whole whatever was
killed. Writing an existing blob writes it again, which also heals a damaged file.
"""

from __future__ import annotations

import errno
import itertools
import os
from _thread import get_ident
from typing import Any, NoReturn, Optional, Sequence

from falaj.errors import CorruptBlob, MissingBlob, StoreUnavailable
from falaj.hashing import blob_digest, hex_of
from falaj.liveness import process_started
from falaj.store.verified import file_stamp, is_noted, note_verified
from falaj.store.writing import PARALLEL_FROM, BlobWriter, discard, write_all


class BlobStore:
    """A folder of blobs; safe for any number of processes at once."""

    def __init__(self, root: str) -> None:
        """Use `root`, which is created when something is first written."""
        self.root = root
        self._counter = itertools.count()

    def path(self, digest: str) -> str:
        """Return the file of a blob, present or not."""
        name = hex_of(digest)
        return os.path.join(self.root, "blobs", name[:2], name[2:])

    def trash(self, digest: str) -> str:
        """Return where a blob lies that a collection is about to delete."""
        return os.path.join(self.root, "trash", hex_of(digest))

    def exists(self, digest: str) -> bool:
        """Say whether the blob is here."""
        return os.path.exists(self.path(digest)) or self._rescued(digest)

    def put(self, data: Any) -> str:
        """Store bytes held in memory; return their digest."""
        digest = blob_digest(data)
        if self._has(digest, data):
            return digest
        temporary = self._temporary()
        file = self._open(temporary)
        try:
            write_all(file, data)
        except OSError as error:
            self._failed(error, temporary)
        finally:
            os.close(file)
        self._name(temporary, digest)
        return digest

    def _has(self, digest: str, data: Any) -> bool:
        # Renaming over a file makes some file systems write it out at once, so one that is there
        # and whole is left alone.
        try:
            with open(self.path(digest), "rb", 0) as file:
                same = file.read() == data
        except OSError:
            return False
        return same and self._is_claimed(digest)

    def _is_claimed(self, digest: str) -> bool:
        """Mark a blob as used just now, for a collection that runs beside; say whether it worked.

        A collection takes only blobs that have not been touched for long. It moves one out of the
        way and then looks again, so whoever touched it before is seen, and whoever comes later
        finds it gone and writes it anew.
        """
        path = self.path(digest)
        try:
            os.utime(path)
            os.stat(path)
        except OSError:
            # Gone, or another user's.
            return False
        return True

    def writer(self) -> "BlobWriter":
        """Return a writer for bytes that come piece by piece."""
        temporary = self._temporary()
        return BlobWriter(temporary, self._open(temporary), self._publish, self._failed)

    def put_parts(self, parts: Sequence[Any]) -> str:
        """Store the concatenation of buffers without joining them in memory; return the digest."""
        if sum(len(part) for part in parts) < PARALLEL_FROM:
            return self.put(b"".join(parts))
        with self.writer() as writer:
            for part in parts:
                writer.write(part)
            return writer.commit()

    def read(self, digest: str) -> bytes:
        """Return a blob's bytes, verified."""
        path = self.path(digest)
        data = self.read_file(digest)
        if blob_digest(data) != digest:
            raise CorruptBlob(digest, path, "its contents do not match its name")
        return data

    def read_file(self, digest: str) -> bytes:
        """Return a blob's bytes as they are on disk; the caller verifies them."""
        file = self.open(digest)
        with open(file, "rb", 0) as opened:
            try:
                return opened.read()
            except OSError as error:
                self._unreadable(error, digest)

    def read_range(self, digest: str, offset: int, size: int) -> bytes:
        """Return a slice of a blob; the caller verifies it by a digest of its own."""
        file = self.open(digest)
        try:
            return os.pread(file, size, offset)
        finally:
            os.close(file)

    def open(self, digest: str) -> int:
        """Return a read-only file descriptor on a blob; the caller closes it."""
        try:
            return os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            if not self._rescued(digest):
                self._unreadable(error, digest)
        except OSError as error:
            self._unreadable(error, digest)
        try:
            return os.open(self.path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            self._unreadable(error, digest)

    def _rescued(self, digest: str) -> bool:
        # A collection that was killed at the wrong moment leaves one there that is in use.
        try:
            os.rename(self.trash(digest), self.path(digest))
        except OSError:
            return False
        return True

    def _unreadable(self, error: OSError, digest: str) -> NoReturn:
        path = self.path(digest)
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            raise MissingBlob(digest, path) from None
        raise StoreUnavailable("Can't read {}: {}.".format(path, error.strerror)) from error

    def _temporary(self) -> str:
        # The process id lets a later clean-up tell leftovers of dead writers from work going on.
        name = "{}-{}-{}".format(os.getpid(), get_ident(), next(self._counter))
        return os.path.join(self.root, "tmp", name)

    def _open(self, path: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o644)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._failed(error, None)
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return os.open(path, flags, 0o644)
        except OSError as error:
            self._failed(error, None)

    def _publish(self, temporary: str, digest: str) -> None:
        if self._is_verified(digest) and self._is_claimed(digest):
            self._note(digest)
            discard(temporary)
        else:
            self._name(temporary, digest)

    def _name(self, temporary: str, digest: str) -> None:
        path = self.path(digest)
        try:
            try:
                os.rename(temporary, path)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(path), exist_ok=True)
                os.rename(temporary, path)
        except OSError as error:
            self._failed(error, temporary)

    def _is_verified(self, digest: str) -> bool:
        try:
            with open(self.path(digest), "rb", 0) as file:
                return is_noted(self.root, digest, file_stamp(file.fileno()))
        except OSError:
            return False

    def _note(self, digest: str) -> None:
        # Touching it made the note of its verification that of another state.
        try:
            with open(self.path(digest), "rb", 0) as file:
                note_verified(self.root, digest, file_stamp(file.fileno()))
        except OSError:
            pass

    def sweep(self) -> None:
        """Remove what writers that were killed have left unfinished."""
        folder = os.path.join(self.root, "tmp")
        try:
            names = os.listdir(folder)
        except OSError:
            return
        for name in names:
            writer = name.partition("-")[0]
            if writer.isdigit() and process_started(int(writer)) is None:
                discard(os.path.join(folder, name))

    def _failed(self, error: OSError, temporary: Optional[str]) -> NoReturn:
        if temporary is not None:
            discard(temporary)
        raise StoreUnavailable(_explain(error, self.root)) from error


class FetchingStore(BlobStore):
    """A store whose blobs, where they are missing, come from where runs have uploaded them."""

    def _rescued(self, digest: str) -> bool:
        return super()._rescued(digest) or self._fetched(digest)

    def _fetched(self, digest: str) -> bool:
        if not os.path.isdir(os.path.join(self.root, "datastores")):
            return False
        # Imported here: hardly any blob is missing.
        from falaj.store.datastores import fetch

        temporary = self._temporary()
        os.close(self._open(temporary))
        os.unlink(temporary)
        try:
            if not fetch(self.root, digest, temporary):
                return False
            self._name(temporary, digest)
        finally:
            discard(temporary)
        return True


def _explain(error: OSError, root: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "There is no space left on the disk of {}. Free some and resume the run.".format(
            root
        )
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "{} can't be written ({}). Make it writable or set FALAJ_HOME.".format(
            root, error.strerror
        )
    return "Can't write to {}: {}.".format(root, error.strerror)
