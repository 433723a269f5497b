"""Blobs: whole or absent whatever is killed, hashed right, healed, and refused in sentences."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falaj.errors import CorruptBlob, FalajException, MissingBlob, StoreUnavailable
from falaj.hashing import blob_digest, hex_of
from falaj.store import blobs
from falaj.store.blobs import BlobStore
from falaj.store.writing import CHUNK, PARALLEL_FROM

SRC = str(Path(blobs.__file__).parents[2])
ANY = [HealthCheck.function_scoped_fixture]


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


def files_in(store: BlobStore) -> "list[Path]":
    """Return every file below the store's folder."""
    return sorted(path for path in Path(store.root).rglob("*") if path.is_file())


def child(code: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a process that runs `code` with a store named `store` on the first argument."""
    head = (
        f"import os, sys; sys.path.insert(0, {SRC!r}); "
        "from falaj.store.blobs import BlobStore; store = BlobStore(sys.argv[1]); "
    )
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", head + code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


@settings(max_examples=60, deadline=None, suppress_health_check=ANY)
@given(parts=st.lists(st.binary(max_size=200), max_size=5))
def test_what_was_put_is_read_back_under_the_digest_of_its_bytes(store, parts):
    data = b"".join(parts)
    digest = store.put(data)
    assert digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert store.put_parts(parts) == digest
    with store.writer() as writer:
        for part in parts:
            writer.write(part)
        assert writer.size == len(data)
        assert writer.commit() == digest
    assert store.read(digest) == store.read_file(digest) == data
    assert store.read_range(digest, 1, 3) == data[1:4]
    assert store.exists(digest)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview], ids=lambda make: make.__name__)
def test_any_buffer_can_be_put(store, make):
    assert store.read(store.put(make(b"some bytes"))) == b"some bytes"


@pytest.mark.parametrize(
    "sizes",
    [
        [PARALLEL_FROM - 1],
        [PARALLEL_FROM],
        [CHUNK - 1],
        [CHUNK],
        [CHUNK + 1],
        [2 * CHUNK + 3],
        [10, CHUNK + 1, 10],
        [CHUNK // 8 - 1, CHUNK // 8, 1, PARALLEL_FROM, 7],
        [1000] * 5000,
    ],
    ids=str,
)
def test_large_blobs_are_hashed_right_across_chunks_and_threads(store, sizes):
    # Parts that differ, so that one taken twice or in another order shows.
    parts = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    expected = hashlib.sha256(b"".join(parts)).hexdigest()
    digest = store.put_parts([memoryview(part) for part in parts])
    assert hex_of(digest) == expected
    assert hashlib.sha256(Path(store.path(digest)).read_bytes()).hexdigest() == expected
    assert len(files_in(store)) == 1


def test_a_put_leaves_one_file_and_a_second_one_nothing_more(store):
    assert store.put(b"x") == store.put(b"x")
    assert [str(path) for path in files_in(store)] == [store.path(blob_digest(b"x"))]


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 5000], ids=["empty", "short", "other"])
def test_writing_again_heals_a_damaged_blob(store, damage):
    data = b"y" * 5000
    digest = store.put(data)
    Path(store.path(digest)).write_bytes(damage)
    with pytest.raises(CorruptBlob, match="is damaged"):
        store.read(digest)
    store.put(data)
    assert store.read(digest) == data


def test_writing_again_heals_a_damaged_large_blob(store):
    data = b"z" * PARALLEL_FROM
    digest = store.put_parts([data])
    Path(store.path(digest)).write_bytes(b"z")
    assert store.put_parts([data]) == digest
    assert store.read(digest) == data


@pytest.mark.parametrize("size", [10, PARALLEL_FROM])
def test_a_writer_that_is_not_committed_leaves_nothing(store, size):
    with pytest.raises(ZeroDivisionError), store.writer() as writer:
        writer.write(b"a" * size)
        raise ZeroDivisionError
    assert files_in(store) == []


@pytest.mark.parametrize("size", [10, 2 * PARALLEL_FROM])
def test_a_killed_writer_leaves_nothing_visible_and_sweep_removes_its_rest(store, size):
    code = (
        "writer = store.writer(); writer.write(b'k' * int(sys.argv[2])); "
        "writer._flush(); print('ready', flush=True); sys.stdin.read()"
    )
    process = child(code, store.root, str(size))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    with store.writer() as mine:
        mine.write(b"mine")
        store.sweep()
        assert len(files_in(store)) == 2, "both writers live"
        process.kill()
        process.communicate()
        assert not store.exists(blob_digest(b"k" * size))
        assert not os.path.exists(os.path.join(store.root, "blobs"))
        store.sweep()
        (left,) = files_in(store)
        assert left.name.startswith(f"{os.getpid()}-")
        digest = mine.commit()
    assert store.read(digest) == b"mine"


def test_sweep_leaves_alone_what_is_not_a_writers_and_needs_no_folder(store):
    store.sweep()
    foreign = Path(store.root, "tmp", "notes.txt")
    foreign.parent.mkdir(parents=True)
    foreign.write_text("kept")
    (foreign.parent / "999999999-1-0").write_text("left behind")
    store.sweep()
    assert files_in(store) == [foreign]


def test_many_processes_may_put_the_same_blobs_at_once(store):
    code = (
        "sys.stdin.read(1)\n"
        "for number in range(40):\n"
        "    small, large = b'%d' % number, b'%d' % (number % 3) * (3 << 20)\n"
        "    assert store.read(store.put(small)) == small\n"
        "    assert number % 10 or store.read(store.put_parts([large, large])) == large * 2\n"
        "print('good')"
    )
    processes = [child(code, store.root) for _ in range(6)]
    assert [finish(process) for process in processes] == ["good\n"] * 6
    assert all(blob_digest(path.read_bytes()) == store_name(path) for path in files_in(store))
    assert len(files_in(store)) == 43


def store_name(path: Path) -> str:
    return f"sha256:{path.parent.name}{path.name}"


SENTENCES = [
    (errno.ENOSPC, "no space left on the disk of .* Free some and resume the run"),
    (errno.EDQUOT, "no space left on the disk"),
    (errno.EACCES, "can't be written .* set FALAJ_HOME"),
    (errno.EROFS, "can't be written .* set FALAJ_HOME"),
    (errno.EIO, "Can't write to .*: "),
]


def failing(number: int):
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("size", [10, PARALLEL_FROM])
@pytest.mark.parametrize("call", ["open", "write", "rename"])
@pytest.mark.parametrize(("number", "sentence"), SENTENCES)
def test_a_disk_that_refuses_is_told_in_a_sentence(
    store, monkeypatch, number, sentence, call, size
):
    store.put(b"the folders exist")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises(StoreUnavailable, match=sentence) as told:
            store.put_parts([b"d" * size])
    assert store.root in str(told.value)
    assert isinstance(told.value, FalajException)
    assert len(files_in(store)) == 1, "no leftovers"


def test_a_write_that_takes_only_a_part_is_carried_on(store, monkeypatch):
    whole = os.write
    data = bytes(range(256)) * 40
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, view: whole(file, view[:100]))
        digest = store.put(data)
    assert store.read(digest) == data


def test_a_folder_that_can_not_be_made_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="Can't write to"):
        BlobStore(str(tmp_path / "file" / "store")).put(b"x")


def test_a_missing_blob_is_told_with_what_to_do(store):
    digest = blob_digest(b"never put")
    for read in (store.read, store.open, store.read_file):
        with pytest.raises(MissingBlob, match="is missing. Resume the run"):
            read(digest)
    assert not store.exists(digest)


def test_a_blob_that_can_not_be_read_is_told_in_a_sentence(store, monkeypatch):
    digest = store.put(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", failing(errno.EACCES))
        with pytest.raises(StoreUnavailable, match="Can't read"):
            store.open(digest)


@pytest.mark.parametrize(
    "digest",
    ["", "sha256:", "sha256:../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "a" * 64, "a" * 64],
)
def test_what_is_no_digest_never_becomes_a_path(store, digest):
    with pytest.raises(ValueError, match="not a digest"):
        store.path(digest)
