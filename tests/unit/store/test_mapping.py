"""Mapped artifacts: copy-on-write, never damaged without being told, cheap where only read."""

import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from falaj.errors import CorruptBlob, MissingBlob
from falaj.store import mapping
from falaj.store.blobs import BlobStore
from falaj.store.codec import APART_FROM, BUFFERS, encode
from falaj.store.mapping import MappedBlob
from falaj.store.verified import file_stamp, note_verified


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


def put(store: BlobStore, value: Any) -> str:
    encoded = encode(value)
    assert encoded.codec == BUFFERS
    return store.put_parts(encoded.parts)


def numbers(size: int = 20_000) -> Any:
    return np.arange(size, dtype=np.float64)


def is_unchanged(mapped: MappedBlob, value: Any) -> bool:
    return mapped.unchanged(encode(value))


def test_writing_to_a_loaded_array_changes_neither_the_file_nor_other_readers(store):
    digest = put(store, numbers())
    first, second = MappedBlob(store, digest), MappedBlob(store, digest)
    first.value[:] = -1
    assert (second.value == numbers()).all()
    second.verified()
    first.verified()
    store.read(digest)
    assert (MappedBlob(store, digest).value == numbers()).all()


def test_large_buffers_are_views_of_the_map(store):
    mapped = MappedBlob(store, put(store, [numbers(), "text"]))
    place = mapped.value[0].ctypes.data
    base = mapping._address(mapped.view)
    assert base is not None
    assert base <= place < base + len(mapped.view)
    assert place % 64 == base % 64


