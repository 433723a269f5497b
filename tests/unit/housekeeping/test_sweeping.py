import json
import os
import threading
import time

import pytest

from falaj.errors import MissingBlob
from falaj.store.blobs import BlobStore
from falaj_control.housekeeping import sweeping
from falaj_control.housekeeping.marking import digests_in, mark
from falaj_control.housekeeping.sweeping import sweep

OLD = 1_000_000_000


@pytest.fixture
def store(tmp_path):
    return BlobStore(str(tmp_path / "store"))


def old(store, data):
    digest = store.put(data)
    os.utime(store.path(digest), (OLD, OLD))
    return digest


def raw(*digests):
    return {bytes.fromhex(digest.partition(":")[2]) for digest in digests}


def test_what_nothing_reaches_goes_and_what_is_young_or_reached_stays(store):
    gone, reached, young = old(store, b"gone"), old(store, b"reached"), store.put(b"young")
    before = time.time() - 60
    assert sweep(store, raw(reached), before, dry_run=True).blobs == 1
    assert store.read(gone) == b"gone"
    done = sweep(store, raw(reached), before, dry_run=False)
    assert (done.blobs, done.size > 0) == (1, True)
    assert (store.read(reached), store.read(young)) == (b"reached", b"young")
    with pytest.raises(MissingBlob):
        store.read(gone)
    assert os.listdir(os.path.join(store.root, "trash")) == []


def test_storing_the_same_bytes_again_keeps_them(store):
    small, large = old(store, b"small"), old(store, b"x" * (5 << 20))
    before = time.time() - 60
    assert store.put(b"small") == small
    assert store.put_parts([b"x" * (5 << 20)]) == large
    assert sweep(store, set(), before, dry_run=False).blobs == 0


def test_one_that_is_touched_while_it_is_moved_away_is_put_back(store, monkeypatch):
    digest = old(store, b"contended")
    rename = os.rename

    def late(source, target):
        # Somebody stores the same bytes just before the file is moved.
        if "trash" in str(target):
            assert store.put(b"contended") == digest
        rename(source, target)

    monkeypatch.setattr(sweeping.os, "rename", late)
    assert sweep(store, set(), time.time() - 60, dry_run=False).blobs == 0
    assert store.read(digest) == b"contended"


def test_one_that_belongs_to_another_user_stays(store, monkeypatch):
    theirs, mine = old(store, b"theirs"), old(store, b"mine")
    rename = os.rename

    def forbidden(source, target):
        if source == store.path(theirs):
            raise PermissionError(13, "Permission denied", source)
        rename(source, target)

    monkeypatch.setattr(sweeping.os, "rename", forbidden)
    assert sweep(store, set(), time.time() - 60, dry_run=False).blobs == 1
    assert (store.exists(theirs), store.exists(mine)) == (True, False)


def test_a_reader_finds_what_a_killed_collection_left_in_the_trash(store):
    digest = old(store, b"in use")
    os.makedirs(os.path.dirname(store.trash(digest)), exist_ok=True)
    os.rename(store.path(digest), store.trash(digest))
    assert store.exists(digest)
    assert store.read(digest) == b"in use"


def test_a_killed_collection_is_finished_by_the_next(store):
    wanted, unwanted = old(store, b"wanted"), old(store, b"unwanted")
    os.makedirs(os.path.dirname(store.trash(wanted)), exist_ok=True)
    for digest in (wanted, unwanted):
        os.rename(store.path(digest), store.trash(digest))
    sweep(store, raw(wanted), time.time() - 60, dry_run=False)
    assert os.listdir(os.path.dirname(store.trash(wanted))) == []
    assert os.path.exists(store.path(wanted))
    assert not os.path.exists(store.path(unwanted))


def test_nothing_that_is_stored_meanwhile_is_lost(store):
    def write(values):
        for value in values:
            digest = store.put(value)
            try:
                assert store.read(digest) == value
            except MissingBlob as error:
                faults.append(error)

    faults: list[MissingBlob] = []
    for turn in range(25):
        values = [b"value %d of %d" % (number, turn) for number in range(40)]
        digests = [old(store, value) for value in values]
        before = time.time() - 60
        threads = [threading.Thread(target=write, args=(values[::step],)) for step in (1, -1)]
        for thread in threads:
            thread.start()
        sweep(store, set(), before, dry_run=False)
        for thread in threads:
            thread.join()
        assert all(map(store.exists, digests))
    assert faults == []


def test_references_are_followed_through_json_alone(store):
    leaf = store.put(b"leaf")
    listing = store.put(json.dumps({"files": {"a": leaf}}).encode())
    manifest = store.put(json.dumps({"base": None, "x": [listing, "sha256:" + "0" * 64]}).encode())
    pickle_like = store.put(b"\x80\x05 " + leaf.encode())
    reached = mark(store, digests_in(f"{manifest} {manifest}".encode()))
    assert raw(manifest, listing, leaf) <= reached
    assert raw(leaf) & mark(store, raw(pickle_like)) == set()


def test_a_digest_across_two_pieces_is_seen(store):
    leaf = store.put(b"leaf")
    for shift in range(-75, 5, 8):
        text = b"[" + b" " * ((1 << 20) + shift) + leaf.encode() + b"]"
        assert raw(leaf) <= mark(store, raw(store.put(text))), shift
