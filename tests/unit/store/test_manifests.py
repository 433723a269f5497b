"""Manifests: inheritance through any number of tasks, removal, order, and bounded size."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falaj.errors import CorruptBlob, MissingBlob
from falaj.hashing import blob_digest
from falaj.model.orders import Frame
from falaj.store.artifacts import load_artifact, save
from falaj.store.blobs import BlobStore
from falaj.store.manifests import (
    COPY_UP_TO,
    MAX_DEPTH,
    Entry,
    Manifest,
    load_manifest,
    save_manifest,
)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


def entry(value: object) -> Entry:
    return Entry(blob_digest(repr(value).encode()), "pickle", 5, "int", "sha256:p", 0, 5, 2)


def step(
    store: BlobStore,
    inherited: "Manifest | None",
    assigned: "dict[str, Entry]",
    dropped: "tuple[str, ...]" = (),
) -> Manifest:
    """Return the manifest of a task, made the way a task's commit makes it."""
    kept = dict(inherited.entries) if inherited is not None else {}
    for name in (*dropped, *assigned):
        kept.pop(name, None)
    return load_manifest(store, save_manifest(store, inherited, kept, assigned, ()))


def test_names_are_inherited_through_thirty_tasks(store):
    names = {f"name{number:03}": entry(number) for number in range(200)}
    manifest = step(store, None, names)
    expected = dict(names)
    for generation in range(30):
        changed = {f"name{generation:03}": entry(("changed", generation))}
        dropped = f"name{100 + generation:03}"
        manifest = step(store, manifest, changed, (dropped,))
        del expected[dropped]
        expected.pop(f"name{generation:03}")
        expected.update(changed)
        assert manifest.depth <= MAX_DEPTH
        assert list(manifest.own) == list(changed)
    assert manifest.entries == expected
    assert manifest.names() == list(expected)
    assert manifest.entry("name130") is not None
    assert manifest.entry("name129") is None


def test_a_task_that_changes_nothing_writes_little_however_much_it_inherits(store):
    manifest = step(store, None, {f"n{number}": entry(number) for number in range(1000)})
    sizes = []
    for _ in range(30):
        manifest = step(store, manifest, {})
        sizes.append(os.path.getsize(store.path(manifest.digest)))
        assert len(manifest.entries) == 1000
    # Once in a while the entries are written out again, so that no chain grows long.
    assert sum(size > 1000 for size in sizes) <= 30 // MAX_DEPTH
    assert min(sizes) < 300


@pytest.mark.parametrize("count", [1, COPY_UP_TO, COPY_UP_TO + 1])
def test_few_entries_are_copied_and_many_are_referred_to(store, count):
    first = step(store, None, {f"n{number}": entry(number) for number in range(count)})
    second = step(store, first, {"own": entry("own")})
    assert (second.depth == 1) == (count > COPY_UP_TO)
    os.unlink(store.path(first.digest))
    if count > COPY_UP_TO:
        with pytest.raises(MissingBlob):
            load_manifest(store, second.digest)
    else:
        assert len(load_manifest(store, second.digest).entries) == count + 1


@pytest.mark.parametrize("count", [3, 100])
def test_a_name_that_is_assigned_again_moves_to_the_end(store, count):
    names = [f"n{number}" for number in range(count)]
    first = step(store, None, {name: entry(name) for name in names})
    second = step(store, first, {"n1": entry("other")})
    assert second.names() == ["n0", *names[2:], "n1"]
    assert second.entry("n1") == entry("other")


@pytest.mark.parametrize("count", [3, 100])
def test_a_name_can_be_removed_and_assigned_again_later(store, count):
    first = step(store, None, {f"n{number}": entry(number) for number in range(count)})
    second = step(store, first, {}, ("n0",))
    assert second.entry("n0") is None
    third = step(store, second, {"n0": entry("again")})
    assert third.entry("n0") == entry("again")
    assert third.names()[-1] == "n0"


ANY = [HealthCheck.function_scoped_fixture]
NAMES = st.integers(0, 90).map(lambda number: f"n{number}")


@settings(max_examples=60, deadline=None, suppress_health_check=ANY)
@given(
    tasks=st.lists(
        st.tuples(st.dictionaries(NAMES, st.integers(0, 9), max_size=5), st.sets(NAMES)),
        max_size=15,
    )
)
def test_a_chain_of_tasks_gives_what_a_dictionary_would(store, tasks):
    expected = {f"n{number}": entry(number) for number in range(80)}
    manifest = step(store, None, expected)
    for values, dropped in tasks:
        assigned = {name: entry(value) for name, value in values.items()}
        manifest = step(store, manifest, assigned, tuple(dropped))
        for name in (*dropped, *assigned):
            expected.pop(name, None)
        expected.update(assigned)
        assert list(manifest.entries.items()) == list(expected.items())


def test_a_kept_entry_that_differs_from_the_inherited_one_is_written(store):
    # As merge_artifacts leaves it: not assigned by this task, not inherited from this parent.
    first = step(store, None, {f"n{number}": entry(number) for number in range(100)})
    kept = {**first.entries, "merged": entry("m"), "n5": entry("other branch")}
    second = load_manifest(store, save_manifest(store, first, kept, {}, ()))
    assert second.entries == kept
    assert list(second.own) == []


def test_frames_come_back(store):
    frames = (Frame("start", "xs", 2, 5, blob_digest(b"v")), Frame("b", "ys", 0, 1, "w"))
    assert load_manifest(store, save_manifest(store, None, {}, {}, frames)).frames == frames


def test_previews_of_inherited_values_are_found_in_the_pack_of_who_assigned_them(store):
    def unchanged(*_):
        return None

    values = {"number": 41, "text": "words", "large": "x" * 50_000}
    first = step(store, None, save(store, values, unchanged, ValueError))
    more = {f"n{number}": number for number in range(100)}
    second = step(store, first, save(store, more, unchanged, ValueError))
    third = step(store, second, {})
    assert third.depth > 0
    for name in (*values, "n77"):
        origin = first if name in values else second
        found = third.preview(name)
        assert found is not None
        assert found == origin.preview(name)
    assert third.preview("absent") is None
    assert third.entry("large").offset < 0
    assert load_artifact(store, third.entry("number"), "number") == 41


def test_a_damaged_manifest_is_refused(store):
    manifest = step(store, None, {"a": entry(1)})
    path = Path(store.path(manifest.digest))
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"b"'))
    with pytest.raises(CorruptBlob):
        load_manifest(store, manifest.digest)
