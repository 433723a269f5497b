"""Values to bytes and back: one pickle, with large buffers kept apart so that they can be mapped.

Two forms. `pickle` is the pickle alone. `buffers` is, in this order: each large buffer at a
multiple of 64 bytes, the pickle, a table of (offset, size) of the buffers and the pickle, and a
trailer of fixed size. Whoever maps the file learns from the trailer whether it is whole, and that
the table and the pickle are undamaged: a damaged pickle can crash the interpreter that reads it.
"""

from __future__ import annotations

import pickle
import struct
import sys
import zlib
from typing import Any, List, NamedTuple, Tuple

PICKLE = "pickle"
BUFFERS = "buffers"

# Pickle protocol 5 keeps buffers apart; an interpreter before 3.8 has only 4.
PROTOCOL = min(5, pickle.HIGHEST_PROTOCOL)
APART_FROM = 1 << 16
ALIGNMENT = 64
MAGIC = b"falaj-b1"
_TRAILER = struct.Struct("<8sQQII")
_SPAN = struct.Struct("<QQ")


class Encoded(NamedTuple):
    """A value as bytes still in several buffers; `pickled` is the pickle among them."""

    codec: str
    parts: List[Any]
    size: int
    pickled: bytes
    buffers: List[Any]


def encode(value: Any) -> Encoded:
    """Pickle `value`; raises whatever its pickling raises."""
    if PROTOCOL < 5:
        data = pickle.dumps(value, protocol=PROTOCOL)
        return Encoded(PICKLE, [data], len(data), data, [])
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

    if sys.version_info >= (3, 8):
        data = pickle.dumps(value, protocol=PROTOCOL, buffer_callback=keep_apart)
    else:
        data = pickle.dumps(value, protocol=PROTOCOL)
    if not buffers:
        return Encoded(PICKLE, [data], len(data), data, [])
    parts, size = _lay_out(buffers, data)
    return Encoded(BUFFERS, parts, size, data, buffers)


def _lay_out(buffers: List[Any], data: bytes) -> Tuple[List[Any], int]:
    parts: List[Any] = []
    table = b""
    offset = 0
    for buffer in [*buffers, data]:
        padding = -offset % ALIGNMENT
        if padding:
            parts.append(bytes(padding))
            offset += padding
        parts.append(buffer)
        table += _SPAN.pack(offset, len(buffer))
        offset += len(buffer)
    size = offset + len(table) + _TRAILER.size
    parts.append(table)
    checksum = zlib.crc32(data, zlib.crc32(table))
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
    """Return the value of a whole `buffers` blob; large buffers stay slices of `view`."""
    if sys.version_info >= (3, 8):
        places = spans(view)
        offset, size = places.pop()
        buffers = [view[start : start + length] for start, length in places]
        return pickle.loads(view[offset : offset + size], buffers=buffers)
    raise ValueError("it needs Python 3.8 or newer")


def decode_pickle(data: Any) -> Any:
    """Return the value of a `pickle` blob."""
    return pickle.loads(data)
