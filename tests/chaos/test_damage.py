"""Damaged results and records: a sentence that names the file, never a wrong value."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.flows import one_step
from support.runs import Place, failed_with, no_traceback_of_ours

from falaj.client.access import Access
from falaj.errors import CorruptBlob, MissingBlob, StoreUnavailable
from falaj.hashing import blob_digest
from falaj.store.manifests import load_manifest

pytest.importorskip("numpy")

FLOW = """
import json, os, numpy
from falaj import FlowSpec, current, step

class Damage(FlowSpec):
    @step
    def start(self):
        self.small = [1, 2, 3]
        self.text = "t" * 40000
        self.array = numpy.arange(400_000, dtype="float64")
        self.values = ["a" * 50, "b" * 50, "c" * 50]
        self.next(self.body, foreach="values")

    @step
    def body(self):
        self.kept = self.input
        self.mine = numpy.full(300_000, float(self.index))
        if os.environ.get("CHAOS_FAIL") == "body":
            raise ValueError("not yet")
        use = os.environ.get("CHAOS_USE")
        if use:
            value = getattr(self, use)
            self.used = value.sum() if use == "array" else len(value)
        self.next(self.join)

    @step
    def join(self, inputs):
        if os.environ.get("CHAOS_FAIL") == "join":
            raise ValueError("not yet")
        self.sums = [float(one.mine.sum()) for one in inputs]
        self.kept = [one.kept for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Damage()
"""


def flip(position: float) -> Callable[[Path], None]:
    """Return damage that changes one bit at a fraction of the file."""

    def damage(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[min(int(len(data) * position), len(data) - 1)] ^= 0x40
        path.write_bytes(data)

    return damage


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flipped first": flip(0.0),
    "flipped middle": flip(0.5),
    "flipped last": flip(1.0),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3]),
    "emptied": lambda path: path.write_bytes(b""),
    "gone": os.unlink,
}


def unfinished(make_place, at: str = "body") -> Place:
    """Return a place whose run has a good start and failed at a step."""
    place = make_place(FLOW)
    assert place.run("run", CHAOS_FAIL=at).status == 1
    return place


def blob_of(place: Place, what: str, step: str = "start") -> Path:
    """Return the file behind a part of a step's result."""
    record = place.access.reader.tasks(1, step)[0]
    if what == "manifest":
        return place.blob(record.manifest)
    entries = load_manifest(place.access.store, record.manifest).entries
    if what == "pack":
        return place.blob(entries["small"].pack)
    if what == "foreach":
        with place.database() as database:
            import json

            row = database.execute("SELECT transition FROM tasks WHERE step = 'start'").fetchone()
        return place.blob(json.loads(row[0])[3])
    return place.blob(entries[what].digest)


def damage_value(place: Place, what: str, damage: str) -> Path:
    """Damage the file behind a part of the start step's result where it is read; return it."""
    blob = blob_of(place, what)
    if what != "pack" or damage in ("emptied", "gone"):
        DAMAGES[damage](blob)
        return blob
    # A pack also holds previews, which no step reads: aim at the value itself.
    record = place.access.reader.tasks(1, "start")[0]
    entry = load_manifest(place.access.store, record.manifest).entries["small"]
    data = bytearray(blob.read_bytes())
    if damage == "cut short":
        del data[entry.offset + 1 :]
    else:
        where = {"flipped first": 0, "flipped middle": entry.size // 2}.get(damage, entry.size - 1)
        data[entry.offset + where] ^= 0x40
    blob.write_bytes(data)
    return blob


USES = {"manifest": None, "pack": "small", "text": "text", "array": "array", "foreach": None}


@pytest.mark.parametrize("damage", list(DAMAGES))
@pytest.mark.parametrize("what", list(USES))
def test_a_step_that_reads_damage(what: str, damage: str, make_place) -> None:
    place = unfinished(make_place)
    blob = damage_value(place, what, damage)
    done = place.run("resume", "--max-workers", "1", CHAOS_USE=USES[what])
    failed_with(done, str(blob), "missing" if damage == "gone" else "damaged")
    assert "Traceback" not in done.said
    assert place.last_run().state == "failed"
    # What the sentence advises.
    blob.unlink(missing_ok=True)
    again = place.run("resume", "start", "--origin-run-id", "1", CHAOS_USE=USES[what])
    assert again.status == 0, again.said
    assert place.last_run().state == "succeeded"
    assert place.damaged_blobs() == []


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_a_join_that_reads_damage(damage: str, make_place) -> None:
    place = unfinished(make_place, "join")
    blob = blob_of(place, "mine", "body")
    DAMAGES[damage](blob)
    done = place.run("resume")
    failed_with(done, str(blob), "missing" if damage == "gone" else "damaged")
    assert place.last_run().state == "failed"


def test_damage_is_named_before_the_error_that_follows_from_it(make_place) -> None:
    source = FLOW.replace(
        "self.used = value.sum()",
        "assert (value == numpy.arange(400_000)).all(); self.used = value.sum()",
    )
    place = make_place(source)
    assert place.run("run", CHAOS_FAIL="body").status == 1
    blob = blob_of(place, "array")
    flip(0.5)(blob)
    done = place.run("resume", CHAOS_USE="array")
    failed_with(done, str(blob), "damaged")


@pytest.mark.parametrize("what", ["manifest", "pack", "text", "array"])
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_the_client_names_the_damage(what: str, damage: str, make_place) -> None:
    place = unfinished(make_place)
    blob = damage_value(place, what, damage)
    access = Access(str(place.home))
    name = USES[what] or "small"
    with pytest.raises((CorruptBlob, MissingBlob)) as raised:
        read(access, name)
    assert str(blob) in str(raised.value)


def read(access: Access, name: str) -> object:
    """Read an artifact of the start step as the client does."""
    manifest = access.manifest(access.reader.tasks(1, "start")[0].manifest)
    assert manifest is not None
    return access.load(manifest.entries[name], name, access.reader.run(1), "Damage/1/start/1")


def test_every_bit_of_a_foreach_index_is_guarded(make_place) -> None:
    from falaj.store.blobs import BlobStore
    from falaj.store.values import load_value

    place = unfinished(make_place)
    blob = blob_of(place, "foreach")
    whole = blob.read_bytes()
    store, digest = BlobStore(str(place.home / "store")), blob_digest(whole)
    for position in range(len(whole)):
        for bit in (0x01, 0x80):
            data = bytearray(whole)
            data[position] ^= bit
            blob.write_bytes(data)
            for index, wanted in enumerate(("a" * 50, "b" * 50, "c" * 50)):
                try:
                    assert load_value(store, digest, index) == wanted
                except CorruptBlob:
                    pass


def test_every_byte_of_a_mapped_array_is_guarded(make_place) -> None:
    place = unfinished(make_place)
    blob = blob_of(place, "array")
    whole = blob.read_bytes()
    access = Access(str(place.home))
    for position in [0, 1000, *range(len(whole) - 400, len(whole), 3)]:
        data = bytearray(whole)
        data[position] ^= 0x11
        blob.write_bytes(data)
        try:
            read(access, "array")
        except CorruptBlob:
            continue
        except Exception as error:
            raise AssertionError(f"byte {position} gives {error!r}") from error
        raise AssertionError(f"byte {position} goes unnoticed")


# The records.

GARBAGE = {
    "garbage": lambda data: os.urandom(len(data)),
    "text": lambda data: b"this is no database\n" * 500,
    "cut to a third": lambda data: data[: len(data) // 3],
    "cut to most": lambda data: data[: len(data) * 9 // 10],
    "garbage inside": lambda data: data[:8192] + os.urandom(len(data) - 12288) + data[-4096:],
    "garbage late": lambda data: data[: len(data) // 2] + os.urandom(len(data) // 2),
}


@pytest.mark.parametrize("garbage", list(GARBAGE))
def test_damaged_records_are_a_sentence(garbage: str, make_place) -> None:
    place = make_place(one_step("pass"))
    assert place.run("run").status == 0
    records = place.home / "records.db"
    assert not (place.home / "records.db-wal").exists()
    records.write_bytes(GARBAGE[garbage](records.read_bytes()))
    for done in (place.run("run"), place.run("resume"), place.tool("runs")):
        failed_with(done, str(records), "damaged")
        assert "Traceback" not in done.said
    refused, found = "", []
    try:
        found = place.access.reader.runs()
    except StoreUnavailable as error:
        refused = str(error)
    # Damage that a query does not touch does not hinder it.
    untouched = garbage.startswith("garbage ") and found and found[-1].state == "succeeded"
    assert "damaged" in refused or untouched
    # What the sentence advises: the artifacts stay, records start afresh.
    records.unlink()
    assert place.run("run").status == 0


@pytest.mark.parametrize("data", [b"", b"\0" * 4096], ids=["empty", "zeroes"])
def test_records_that_were_never_written(data: bytes, make_place) -> None:
    place = make_place(one_step("pass"))
    place.home.mkdir()
    (place.home / "records.db").write_bytes(data)
    done = place.run("run")
    no_traceback_of_ours(done.said)
    if data:
        failed_with(done, "damaged")
    else:
        assert done.status == 0, done.said


def test_a_torn_write_ahead_log_loses_no_more_than_its_end(make_place) -> None:
    place = make_place(
        one_step(
            "if not os.path.exists('go'):\n    os.kill(int(os.popen("
            "'pgrep -P %d -f falaj_control.process' % os.getppid()).read().split()[0]), 9)\n"
            "    time.sleep(9)"
        )
    )
    place.run("run")
    place.no_process_left()
    log = place.home / "records.db-wal"
    assert log.exists()
    log.write_bytes(log.read_bytes()[:-700])
    (place.folder / "go").write_text("1")
    done = place.run("resume")
    no_traceback_of_ours(done.said)
    assert done.status == 0, done.said


def test_records_of_a_newer_release(make_place) -> None:
    place = make_place(one_step("pass"))
    assert place.run("run").status == 0
    with place.database() as database:
        database.execute("PRAGMA user_version = 99")
    for done in (place.run("run"), place.run("resume"), place.tool("runs")):
        failed_with(done, "newer Falaj", "99", "Upgrade")
    with pytest.raises(StoreUnavailable, match="newer Falaj"):
        place.access.reader.runs()
