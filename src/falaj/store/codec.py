"""Values to bytes and back: one pickle, with large buffers kept apart so that they can be mapped.

Two forms. `pickle` is the pickle alone. `buffers` is, in this order: each large buffer at a
multiple of 64 bytes, the pickle, a table of (offset, size) of the buffers and the pickle, and a
trailer of fixed size. Whoever maps the file learns from the trailer whether it is whole, and that
the table and the pickle are undamaged: a damaged pickle can crash the interpreter that reads it.
"""

from __future__ import annotations

import io
import pickle
import struct
import sys
import zlib
from typing import Any, Callable, List, NamedTuple, Tuple

from falaj.hashing import blob_digest, blob_hasher, finish

PICKLE = "pickle"
BUFFERS = "buffers"

# The newest that this interpreter has: 5 keeps buffers apart, one before 3.8 has only 4.
PROTOCOL = min(5, pickle.HIGHEST_PROTOCOL)
APART_FROM = 1 << 16
ALIGNMENT = 64
# Arrays and paths are what steps of different environments hand to each other, and pickles name
# where numpy 2 and Python 3.13 have put their functions. Both find those of earlier versions.
_MOVED = {"numpy._core": "numpy.core", "pathlib._local": "pathlib"}
MAGIC = b"falaj-b1"
_TRAILER = struct.Struct("<8sQQII")
_SPAN = struct.Struct("<QQ")


class Encoded(NamedTuple):
    """A value as bytes still in several buffers; `pickled` are those of the pickle alone."""

    codec: str
    parts: List[Any]
    size: int
    pickled: List[Any]
    buffers: List[Any]

    def digest(self) -> str:
        """Return the digest of the whole."""
        if len(self.parts) == 1:
            return blob_digest(self.parts[0])
        hasher = blob_hasher()
        for part in self.parts:
            hasher.update(part)
        return finish(hasher)

    def equals(self, other: "Encoded") -> bool:
        """Say whether two values were encoded to the same bytes."""
        mine, theirs = self.parts, other.parts
        return len(mine) == len(theirs) and all(map(same_bytes, mine, theirs))


def same_bytes(one: Any, other: Any) -> bool:
    """Say whether two buffers hold the same bytes."""
    first, second = memoryview(one).cast("B"), memoryview(other).cast("B")
    if len(first) != len(second):
        return False
    # Views are compared number by number, so in the largest ones.
    whole = len(first) - len(first) % 8
    return first[whole:] == second[whole:] and first[:whole].cast("Q") == second[:whole].cast("Q")


class _Sink:
    """A file for a pickler: large strings of bytes reach it as they are, without being copied."""

    def __init__(self, write: Callable[[Any], None]) -> None:
        self.write = write


def encode(value: Any, protocol: int = PROTOCOL) -> Encoded:
    """Pickle `value` by `protocol` (4 or 5); raises whatever its pickling raises.

    Protocol 4 is for runs in which a Python before 3.8 takes part; it keeps no buffers apart.
    """
    pickled: List[Any] = []
    buffers: List[Any] = []

    def keep_apart(buffer: Any) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if raw.nbytes < APART_FROM:
            return True
        buffers.append(raw)
        return False

    sink = _Sink(pickled.append)
    if sys.version_info >= (3, 8) and protocol >= 5:
        pickle.Pickler(sink, protocol, buffer_callback=keep_apart).dump(value)
    else:
        pickle.Pickler(sink, protocol).dump(value)
    if not buffers:
        return Encoded(PICKLE, pickled, sum(map(len, pickled)), pickled, [])
    parts, size = _lay_out(buffers, pickled)
    return Encoded(BUFFERS, parts, size, pickled, buffers)


def _lay_out(buffers: List[Any], pickled: List[Any]) -> Tuple[List[Any], int]:
    parts: List[Any] = []
    table = b""
    offset = 0
    for pieces in [*([buffer] for buffer in buffers), pickled]:
        padding = -offset % ALIGNMENT
        if padding:
            parts.append(bytes(padding))
            offset += padding
        parts.extend(pieces)
        size = sum(map(len, pieces))
        table += _SPAN.pack(offset, size)
        offset += size
    size = offset + len(table) + _TRAILER.size
    parts.append(table)
    checksum = zlib.crc32(table)
    for piece in pickled:
        checksum = zlib.crc32(piece, checksum)
    parts.append(_TRAILER.pack(MAGIC, size, offset, len(buffers) + 1, checksum))
    return parts, size


def spans(view: memoryview) -> List[Tuple[int, int]]:
    """Return (offset, size) of each buffer and lastly the pickle of a `buffers` blob.

    Raises ValueError, with what is wrong, unless the blob is whole by its size and trailer.
    """
    if len(view) < _TRAILER.size:
        raise ValueError("it is cut short")
    magic, size, start, count, checksum = _TRAILER.unpack(view[-_TRAILER.size :])
    if magic != MAGIC:
        raise ValueError("its trailer is not one")
    if size != len(view) or start + count * _SPAN.size + _TRAILER.size != size:
        raise ValueError("its size is wrong")
    table = view[start : start + count * _SPAN.size]
    places = [_SPAN.unpack_from(table, index * _SPAN.size) for index in range(count)]
    if not places or places[-1][0] + places[-1][1] > start:
        raise ValueError("its table is damaged")
    offset, length = places[-1]
    if zlib.crc32(view[offset : offset + length], zlib.crc32(table)) != checksum:
        raise ValueError("its table or pickle is damaged")
    return places


def decode_buffers(view: memoryview) -> Any:
    """Return the value of a whole `buffers` blob; large buffers stay slices of `view`.

    Raises whatever loading the pickle raises.
    """
    if sys.version_info < (3, 8):
        raise ValueError("unsupported pickle protocol: 5")
    places = spans(view)
    offset, size = places.pop()
    buffers = [view[start : start + length] for start, length in places]
    return _load(view[offset : offset + size], buffers=buffers)


def decode_pickle(data: Any) -> Any:
    """Return the value of a `pickle` blob; raises whatever loading it raises."""
    return _load(data)


def _load(data: Any, **buffers: Any) -> Any:
    try:
        return pickle.loads(data, **buffers)
    except ModuleNotFoundError as error:
        if error.name not in _MOVED:
            raise
        return _Unpickler(io.BytesIO(data), **buffers).load()


class _Unpickler(pickle.Unpickler):
    """Finds what was pickled where it had moved to, in a Python that has it where it was before."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return super().find_class(module_name, global_name)
        except ModuleNotFoundError as error:
            if error.name not in _MOVED:
                raise
            before = module_name.replace(error.name, _MOVED[error.name], 1)
            return super().find_class(before, global_name)