UNCHANGED = {
    "array": numbers(),
    "Fortran": np.asfortranarray(numbers(40_000).reshape(200, 200)),
    "several": [numbers(), {"a": numbers(9000)}, 3],
    "shared": (lambda array: [array, array])(numbers()),
    "frame": pd.DataFrame({"a": numbers(), "b": numbers() * 2, "s": ["x"] * 20_000}),
    "indexed": pd.DataFrame({"a": numbers()}, index=np.arange(20_000) * 3),
    "series": pd.Series(numbers(), name="s"),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_a_value_that_was_only_read_is_unchanged(store, name):
    mapped = MappedBlob(store, put(store, UNCHANGED[name]))
    value = mapped.value
    shown = [value[0]] if isinstance(value, list) else [value]
    assert all(np.asarray(one).sum is not None for one in shown)
    repr(value)
    assert is_unchanged(mapped, value)


def test_a_read_only_array_that_was_only_read_is_unchanged(store):
    array = numbers()
    array.setflags(write=False)
    mapped = MappedBlob(store, put(store, array))
    assert is_unchanged(mapped, mapped.value)


def test_telling_that_a_value_is_unchanged_reads_none_of_it(store):
    mapped = MappedBlob(store, put(store, np.ones(32 << 20, dtype=np.uint8)))
    mapped.verified()
    before = resident(mapped)
    assert is_unchanged(mapped, mapped.value)
    assert resident(mapped) <= before + 256


def resident(mapped: MappedBlob) -> int:
    """Return how many KB of the map this process has touched."""
    base = mapping._address(mapped.view)
    inside = False
    with open("/proc/self/smaps") as file:
        for line in file:
            if line.startswith(f"{base:x}-"):
                inside = True
            elif inside and line.startswith("Rss:"):
                return int(line.split()[1])
    raise AssertionError("not mapped")


def writes_one(value: Any) -> Any:
    value[12_345] += 1
    return value


def writes_the_same(value: Any) -> Any:
    value[0] = value[0] + 1
    value[0] = value[0] - 1
    return value


def reshapes(value: Any) -> Any:
    return value.reshape(200, 100)


def reshapes_in_place(value: Any) -> Any:
    value.resize((200, 100), refcheck=False)
    return value


CHANGES = {
    "a write": writes_one,
    "a reshape": reshapes,
    "a resize in place": reshapes_in_place,
    "another dtype on the same bytes": lambda value: value.view(np.int64),
    "a slice": lambda value: value[1:],
    "a slice at the end": lambda value: value[:-1],
    "a transposition": lambda value: value[::-1],
    "another container": lambda value: [value],
    "another value": lambda value: None,
    "read-only": lambda value: (value.setflags(write=False), value)[1],
}


def test_a_copy_with_the_same_bytes_is_unchanged_and_another_is_not(store):
    mapped = MappedBlob(store, put(store, numbers()))
    copied = mapped.value.copy()
    assert is_unchanged(mapped, copied)
    copied[-1] += 1
    assert not is_unchanged(mapped, copied)


@pytest.mark.parametrize("name", CHANGES)
def test_a_value_that_was_changed_is_never_unchanged(store, name):
    mapped = MappedBlob(store, put(store, numbers()))
    changed = CHANGES[name](mapped.value)
    assert not is_unchanged(mapped, changed)


def test_a_write_that_leaves_the_bytes_as_they_were_may_count_as_a_change(store):
    # Only the kernel's word is taken; that it copied a page is enough.
    mapped = MappedBlob(store, put(store, numbers()))
    assert not is_unchanged(mapped, writes_the_same(mapped.value))


def test_swapped_buffers_are_a_change(store):
    mapped = MappedBlob(store, put(store, [numbers(), numbers() + 1]))
    assert not is_unchanged(mapped, mapped.value[::-1])


def test_a_write_to_a_frame_is_a_change(store):
    mapped = MappedBlob(store, put(store, pd.DataFrame({"a": numbers()})))
    mapped.value.loc[7, "a"] = 99.0
    assert not is_unchanged(mapped, mapped.value)


def test_without_the_kernels_word_everything_counts_as_changed(store, monkeypatch):
    mapped = MappedBlob(store, put(store, numbers()))
    monkeypatch.setattr(mapping, "_untouched", lambda *_: False)
    assert not is_unchanged(mapped, mapped.value)


@pytest.mark.parametrize("size", [0, 1, 30, 100, APART_FROM, -1])
def test_a_blob_that_was_cut_is_refused_at_once(store, size):
    digest = put(store, np.ones(APART_FROM, dtype=np.uint8))
    with open(store.path(digest), "r+b") as file:
        file.truncate(size if size >= 0 else os.path.getsize(store.path(digest)) - 1)
    with pytest.raises(CorruptBlob, match="is damaged"):
        MappedBlob(store, digest)


def test_a_missing_blob_is_told_as_missing(store):
    digest = put(store, numbers())
    os.unlink(store.path(digest))
    with pytest.raises(MissingBlob):
        MappedBlob(store, digest)


class Kept:
    """What a pickle refers to by name."""

    def __init__(self, array: Any) -> None:
        self.array = array


def test_damage_to_any_byte_is_found_at_once_or_when_verified(store):
    digest = put(store, [np.ones(APART_FROM, dtype=np.uint8), {"k": (1, 2.5, "text")}])
    path = Path(store.path(digest))
    whole = path.read_bytes()
    # The buffer's bytes are all alike to the code: its borders and a sample stand for them.
    places = [*range(64), *range(64, APART_FROM - 64, 4099), *range(APART_FROM - 64, len(whole))]
    missed = []
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        path.write_bytes(damaged)
        try:
            MappedBlob(store, digest).verified()
        except CorruptBlob:
            continue
        except Exception as error:
            missed.append((place, repr(error)))
        else:
            missed.append((place, "taken for whole"))
    assert missed == []


SWEEP = """
import resource
import sys
import numpy as np
from falaj.errors import CorruptBlob
from falaj.store.blobs import BlobStore
from falaj.store.codec import APART_FROM, encode
from falaj.store.mapping import MappedBlob
resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
store = BlobStore(sys.argv[1])
digest = store.put_parts(encode(np.ones(APART_FROM, dtype=np.uint8)).parts)
path = store.path(digest)
with open(path, "rb") as file:
    whole = file.read()
for place in range(APART_FROM, len(whole)):
    for mask in (1, 3, 44):
        damaged = bytearray(whole)
        damaged[place] ^= mask
        with open(path, "wb") as file:
            file.write(damaged)
        try:
            MappedBlob(store, digest).verified()
        except CorruptBlob:
            continue
        sys.exit(f"byte {place} was not found")
"""


def test_damage_to_the_pickle_never_crashes_the_reader(store):
    # In a process of its own, since what is loaded from damaged bytes may do anything.
    environ = {**os.environ, "PYTHONPATH": str(Path(mapping.__file__).parents[2])}
    command = [sys.executable, "-W", "ignore", "-c", SWEEP, store.root]
    found = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-500:]


