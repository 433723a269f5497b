"""Uploads a run's blobs beside it: what was recorded, and all that this refers to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from falaj.errors import FalajException
from falaj.hashing import BLOB_TAG, blob_hasher, finish, hex_of
from falaj.store.blobs import BlobStore
from falaj_control.housekeeping.marking import digests_in, references
from falaj_control.ports.storing import Store

# Moving blobs is mostly waiting; more threads would only share the same line.
_AT_ONCE = 8
# Seconds before each try.
_WAITS = (0.0, 0.5, 1.0)
_PIECE = 1 << 20


class BlobUploads:
    """Uploads each blob once, with all that it refers to; see the port `Uploads`."""

    def __init__(
        self,
        name: str,
        remote: Store,
        local: BlobStore,
        of_run: Callable[[], Iterable[str]],
        wake: Callable[[], None],
    ) -> None:
        """Take blobs from `local` to `remote`, which people know by `name`.

        `of_run` returns the texts of all records of the run; `wake` is called when all is done.
        """
        self._name, self._remote, self._local = name, remote, local
        self._of_run, self._wake = of_run, wake
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._known: set[str] = set()
        self._failed: dict[str, str] = {}
        self._under_way = 0
        self._pool = ThreadPoolExecutor(_AT_ONCE, "uploads")

    @property
    def is_busy(self) -> bool:
        """Say whether something is still to be uploaded; see the port."""
        with self._guard:
            return self._under_way > 0

    @property
    def problem(self) -> str:
        """Why not everything could be uploaded; see the port."""
        with self._guard:
            if not self._failed:
                return ""
            count, (digest, why) = len(self._failed), next(iter(self._failed.items()))
        more = f", and {count - 1} more," if count > 1 else ""
        return (
            f"the blob {digest}{more} could not be uploaded to the datastore {self._name}: {why}. "
            "All is in the home; resume uploads what is missing"
        )

    def take(self, texts: Iterable[str]) -> None:
        """Upload what the texts name; see the port."""
        for text in texts:
            self._take_all(map(_tagged, digests_in(text.encode("utf-8", "surrogatepass"))))

    def finish(self) -> None:
        """Upload what the run's records name, and what has failed before; see the port."""
        with self._guard:
            again, self._failed = list(self._failed), {}
            self._known.difference_update(again)
        self._take_all(again)
        self.take(self._of_run())

    def close(self) -> None:
        """Give up; see the port."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _take_all(self, digests: Iterable[str]) -> None:
        for digest in digests:
            with self._guard:
                if digest in self._known or self._stopped.is_set():
                    continue
                self._known.add(digest)
                self._under_way += 1
            self._pool.submit(self._carry_out, digest)

    def _carry_out(self, digest: str) -> None:
        why = ""
        try:
            # An artifact that lies in a pack has a digest and no blob.
            if os.path.exists(self._local.path(digest)):
                self._take_all(map(_tagged, references(self._local, bytes.fromhex(hex_of(digest)))))
                why = self._upload(digest)
        except Exception as error:
            # Told with the run's end, rather than lost with this thread.
            why = _said(error)
        with self._guard:
            if why:
                self._failed[digest] = why
            self._under_way -= 1
            is_last = self._under_way == 0
        if is_last:
            self._wake()

    def _upload(self, digest: str) -> str:
        """Upload a blob, several times if need be; return why it failed, or nothing."""
        path, why = self._local.path(digest), ""
        for wait in _WAITS:
            if self._stopped.wait(wait):
                return "it was interrupted"
            try:
                if not self._remote.exists(hex_of(digest)):
                    _verify(digest, path)
                    self._remote.upload(hex_of(digest), path)
                return ""
            except _Damaged as error:
                return str(error)
            except (Exception, SystemExit) as error:
                # A library may raise anything.
                why = _said(error)
        return why


class _Damaged(Exception):
    """A blob of the home that no further try makes whole."""


def _tagged(digest: bytes) -> str:
    return f"{BLOB_TAG}:{digest.hex()}"


def _verify(digest: str, path: str) -> None:
    """Raise _Damaged for a file that is not what its name says."""
    hasher = blob_hasher()
    with open(path, "rb", 0) as file:
        for piece in _pieces(file.fileno()):
            hasher.update(piece)
    if finish(hasher) != digest:
        raise _Damaged(f"its file {path} is damaged")


def _pieces(file: int) -> Iterator[bytes]:
    while piece := os.read(file, _PIECE):
        yield piece


def _said(error: BaseException) -> str:
    text = error.message if isinstance(error, FalajException) else str(error)
    return f"{type(error).__name__}: {text}".rstrip(".")
