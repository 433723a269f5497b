"""A task's values to entries of its manifest, and entries back to values."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, cast

from falaj.errors import ArtifactNotLoadable, CorruptBlob, FalajException
from falaj.hashing import blob_digest
from falaj.store.blobs import BlobStore
from falaj.store.codec import BUFFERS, PROTOCOL, Encoded, decode_pickle, encode
from falaj.store.makers import explain, head, maker_record, modules_in, read_maker, this_maker
from falaj.store.manifests import Entry
from falaj.store.mapping import MappedBlob, pickle_of, verified_view
from falaj.store.preview import preview
from falaj.store.verified import file_stamp, note_verified

# A value up to this size lies in the task's pack; a larger one is a blob of its own, which equal
# values of other tasks then share.
INLINE_UP_TO = 16 << 10


class Loaded(NamedTuple):
    """A value read from the store; `mapped` keeps the map behind a large one."""

    value: Any
    mapped: Optional[MappedBlob]


def load(store: BlobStore, entry: Entry, name: str) -> Loaded:
    """Return an artifact's value, verified or being verified beside the caller's work.

    Raises ArtifactNotLoadable where its pickle can't be loaded by this Python with its packages.
    """
    try:
        if entry.codec == BUFFERS:
            mapped = MappedBlob(store, entry.digest)
            return Loaded(mapped.value, mapped)
        return Loaded(decode_pickle(_read(store, entry, name)), None)
    except (FalajException, MemoryError):
        raise
    except Exception as error:
        apart = entry.codec == BUFFERS
        pickled = pickle_of(store, entry.digest) if apart else _read(store, entry, name)
        what = "The artifact {} ({})".format(name, entry.type)
        why = explain(what, error, read_maker(store, entry.pack), pickled)
        raise ArtifactNotLoadable(why) from error


def _read(store: BlobStore, entry: Entry, name: str) -> Any:
    if entry.offset < 0:
        return verified_view(store, entry.digest)
    data = store.read_range(entry.pack, entry.offset, entry.size)
    if blob_digest(data) != entry.digest:
        raise CorruptBlob(entry.pack, store.path(entry.pack), "artifact {} differs".format(name))
    return data


def load_artifact(store: BlobStore, entry: Entry, name: str) -> Any:
    """Return an artifact's verified value, for readers that have no work to do meanwhile."""
    value, mapped = load(store, entry, name)
    if mapped is not None:
        mapped.verified()
    return value


def save(
    store: BlobStore,
    values: Mapping[str, Any],
    unchanged: Callable[[str, Encoded], Optional[Entry]],
    refuse: Callable[[str, Any, Exception], Exception],
    protocol: int = PROTOCOL,
    step: str = "",
) -> Dict[str, Entry]:
    """Store `values`; `unchanged` may return the entry that a value was loaded from.

    `refuse` makes the error for a value that can't be pickled. `protocol` is that of the run's
    pickles, `step` what the records of their maker say.
    """
    entries: Dict[str, Entry] = {}
    assigned: List[str] = []
    pieces: List[Any] = []
    heads: List[bytes] = []
    offset = 0
    for name, value in values.items():
        try:
            encoded = encode(value, protocol)
        except Exception as error:
            raise refuse(name, value, error) from error
        same = unchanged(name, encoded)
        if same is not None:
            entries[name] = same
            continue
        assigned.append(name)
        shown = json.dumps(preview(value), separators=(",", ":")).encode()
        kind = type_name(value)
        if encoded.size > INLINE_UP_TO:
            digest, at = _save_apart(store, encoded), -1
            heads.extend(head(encoded.pickled))
        else:
            digest, at = encoded.digest(), offset
            pieces.extend(encoded.parts)
            offset += encoded.size
        entries[name] = Entry(digest, encoded.codec, encoded.size, kind, "", at, offset, len(shown))
        pieces.append(shown)
        offset += len(shown)
    if assigned:
        modules = modules_in([*pieces, *heads])
        pieces.append(maker_record(this_maker(step, modules)))
        pack = store.put_parts(pieces)
        for name in assigned:
            entries[name] = entries[name]._replace(pack=pack)
    return entries


def _save_apart(store: BlobStore, encoded: Encoded) -> str:
    digest = store.put_parts(encoded.parts)
    if encoded.codec == BUFFERS:
        # The digest was computed from the very memory that was written, so a reader on this
        # machine need not compute it again.
        file = store.open(digest)
        try:
            note_verified(store.root, digest, file_stamp(file))
        finally:
            os.close(file)
    return digest


def type_name(value: Any) -> str:
    """Return a value's type as people write it: `int`, `pandas.core.frame.DataFrame`."""
    kind = cast(Any, type(value))
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return "{}.{}".format(kind.__module__, kind.__qualname__)
