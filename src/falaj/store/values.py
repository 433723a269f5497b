"""The values of a foreach, each readable alone.

One blob: the pickles of the values one after the other, the record of their maker, then for each
value its end offset and a checksum, then a trailer. A task of a wide fan-out reads its own value
and nothing else.
"""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from typing import Any, Callable, Iterable, NamedTuple, Set

from falaj.errors import ArtifactNotLoadable, CorruptBlob, FalajException
from falaj.store.blobs import BlobStore
from falaj.store.codec import PROTOCOL, decode_pickle
from falaj.store.makers import explain, head, maker_record, modules_in, read_maker, this_maker

_MAGIC = b"falaj-v1"
_TRAILER = struct.Struct("<8sQ")
_ROW = struct.Struct("<QI")
# The values of a foreach are mostly of a kind, so that the first ones tell the packages of all.
_LOOKED_AT = 16


class SavedValues(NamedTuple):
    """The digest of the blob and how many values it holds."""

    digest: str
    width: int


def save_values(
    store: BlobStore,
    values: Iterable[Any],
    refuse: Callable[[int, Any, Exception], Exception],
    protocol: int = PROTOCOL,
    step: str = "",
) -> SavedValues:
    """Store each value in order; `refuse` makes the error for one that can't be pickled.

    `protocol` is that of the run's pickles, `step` what the record of their maker says.
    """
    rows = bytearray()
    width = 0
    modules: Set[str] = set()
    with store.writer() as writer:
        for value in values:
            try:
                data = pickle.dumps(value, protocol=protocol)
            except Exception as error:
                raise refuse(width, value, error) from None
            if width < _LOOKED_AT:
                modules |= modules_in(head([data]))
            writer.write(data)
            rows += _ROW.pack(writer.size, _checksum(data, width))
            width += 1
        writer.write(maker_record(this_maker(step, modules)))
        writer.write(bytes(rows))
        writer.write(_TRAILER.pack(_MAGIC, width))
        return SavedValues(writer.commit(), width)


def load_value(store: BlobStore, digest: str, index: int, variable: str = "values") -> Any:
    """Return value number `index` of a blob that `save_values` wrote; `variable` names them.

    Raises ArtifactNotLoadable where its pickle can't be loaded by this Python with its packages.
    """
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
    try:
        return decode_pickle(data)
    except (FalajException, MemoryError):
        raise
    except Exception as error:
        what = "The foreach value {}[{}]".format(variable, index)
        maker = read_maker(store, digest, rows)
        raise ArtifactNotLoadable(explain(what, error, maker, data)) from error


def _checksum(data: bytes, index: int) -> int:
    # The index takes part, so that damage to the table can't pass off one value as another.
    return zlib.crc32(data, index & 0xFFFFFFFF)


def _read(file: int, store: BlobStore, digest: str, offset: int, size: int) -> bytes:
    whole = offset >= 0 and size >= 0 and offset + size <= os.fstat(file).st_size
    data = os.pread(file, size, offset) if whole else b""
    if len(data) != size:
        raise CorruptBlob(digest, store.path(digest), "it is cut short")
    return data
