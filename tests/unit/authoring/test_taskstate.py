"""What a task leaves: what it only read stays as it was stored, by whatever process."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from falaj.authoring import taskstate
from falaj.authoring.taskstate import TaskState
from falaj.store.blobs import BlobStore
from falaj.store.codec import BUFFERS, PICKLE
from falaj.store.makers import Maker, read_maker
from falaj.store.manifests import Manifest, load_manifest


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


def state(store: BlobStore, inherited: "Manifest | None" = None, **more: Any) -> TaskState:
    return TaskState(store, inherited, (), frozenset(), **more)


def left(task: TaskState, **values: Any) -> Manifest:
    return load_manifest(task.store, task.commit(values))


@pytest.fixture
def stored_elsewhere(monkeypatch) -> None:
    """Let every value have been stored by another Python than this one."""
    monkeypatch.setattr(taskstate, "read_maker", lambda *_: Maker("start", "3.7.16", {}))


class Fickle:
    """A value whose pickle differs once it has been loaded, as another version's may."""

    def __init__(self, number: int) -> None:
        self.state = {"number": number, "form": "of its maker"}

    def __setstate__(self, state: Any) -> None:
        self.state = {"number": state["state"]["number"]}


def test_a_value_that_pickles_otherwise_here_is_unchanged_if_only_read(store, stored_elsewhere):
    first = left(state(store), a=Fickle(1), b=Fickle(2))
    task = state(store, first)
    a, b = task.load("a"), task.load("b")
    b.state["number"] = 3
    second = left(task, a=a, b=b)
    assert list(second.own) == ["b"]
    assert second.entry("a") == first.entry("a")
    assert state(store, second).load("b").state == {"number": 3}


def test_a_value_of_a_like_maker_whose_size_has_changed_is_not_loaded_again(store, monkeypatch):
    first = left(state(store), a=[1] * 1000)
    task = state(store, first)
    a = task.load("a")
    a.append(2)
    monkeypatch.setattr(taskstate, "load", None)
    assert list(left(task, a=a).own) == ["a"]


@pytest.mark.parametrize("count", [10, 20_000])
def test_a_set_that_was_only_read_is_unchanged_in_whatever_order(store, count):
    values = {str(number) for number in range(count)}
    first = left(state(store), names=values)
    task = state(store, first)
    names = task.load("names")
    assert list(left(task, names=names).own) == []
    names.symmetric_difference_update({"1", "new"})
    assert list(left(task, names=names).own) == ["names"]


@pytest.mark.parametrize("place", [0, 20_000, -1])
def test_an_array_that_was_changed_anywhere_is_stored(store, place):
    first = left(state(store), array=np.zeros(50_001))
    task = state(store, first)
    array = task.load("array")
    assert list(left(task, array=array).own) == []
    array[place] = 1
    second = left(task, array=array)
    assert list(second.own) == ["array"]
    assert state(store, second).load("array")[place] == 1


def test_a_runs_protocol_holds_for_all_that_a_task_stores(store):
    task = state(store, protocol=4, step="train")
    manifest = left(task, array=np.zeros(50_000), number=1)
    entry = manifest.entries["array"]
    assert entry.codec == PICKLE
    assert bytes(store.read(entry.digest))[:2] == b"\x80\x04"
    number = manifest.entries["number"]
    assert store.read_range(number.pack, number.offset, 2) == b"\x80\x04"
    task.foreach_values = ["a", "b"]
    saved = task.commit_values("xs")
    assert store.read_range(saved.digest, 0, 5) == pickle.dumps("a", 4)[:5]
    maker = read_maker(store, number.pack)
    assert maker is not None
    assert maker.step == "train"
    assert left(state(store, protocol=99), a=np.zeros(50_000)).entries["a"].codec == BUFFERS
