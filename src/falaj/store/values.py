"""The values of a foreach, each readable alone.

One blob: the pickles of the values one after the other, then for each value its end offset and a
checksum, then a trailer. A task of a wide fan-out reads its own value and nothing else.
"""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from typing import Any, Callable, Iterable, NamedTuple

from falaj.errors import CorruptBlob
from falaj.store.blobs import BlobStore
from falaj.store.codec import PROTOCOL

_MAGIC = b"falaj-v1"
_TRAILER = struct.Struct("<8sQ")
_ROW = struct.Struct("<QI")


class SavedValues(NamedTuple):
    """The digest of the blob and how many values it holds."""

    digest: str
    width: int


def save_values(
    store: BlobStore, values: Iterable[Any], refuse: Callable[[int, Any, Exception], Exception]
) -> SavedValues:
    """Store each value in order; `refuse` makes the error for one that can't be pickled."""
    rows = bytearray()
    width = 0
    with store.writer() as writer:
        for value in values:
            try:
                data = pickle.dumps(value, protocol=PROTOCOL)
            except Exception as error:
                raise refuse(width, value, error) from None
            writer.write(data)
            rows += _ROW.pack(writer.size, _checksum(data, width))
            width += 1
        writer.write(bytes(rows))
        writer.write(_TRAILER.pack(_MAGIC, width))
        return SavedValues(writer.commit(), width)


def load_value(store: BlobStore, digest: str, index: int) -> Any:
    """Return value number `index` of a blob that `save_values` wrote."""
    file = store.open(digest)
    try:
        end = os.fstat(file).st_size - _TRAILER.size
        magic, width = _TRAILER.unpack(_read(file, store, digest, end, _TRAILER.size))
        rows = end - width * _ROW.size
        if magic != _MAGIC or rows < 0 or not 0 <= index < width:
            raise CorruptBlob(digest, store.path(digest), "its trailer is not one")
        first = max(index - 1, 0)
        read = _read(file, store, digest, rows + first * _ROW.size, _ROW.size * (index - first + 1))
        start = _ROW.unpack_from(read, 0)[0] if index else 0
        stop, checksum = _ROW.unpack_from(read, len(read) - _ROW.size)
        data = _read(file, store, digest, start, stop - start)
        if _checksum(data, index) != checksum:
            raise CorruptBlob(digest, store.path(digest), "value {} differs".format(index))
    finally:
        os.close(file)
    return pickle.loads(data)


def _checksum(data: bytes, index: int) -> int:
    # The index takes part, so that damage to the table can't pass off one value as another.
    return zlib.crc32(data, index & 0xFFFFFFFF)


def _read(file: int, store: BlobStore, digest: str, offset: int, size: int) -> bytes:
    whole = offset >= 0 and size >= 0 and offset + size <= os.fstat(file).st_size
    data = os.pread(file, size, offset) if whole else b""
    if len(data) != size:
        raise CorruptBlob(digest, store.path(digest), "it is cut short")
    return data
