"""The values of a foreach: each alone, and damage never passes for a value."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falaj.errors import CorruptBlob, MissingBlob
from falaj.store.blobs import BlobStore
from falaj.store.values import load_value, save_values


class Refused(Exception):
    """Which value was refused and why."""


def refuse(index: int, value: object, error: Exception) -> Exception:
    return Refused(index, type(value).__name__)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


ANY = [HealthCheck.function_scoped_fixture]


@settings(max_examples=80, deadline=None, suppress_health_check=ANY)
@given(values=st.lists(st.one_of(st.integers(), st.text(), st.lists(st.none())), max_size=12))
def test_every_value_is_read_alone(store, values):
    saved = save_values(store, iter(values), refuse)
    assert saved.width == len(values)
    found = [load_value(store, saved.digest, index) for index in reversed(range(len(values)))]
    assert found == values[::-1]


@pytest.mark.parametrize("index", [-1, 3, 10**9])
def test_an_index_beyond_the_values_is_refused(store, index):
    saved = save_values(store, "abc", refuse)
    with pytest.raises(CorruptBlob):
        load_value(store, saved.digest, index)


def test_no_values_make_a_blob_without_values(store):
    saved = save_values(store, [], refuse)
    assert saved.width == 0
    with pytest.raises(CorruptBlob):
        load_value(store, saved.digest, 0)


def test_reading_one_of_many_reads_little(store, monkeypatch):
    saved = save_values(store, (bytes(1000) + b"%d" % n for n in range(5000)), refuse)
    whole, read = os.pread, []

    def counted(file: int, size: int, offset: int) -> bytes:
        read.append(size)
        return whole(file, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    for index in (0, 2500, 4999):
        assert load_value(store, saved.digest, index).endswith(b"\0%d" % index)
    assert sum(read) < 3 * 1200


def test_a_value_that_can_not_be_pickled_is_named_by_its_index(store):
    with pytest.raises(Refused) as told:
        save_values(store, [1, 2, lambda: 0], refuse)
    assert told.value.args == (2, "function")
    assert not list(Path(store.root).rglob("*-*")), "nothing is left of the values before it"


def test_damage_to_any_byte_never_gives_another_value(store):
    values = ["one", "two", "one", {"four": 4}]
    saved = save_values(store, values, refuse)
    path = Path(store.path(saved.digest))
    whole = path.read_bytes()
    for place in range(len(whole)):
        for mask in (0x01, 0x04, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[place] ^= mask
            path.write_bytes(damaged)
            for index, value in enumerate(values):
                try:
                    assert load_value(store, saved.digest, index) == value
                except CorruptBlob:
                    continue


def test_a_cut_at_any_place_is_found(store):
    saved = save_values(store, ["one", "two"], refuse)
    path = Path(store.path(saved.digest))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(CorruptBlob, match="is damaged"):
            load_value(store, saved.digest, 1)
    path.unlink()
    with pytest.raises(MissingBlob):
        load_value(store, saved.digest, 1)
