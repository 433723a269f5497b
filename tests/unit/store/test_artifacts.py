"""Values to entries and back: the pack, blobs of their own, what is kept, what is refused."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.errors import ArtifactNotLoadable, CorruptBlob
from falaj.hashing import blob_digest
from falaj.store.artifacts import INLINE_UP_TO, load, load_artifact, save, type_name
from falaj.store.blobs import BlobStore
from falaj.store.codec import BUFFERS, PICKLE
from falaj.store.mapping import MappedBlob


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


class Refused(Exception):
    """Which artifact was refused."""


def refuse(name: str, value: object, error: Exception) -> Exception:
    return Refused(name)


def keep(store: BlobStore, **values: Any) -> Any:
    return save(store, values, lambda *_: None, refuse)


def blobs_in(store: BlobStore) -> "list[Path]":
    return [path for path in Path(store.root, "blobs").rglob("*") if path.is_file()]


def test_a_thousand_small_values_make_one_blob(store):
    entries = keep(store, **{f"n{number}": {"value": number} for number in range(1000)})
    assert len(blobs_in(store)) == 1
    assert list(entries) == [f"n{number}" for number in range(1000)]
    for number in (0, 1, 500, 999):
        name = f"n{number}"
        assert load_artifact(store, entries[name], name) == {"value": number}


@pytest.mark.parametrize(
    ("value", "codec", "apart"),
    [
        ("x" * (INLINE_UP_TO // 2), PICKLE, False),
        ("x" * (INLINE_UP_TO + 1), PICKLE, True),
        (np.zeros(100), PICKLE, False),
        (np.zeros(4000), PICKLE, True),
        (np.zeros(20_000), BUFFERS, True),
        (None, PICKLE, False),
    ],
    ids=["short text", "long text", "small array", "array", "large array", "None"],
)
def test_a_value_lies_where_its_size_puts_it(store, value, codec, apart):
    entry = keep(store, value=value)["value"]
    assert (entry.codec, entry.offset < 0) == (codec, apart)
    assert np.array_equal(load_artifact(store, entry, "value"), value)


def test_equal_large_values_are_stored_once_and_have_equal_digests(store):
    first = keep(store, a=np.ones(20_000), b=1)
    before = len(blobs_in(store))
    second = keep(store, c=np.ones(20_000), b=1, d=2)
    assert first["a"].digest == second["c"].digest
    assert first["b"].digest == second["b"].digest
    assert len(blobs_in(store)) == before + 1, "the pack alone is new"


def test_an_unchanged_value_keeps_its_entry_and_writes_nothing(store):
    entry = keep(store, a=5)["a"]
    before = blobs_in(store)
    assert save(store, {"a": 5}, lambda *_: entry, refuse) == {"a": entry}
    assert blobs_in(store) == before
    assert save(store, {}, lambda *_: None, refuse) == {}
    assert blobs_in(store) == before


def test_what_can_not_be_pickled_is_refused_by_name(store):
    with pytest.raises(Refused, match="bad"):
        keep(store, good=1, bad=lambda: 0)


def test_damage_to_one_packed_value_is_told_for_that_one_only(store):
    entries = keep(store, one="first value", two="second value")
    path = Path(store.path(entries["one"].pack))
    path.write_bytes(path.read_bytes().replace(b"first value", b"FIRST value"))
    assert load_artifact(store, entries["two"], "two") == "second value"
    with pytest.raises(CorruptBlob, match="artifact one differs"):
        load_artifact(store, entries["one"], "one")


def test_a_cut_pack_is_told(store):
    entries = keep(store, one="first value")
    os.truncate(store.path(entries["one"].pack), 3)
    with pytest.raises(CorruptBlob):
        load_artifact(store, entries["one"], "one")


def test_a_large_value_is_not_hashed_by_its_first_reader_on_this_machine(store, monkeypatch):
    entry = keep(store, array=np.ones(20_000))["array"]
    monkeypatch.setattr(MappedBlob, "_verify", None)
    loaded = load(store, entry, "array")
    assert loaded.mapped is not None
    loaded.mapped.verified()


def test_readers_without_work_meanwhile_see_damage_at_once(store):
    entry = keep(store, array=np.ones(20_000))["array"]
    with open(store.path(entry.digest), "r+b") as file:
        file.write(b"damage")
    with pytest.raises(CorruptBlob):
        load_artifact(store, entry, "array")


class Local:
    """A class that may be absent where the artifact is read."""

    def __init__(self, data: Any) -> None:
        self.data = data


@pytest.mark.parametrize("data", [1, np.ones(20_000)], ids=["small", "large"])
def test_an_absent_class_is_told_with_what_to_do(store, monkeypatch, data):
    entry = keep(store, thing=Local(data))["thing"]
    monkeypatch.delattr(f"{__name__}.Local")
    with pytest.raises(ArtifactNotLoadable, match=r"thing \(.*Local\) .* Give both sides"):
        load(store, entry, "thing")


def test_the_digest_is_that_of_the_values_own_bytes(store):
    entry = keep(store, text="x" * 30_000)["text"]
    assert blob_digest(store.read(entry.digest)) == entry.digest
    assert entry.size == len(store.read(entry.digest))


@pytest.mark.parametrize(
    ("value", "name"), [(1, "int"), (None, "NoneType"), (np.zeros(1), "numpy.ndarray")]
)
def test_types_are_named_as_people_write_them(value, name):
    assert type_name(value) == name
