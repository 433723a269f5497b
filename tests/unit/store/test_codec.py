"""Values to bytes and back, with large buffers apart."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falaj.store.codec import (
    ALIGNMENT,
    APART_FROM,
    BUFFERS,
    PICKLE,
    decode_buffers,
    decode_pickle,
    encode,
    same_bytes,
    spans,
)


def joined(value: Any) -> bytes:
    return b"".join(encode(value).parts)


def round_trip(value: Any) -> Any:
    encoded = encode(value)
    data = b"".join(encoded.parts)
    assert len(data) == encoded.size
    if encoded.codec == PICKLE:
        assert not encoded.buffers
        return decode_pickle(data)
    return decode_buffers(memoryview(bytearray(data)))


def numbers(size: int) -> Any:
    return np.arange(size, dtype=np.float64)


RECORDS = np.dtype([("a", "<i4"), ("b", "<f8"), ("c", "S7")])
ARRAYS = {
    "C": (numbers(10_000).reshape(100, 100), BUFFERS),
    "Fortran": (np.asfortranarray(numbers(10_000).reshape(50, 200)), BUFFERS),
    "not contiguous": (numbers(40_000)[::3], PICKLE),
    "transposed slice": (numbers(40_000).reshape(200, 200)[5:, 7:].T, PICKLE),
    "reversed": (numbers(10_000)[::-1], PICKLE),
    "zero-size": (np.empty((0, 5), dtype=np.int16), PICKLE),
    "scalar": (np.array(3.5), PICKLE),
    "small": (numbers(10), PICKLE),
    "objects": (np.array([{"k": 1}, None, "x"] * 9000, dtype=object), PICKLE),
    "structured": (np.zeros(9000, dtype=RECORDS), BUFFERS),
    "datetimes": (np.arange(20_000).astype("datetime64[s]"), None),
    "text": (np.array(["abc", "ü" * 9] * 5000), BUFFERS),
    "bits": (np.arange(200_000) % 3 == 0, BUFFERS),
    "other byte order": (numbers(10_000).astype(">f8"), BUFFERS),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(name):
    array, codec = ARRAYS[name]
    found = round_trip(array)
    assert codec is None or encode(array).codec == codec
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert np.array_equal(found, array)
    assert found.flags.f_contiguous == array.flags.f_contiguous or not array.flags.forc


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": numbers(20_000), "b": ["x", None] * 10_000}),
        pd.DataFrame({"n": numbers(20_000)}, index=pd.date_range("2020", periods=20_000)),
        pd.DataFrame({"c": pd.Categorical(["u", "v"] * 20_000)}),
        pd.DataFrame({"i": pd.array([1, None] * 20_000, dtype="Int64")}),
        pd.DataFrame(numbers(20_000).reshape(200, 100)).T,
        pd.DataFrame(),
    ],
    ids=["mixed", "dates", "categories", "nullable", "transposed", "empty"],
)
def test_data_frames_come_back_as_they_were(frame):
    pd.testing.assert_frame_equal(round_trip(frame), frame)


@pytest.mark.parametrize("size", [0, 10, APART_FROM, 3 * APART_FROM])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_byte_strings_come_back_as_their_type(kind, size):
    found = round_trip(kind(b"q" * size))
    assert type(found) is kind
    assert found == b"q" * size


@pytest.mark.parametrize(("size", "codec"), [(APART_FROM - 1, PICKLE), (APART_FROM, BUFFERS)])
def test_buffers_are_kept_apart_from_a_size_on(size, codec):
    encoded = encode(np.zeros(size, dtype=np.uint8))
    assert encoded.codec == codec


def test_containers_that_share_a_buffer_still_share_it():
    array = numbers(20_000)
    found = round_trip({"a": array, "again": [array, (array, 1)]})
    assert found["a"] is found["again"][0] is found["again"][1][0]
    assert np.array_equal(found["a"], array)
    assert len(encode([array, array]).buffers) == 1


def test_a_read_only_array_comes_back_read_only():
    array = numbers(20_000)
    array.setflags(write=False)
    assert not round_trip(array).flags.writeable
    assert round_trip(numbers(20_000)).flags.writeable


def test_a_value_of_a_pickled_buffer_that_is_not_contiguous_is_kept():
    found = round_trip([pickle.PickleBuffer(b"w" * APART_FROM), 1])
    assert bytes(found[0]) == b"w" * APART_FROM


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(APART_FROM, APART_FROM + 200), min_size=1, max_size=5))
def test_every_buffer_lies_at_an_aligned_place(sizes):
    value = [np.full(size, number, dtype=np.uint8) for number, size in enumerate(sizes)]
    data = memoryview(joined(value))
    *places, pickled = spans(data)
    assert [length for _, length in places] == sizes
    for number, (offset, length) in enumerate(places):
        assert offset % ALIGNMENT == 0
        assert data[offset : offset + length] == bytes([number]) * length
    assert pickled[0] % ALIGNMENT == 0


def test_equal_values_have_equal_bytes():
    assert joined([numbers(20_000), 1]) == joined([numbers(20_000), 1])


@pytest.mark.parametrize("value", [lambda: 0, (n for n in ()), open], ids=["a", "b", "c"])
def test_what_can_not_be_pickled_raises_what_pickle_raises(value):
    if value is open:
        assert round_trip(value) is open
        return
    with pytest.raises((pickle.PicklingError, AttributeError, TypeError)):
        encode(value)


def test_a_cut_at_any_place_is_found_at_once():
    data = joined(np.ones(APART_FROM, dtype=np.uint8))
    view = memoryview(data)
    for size in [*range(200), *range(len(data) - 400, len(data))]:
        with pytest.raises(ValueError, match="it is cut short|its "):
            spans(view[:size])
    with pytest.raises(ValueError, match="its "):
        spans(memoryview(data + b"\0"))


@pytest.mark.parametrize("name", ARRAYS)
def test_by_protocol_four_nothing_is_kept_apart(name):
    array, _ = ARRAYS[name]
    encoded = encode(array, protocol=4)
    data = b"".join(encoded.parts)
    assert (encoded.codec, encoded.size, data[:2]) == (PICKLE, len(data), b"\x80\x04")
    assert data == pickle.dumps(array, 4)
    assert np.array_equal(decode_pickle(data), array)


@pytest.mark.parametrize("protocol", [4, 5])
def test_large_strings_of_bytes_are_not_copied(protocol):
    data = b"q" * (1 << 20)
    encoded = encode([1, data, {"again": data}], protocol)
    assert sum(part is data for part in encoded.parts) == 1
    assert decode_pickle(b"".join(encoded.parts)) == [1, data, {"again": data}]


def test_a_pickle_in_pieces_lies_beside_buffers_as_one():
    value = [numbers(20_000), b"w" * (1 << 20), "t" * (1 << 20)]
    encoded = encode(value)
    assert encoded.codec == BUFFERS
    assert len(encoded.pickled) > 1
    found = round_trip(value)
    assert np.array_equal(found[0], value[0])
    assert found[1:] == value[1:]


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=40), other=st.binary(max_size=40), place=st.integers(0, 39))
def test_buffers_are_compared_to_their_last_byte(data, other, place):
    assert same_bytes(data, bytearray(data))
    assert same_bytes(data, other) == (data == other)
    changed = bytearray(data)
    if place < len(data):
        changed[place] ^= 1
        assert not same_bytes(memoryview(data), changed)


def test_what_a_newer_python_has_moved_is_found_where_it_was():
    named = b"\x80\x04\x8c\x0epathlib._local\x8c\x09PosixPath\x8c\x01a\x85R."
    named = named.replace(b"PosixPath\x8c", b"PosixPath\x93\x8c")
    assert decode_pickle(named) == Path("a")
    with pytest.raises(ModuleNotFoundError, match=r"pathlib\._other"):
        decode_pickle(named.replace(b"_local", b"_other"))
