"""Large artifacts read by mapping their blob copy-on-write, and verified beside the work.

Nothing is read until the step touches it and nothing is copied until the step writes to it. The
blob's size and trailer are checked at once; its digest is computed on another thread, once per
file and machine start: a note beside the store says which files have been verified as they are.
"""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any, List, Optional

from falaj.errors import CorruptBlob
from falaj.hashing import blob_digest, blob_hasher, finish
from falaj.store.blobs import BlobStore
from falaj.store.codec import Encoded, decode_buffers, same_bytes, spans
from falaj.store.verified import file_stamp, is_noted, note_verified
from falaj.store.writing import CHUNK

if TYPE_CHECKING:
    import threading


class MappedBlob:
    """One mapped blob, its value, and whether its bytes have been verified."""

    def __init__(self, store: BlobStore, digest: str) -> None:
        """Map the blob and decode its value; raise CorruptBlob where it is not whole."""
        self.digest = digest
        self.path = store.path(digest)
        file = store.open(digest)
        try:
            self._stamp = file_stamp(file)
            size = os.fstat(file).st_size
            if size == 0:
                raise CorruptBlob(digest, self.path, "it is empty")
            self.map = mmap.mmap(file, size, access=mmap.ACCESS_COPY)
        finally:
            os.close(file)
        self.view = memoryview(self.map)
        try:
            self.spans = spans(self.view)
        except ValueError as error:
            raise CorruptBlob(digest, self.path, str(error)) from None
        try:
            self.value = decode_buffers(self.view)
        except Exception:
            # What can't be loaded is either damaged or only not loadable here.
            self._damage = None
            self._verify(store)
            if self._damage is not None:
                raise self._damage from None
            raise
        self._damage: Optional[CorruptBlob] = None
        self._thread: "Optional[threading.Thread]" = None
        if not is_noted(store.root, digest, self._stamp):
            import threading

            self._thread = threading.Thread(target=self._verify, args=(store,), daemon=True)
            self._thread.start()

    @property
    def is_verified(self) -> bool:
        """Whether nothing is left to verify."""
        return self._thread is None and self._damage is None

    def verified(self) -> None:
        """Wait until the bytes have been compared with the digest; raise where they differ."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._damage is not None:
            raise self._damage

    def _verify(self, store: BlobStore) -> None:
        # Reads the file, not the map: the step may have written to its own copy by now.
        hasher = blob_hasher()
        try:
            with open(self.path, "rb", 0) as file:
                piece = bytearray(CHUNK)
                view = memoryview(piece)
                while True:
                    count = file.readinto(piece)
                    if not count:
                        break
                    hasher.update(view[:count])
        except OSError as error:
            self._damage = CorruptBlob(self.digest, self.path, str(error))
            return
        if finish(hasher) != self.digest:
            self._damage = CorruptBlob(self.digest, self.path, "its contents do not match its name")
        else:
            note_verified(store.root, self.digest, self._stamp)

    def unchanged(self, encoded: Encoded) -> bool:
        """Say whether `encoded`, this value pickled again, is byte for byte what was mapped.

        For buffers that are the mapped ones this is told without reading them: no page of the map
        has been copied by a write. Those that a library has copied are compared.
        """
        offset, size = self.spans[-1]
        places = self.spans[:-1]
        if len(encoded.buffers) != len(places):
            return False
        if bytes(self.view[offset : offset + size]) != b"".join(encoded.pickled):
            return False
        base = _address(self.view)
        if base is None or not _untouched(base, len(self.view)):
            return False
        for buffer, (start, length) in zip(encoded.buffers, places):
            if len(buffer) != length:
                return False
            mapped = self.view[start : start + length]
            if _address(buffer) != base + start and not same_bytes(buffer, mapped):
                return False
        return True


def verified_view(store: BlobStore, digest: str) -> memoryview:
    """Return a whole blob, mapped to be read once; raise CorruptBlob where its digest differs."""
    view = memoryview(_mapped_to_read(store, digest))
    if blob_digest(view) != digest:
        raise CorruptBlob(digest, store.path(digest), "its contents do not match its name")
    return view


def pickle_of(store: BlobStore, digest: str) -> memoryview:
    """Return the pickle in a `buffers` blob; raise CorruptBlob where that is not whole."""
    view = memoryview(_mapped_to_read(store, digest))
    try:
        offset, size = spans(view)[-1]
    except ValueError as error:
        raise CorruptBlob(digest, store.path(digest), str(error)) from None
    return view[offset : offset + size]


def _mapped_to_read(store: BlobStore, digest: str) -> mmap.mmap:
    file = store.open(digest)
    try:
        if os.fstat(file).st_size == 0:
            raise CorruptBlob(digest, store.path(digest), "it is empty")
        return mmap.mmap(file, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(file)


_HEX = frozenset("0123456789abcdef")


def _address(view: Any) -> Optional[int]:
    """Return where a buffer lies in memory, read-only ones included."""
    try:
        import ctypes
    except ImportError:
        return None
    # A Py_buffer begins with the address; its whole size is below this on every version.
    buffer = ctypes.create_string_buffer(256)
    simple = 0
    try:
        ctypes.pythonapi.PyObject_GetBuffer(
            ctypes.py_object(view), ctypes.byref(buffer), ctypes.c_int(simple)
        )
    except (BufferError, TypeError, ValueError):
        return None
    address = ctypes.c_void_p.from_buffer(buffer).value
    ctypes.pythonapi.PyBuffer_Release(ctypes.byref(buffer))
    return address


def _untouched(address: int, size: int) -> bool:
    """Say whether the private mapping at `address` still shares every page with its file."""
    anonymous: List[int] = []
    inside = False
    try:
        # It names mapped files, whose names need not be UTF-8.
        with open("/proc/self/smaps", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line[0] in _HEX:
                    start, _, rest = line.partition("-")
                    begin = int(start, 16)
                    inside = begin < address + size and int(rest.split(" ", 1)[0], 16) > address
                elif inside and line.startswith("Anonymous:"):
                    anonymous.append(int(line.split()[1]))
    except (OSError, ValueError):
        return False
    return bool(anonymous) and not any(anonymous)
