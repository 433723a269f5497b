"""Blobs: immutable bytes in files named by their digest.

A blob is written under a temporary name and renamed, so a name that exists is whole whatever was
killed. Writing an existing blob writes it again, which also heals a damaged file.
"""

from __future__ import annotations

import errno
import itertools
import os
from _thread import get_ident
from typing import TYPE_CHECKING, Any, List, NoReturn, Optional, Sequence

from falaj.errors import CorruptBlob, MissingBlob, StoreUnavailable
from falaj.hashing import blob_digest, blob_hasher, finish, hex_of
from falaj.liveness import process_started
from falaj.store.verified import file_stamp, is_noted

if TYPE_CHECKING:
    import queue
    import threading

CHUNK = 8 << 20
# Below this a second thread costs more than it hides.
PARALLEL_FROM = 4 << 20


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

    def exists(self, digest: str) -> bool:
        """Say whether the blob is here."""
        return os.path.exists(self.path(digest))

    def put(self, data: Any) -> str:
        """Store bytes held in memory; return their digest."""
        digest = blob_digest(data)
        if self._has(digest, data):
            return digest
        temporary = self._temporary()
        file = self._open(temporary)
        try:
            _write_all(file, data)
        except OSError as error:
            self._failed(error, temporary)
        finally:
            os.close(file)
        self._publish(temporary, digest)
        return digest

    def _has(self, digest: str, data: Any) -> bool:
        # Renaming over a file makes some file systems write it out at once, so one that is there
        # and whole is left alone.
        try:
            with open(self.path(digest), "rb", 0) as file:
                return file.read() == data
        except OSError:
            return False

    def writer(self) -> "BlobWriter":
        """Return a writer for bytes that come piece by piece."""
        return BlobWriter(self)

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
        path = self.path(digest)
        try:
            with open(path, "rb", 0) as file:
                return file.read()
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
        except OSError as error:
            self._unreadable(error, digest)

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
        path = self.path(digest)
        if self._is_verified(digest):
            discard(temporary)
            return
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


def discard(path: str) -> None:
    """Remove a file where that is possible."""
    try:
        os.unlink(path)
    except OSError:
        pass


class BlobWriter:
    """Writes one blob piece by piece, hashing on a second thread once it has grown large.

    As a context manager it leaves nothing behind where `commit` was not reached.
    """

    def __init__(self, store: BlobStore) -> None:
        """Open a temporary file in `store`."""
        self._store = store
        self._temporary = store._temporary()  # pyright: ignore[reportPrivateUsage]
        self._file = store._open(self._temporary)  # pyright: ignore[reportPrivateUsage]
        self._hasher = blob_hasher()
        self._pieces: "Optional[queue.Queue[Any]]" = None
        self._thread: "Optional[threading.Thread]" = None
        self._buffer: List[Any] = []
        self._buffered = 0
        self._committed = False
        self.size = 0

    def __enter__(self) -> "BlobWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_hashing()
        os.close(self._file)
        if not self._committed:
            discard(self._temporary)

    def write(self, data: Any) -> None:
        """Append a buffer; it must not change before `commit`."""
        size = len(data)
        self.size += size
        if size >= CHUNK // 8:
            self._flush()
            view = memoryview(data).cast("B")
            for start in range(0, size, CHUNK):
                self._take(view[start : start + CHUNK])
            return
        self._buffer.append(data)
        self._buffered += size
        if self._buffered >= CHUNK // 8:
            self._flush()

    def commit(self) -> str:
        """Publish the blob under its digest, which is returned."""
        self._flush()
        self._stop_hashing()
        digest = finish(self._hasher)
        self._store._publish(self._temporary, digest)  # pyright: ignore[reportPrivateUsage]
        self._committed = True
        return digest

    def _flush(self) -> None:
        if self._buffer:
            joined = b"".join(self._buffer)
            self._buffer, self._buffered = [], 0
            self._take(joined)

    def _take(self, piece: Any) -> None:
        if self._pieces is None and len(piece) < PARALLEL_FROM:
            self._hasher.update(piece)
        else:
            self._hashing().put(piece)
        try:
            _write_all(self._file, piece)
        except OSError as error:
            self._store._failed(error, self._temporary)  # pyright: ignore[reportPrivateUsage]

    def _hashing(self) -> "queue.Queue[Any]":
        if self._pieces is None:
            # Imported here: a module that registers hooks for forks makes every task dearer.
            import queue
            import threading

            self._pieces = queue.Queue()
            self._thread = threading.Thread(
                target=_hash_pieces, args=(self._hasher, self._pieces), daemon=True
            )
            self._thread.start()
        return self._pieces

    def _stop_hashing(self) -> None:
        if self._thread is not None and self._pieces is not None:
            self._pieces.put(None)
            self._thread.join()
            self._thread = self._pieces = None


def _hash_pieces(hasher: Any, pieces: "queue.Queue[Any]") -> None:
    while True:
        piece = pieces.get()
        if piece is None:
            return
        hasher.update(piece)


def _write_all(file: int, data: Any) -> None:
    view = memoryview(data)
    while view.nbytes:
        view = view[os.write(file, view) :]