def test_what_can_not_be_loaded_here_is_not_called_damaged(store, monkeypatch):
    digest = put(store, Kept(numbers()))
    monkeypatch.delattr(f"{__name__}.Kept")
    with pytest.raises((AttributeError, ImportError)):
        MappedBlob(store, digest)


def test_a_verified_file_is_not_hashed_again_until_it_changes(store, monkeypatch):
    digest = put(store, numbers())
    MappedBlob(store, digest).verified()
    hashed = []
    whole = mapping.blob_hasher
    monkeypatch.setattr(mapping, "blob_hasher", lambda: (hashed.append(1), whole())[1])
    mapped = MappedBlob(store, digest)
    mapped.verified()
    assert hashed == []
    # Another file with the same bytes is another matter.
    path = store.path(digest)
    shutil.copyfile(path, path + ".copy")
    os.replace(path + ".copy", path)
    MappedBlob(store, digest).verified()
    assert hashed == [1]


def test_a_note_does_not_cover_a_file_that_was_damaged_after_it(store):
    digest = put(store, numbers())
    MappedBlob(store, digest).verified()
    with open(store.path(digest), "r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    with pytest.raises(CorruptBlob, match="do not match its name"):
        MappedBlob(store, digest).verified()


def test_a_write_by_the_step_is_not_taken_for_damage(store, monkeypatch):
    # The thread that verifies reads the file, whatever has happened to the map by then.
    digest = put(store, numbers())
    waiting = []
    whole = MappedBlob._verify
    monkeypatch.setattr(MappedBlob, "_verify", lambda self, store: waiting.append(self))
    mapped = MappedBlob(store, digest)
    mapped.value[:] = 0
    mapped.verified()
    whole(mapped, store)
    mapped.verified()
    assert waiting == [mapped]


def test_damage_is_told_each_time_it_is_asked_for(store):
    digest = put(store, numbers())
    with open(store.path(digest), "r+b") as file:
        file.write(b"damage")
    mapped = MappedBlob(store, digest)
    for _ in range(2):
        with pytest.raises(CorruptBlob):
            mapped.verified()


def test_healing_leaves_a_verified_file_in_place_and_replaces_a_damaged_one(store):
    parts = encode(np.zeros(5 << 20, dtype=np.uint8)).parts
    digest = store.put_parts(parts)
    MappedBlob(store, digest).verified()
    inode = os.stat(store.path(digest)).st_ino
    assert store.put_parts(parts) == digest
    assert os.stat(store.path(digest)).st_ino == inode
    with open(store.path(digest), "r+b") as file:
        file.write(b"damage")
    store.put_parts(parts)
    MappedBlob(store, digest).verified()
    file = store.open(digest)
    note_verified(store.root, digest, file_stamp(file))
    os.close(file)
    assert not os.listdir(os.path.join(store.root, "tmp"))


def test_a_mapped_file_with_a_name_that_is_not_utf8_is_in_nobodys_way(tmp_path, store):
    odd = os.path.join(os.fsencode(tmp_path), b"odd-\xff\xfe")
    with open(odd, "wb") as file:
        file.write(b"x" * 8192)
    mapped = MappedBlob(store, put(store, numbers()))
    with open(odd, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as other:
        assert other[0] == ord("x")
        assert is_unchanged(mapped, mapped.value)
