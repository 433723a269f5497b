"""Who stored a value: found in its pack, told where the value can't be loaded."""

import collections
import datetime
import decimal
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falaj.errors import ArtifactNotLoadable
from falaj.store.artifacts import load, save
from falaj.store.blobs import BlobStore
from falaj.store.makers import Maker, is_alike, maker_record, modules_in, read_maker, this_maker
from falaj.store.manifests import Entry
from falaj.store.values import load_value, save_values

PYTHON = "{}.{}.{}".format(*sys.version_info)


class Refuses:
    """A value that its own class can't load."""

    def __setstate__(self, _state: Any) -> None:
        raise RuntimeError("made by an older version")

    def __getstate__(self) -> Any:
        return {"frame": pd.DataFrame([1.5])}


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


def keep(store: BlobStore, step: str = "start", **values: Any) -> "dict[str, Entry]":
    return save(store, values, lambda *_: None, lambda *_: AssertionError(), step=step)


VALUES = {
    "plain": ([1, "numpy", b"\x8c\x06pandas\x94", {"k": None}], set()),
    "text that looks like a module": ({"numpy": "numpy.random", "a": ["numpy", "x"]}, set()),
    "array": (np.arange(3), {"numpy"}),
    "frame in a dict": ([{"f": pd.DataFrame([1.5])}], {"pandas", "numpy"}),
    "class": (collections.OrderedDict, {"collections"}),
    "two of one module": ([datetime.date.min, datetime.time.min], {"datetime"}),
    "same name as its module": ([decimal.Decimal(1), datetime.datetime.min], None),
}


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("name", VALUES)
def test_a_pickle_tells_which_modules_it_needs(name, protocol):
    value, wanted = VALUES[name]
    found = modules_in([pickle.dumps(value, protocol)]) - {"builtins"}
    assert found == ({"decimal", "datetime"} if wanted is None else wanted)


@given(parts=st.lists(st.binary(max_size=200)))
def test_any_bytes_can_be_searched(parts):
    assert isinstance(modules_in(parts), set)


def test_every_artifact_of_a_task_has_its_maker(store):
    entries = keep(store, small=1, array=np.arange(3), large=pd.DataFrame(np.ones(20_000)))
    versions = {"numpy": np.__version__, "pandas": pd.__version__}
    for entry in entries.values():
        assert read_maker(store, entry.pack) == Maker("start", PYTHON, versions)


def test_modules_behind_large_bytes_are_found(store):
    entry = keep(store, values=[bytes(3_000_000), np.arange(3)])["values"]
    maker = read_maker(store, entry.pack)
    assert maker is not None
    assert list(maker.packages) == ["numpy"]


def test_equal_tasks_share_a_pack_and_steps_do_not(store):
    packs = [keep(store, step, n=1)["n"].pack for step in ("a", "a", "b")]
    assert packs[0] == packs[1] != packs[2]


def test_a_pack_without_a_maker_says_nothing(store):
    for data in (b"", b"\x80\x04N.", b'{"repr":"1"}' * 3, maker_record(Maker("s", "3", {}))[1:]):
        assert read_maker(store, store.put(data)) is None
    assert read_maker(store, "sha256:" + "0" * 64) is None


def test_a_damaged_record_is_as_good_as_none(store):
    whole = b"pickles" + maker_record(Maker("start", "3.7.16", {"pandas": "0.24.2"}))
    digest = store.put(whole)
    path = Path(store.path(digest))
    for place in range(len(whole)):
        for mask in (0x01, 0x80, 0xFF):
            damaged = bytearray(whole)
            damaged[place] ^= mask
            path.write_bytes(damaged)
            found = read_maker(store, digest)
            assert found is None or isinstance(found, Maker)
        path.write_bytes(whole[:place])
        assert read_maker(store, digest) is None


def test_makers_are_alike_where_python_and_packages_are():
    ours = this_maker("start", ["numpy", "pandas", "nothing_there"])
    assert is_alike(ours)
    assert is_alike(ours._replace(step="other"))
    assert not is_alike(ours._replace(python="3.7.16"))
    assert not is_alike(ours._replace(packages={**ours.packages, "numpy": "1.21.6"}))


@pytest.mark.parametrize("step", ["start", ""])
def test_what_can_not_be_loaded_tells_both_sides(store, step):
    entry = keep(store, step, thing=Refuses())["thing"]
    with pytest.raises(ArtifactNotLoadable) as raised:
        load(store, entry, "thing")
    text = str(raised.value)
    side = f"Python {PYTHON} with numpy {np.__version__}, pandas {pd.__version__}"
    who = "by step start" if step else "with the run's parameters"
    assert "The artifact thing (" in text
    assert "Refuses) can't be loaded here: RuntimeError: made by an older version. " in text
    assert f"It was stored {who} on {side}; this is {side}. Give both sides" in text


def test_what_an_earlier_release_stored_tells_this_side(store):
    data = pickle.dumps(Refuses(), 4)
    entry = keep(store, thing=None)["thing"]
    entry = entry._replace(pack=store.put(data), offset=0, size=len(data), digest=store.put(data))
    with pytest.raises(ArtifactNotLoadable, match=rf"version\. This is Python {PYTHON} with numpy"):
        load(store, entry, "thing")


@pytest.mark.parametrize("apart", [False, True])
def test_a_pickle_of_a_later_protocol_says_what_to_do(store, apart):
    data = b"\x80\x63N."
    entry = keep(store, thing=None)["thing"]._replace(
        pack=store.put(data), offset=-1 if apart else 0, size=len(data), digest=store.put(data)
    )
    with pytest.raises(ArtifactNotLoadable, match=r"protocol: 99\..* or run the flow again"):
        load(store, entry, "thing")


def test_running_out_of_memory_is_no_matter_of_packages(store, monkeypatch):
    def fail(_self: Any, _state: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(Refuses, "__setstate__", fail)
    entry = keep(store, thing=Refuses())["thing"]
    with pytest.raises(MemoryError):
        load(store, entry, "thing")


def test_the_values_of_a_foreach_have_their_maker(store):
    values = [1, Refuses(), "text"]
    saved = save_values(store, values, lambda *_: AssertionError(), step="start")
    assert [load_value(store, saved.digest, index) for index in (0, 2)] == [1, "text"]
    with pytest.raises(ArtifactNotLoadable) as raised:
        load_value(store, saved.digest, 1, "xs")
    text = str(raised.value)
    assert "The foreach value xs[1] can't be loaded here: RuntimeError" in text
    assert f"stored by step start on Python {PYTHON} with numpy" in text
