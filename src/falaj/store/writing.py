"""Writing one blob piece by piece, its digest computed beside."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, List, NoReturn, Optional

from falaj.hashing import blob_hasher, finish

if TYPE_CHECKING:
    import queue
    import threading

CHUNK = 8 << 20
# Below this a second thread costs more than it hides.
PARALLEL_FROM = 4 << 20


class BlobWriter:
    """Writes one blob piece by piece, hashing on a second thread once it has grown large.

    As a context manager it leaves nothing behind where `commit` was not reached.
    """

    def __init__(
        self,
        temporary: str,
        file: int,
        publish: Callable[[str, str], None],
        fail: Callable[[OSError, Optional[str]], NoReturn],
    ) -> None:
        """Write to the open `file`, which lies at `temporary`.

        `publish` gives it its name by path and digest; `fail` raises the error for what the system
        refused, with the path of a file to remove.
        """
        self._publish = publish
        self._fail = fail
        self._temporary = temporary
        self._file = file
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
        self._publish(self._temporary, digest)
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
            write_all(self._file, piece)
        except OSError as error:
            self._fail(error, self._temporary)

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


def discard(path: str) -> None:
    """Remove a file where that is possible."""
    try:
        os.unlink(path)
    except OSError:
        pass


def write_all(file: int, data: Any) -> None:
    """Write all of a buffer to an open file."""
    view = memoryview(data)
    while view.nbytes:
        view = view[os.write(file, view) :]
