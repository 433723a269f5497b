"""Examining a home: its records, its store, and what killed processes have left in it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Iterator
from typing import Any

from falaj.client.connection import read, schema_version
from falaj.errors import CorruptBlob, MissingBlob, StoreUnavailable
from falaj.hashing import BLOB_TAG, blob_hasher, finish
from falaj.home import TASK_VARIABLE, VARIABLE, Home, spin_home
from falaj.liveness import is_lost, process_started
from falaj.runtime.processes import marked_with
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest
from falaj_control.housekeeping.findings import Finding, Findings, fail, ok, warn
from falaj_control.housekeeping.sweeping import blob_files
from falaj_control.records.parts import PARTS, Part, parts_at
from falaj_control.records.schema import VERSION

# So many of a kind are told one by one.
_SHOWN = 5
_AHEAD = 60.0
_CHUNK = 1 << 20
# What names one blob: table, column, what a person knows the row by, and what it is then called.
_REFERENCES = (
    ("runs", "parameters", "id", "run {} (parameters)"),
    ("runs", "code", "id", "run {} (code)"),
    ("runs", "environment", "id", "run {} (environment)"),
    ("steps", "environment", "run || '/' || name", "step {} (environment)"),
    ("tasks", "manifest", "run || '/' || step || '/' || id", "task {}"),
    ("cards", "data", "type || ' of task ' || run || '/' || task", "card {} (data)"),
    ("cards", "html", "type || ' of task ' || run || '/' || task", "card {} (page)"),
)


def examine_home(home: Home, deep: bool) -> Findings:
    """Yield what is found in `home`; `deep` reads every blob and checks every reference."""
    if not os.path.exists(home.records):
        yield ok("records", "nothing has been run in this home yet")
        return
    yield from _database(home, deep)
    spins = spin_home(home)
    if os.path.exists(spins.records):
        for one in _database(spins, deep):
            yield one._replace(subject="spins")
    yield from _store(home, deep)


def _database(home: Home, deep: bool) -> Findings:
    try:
        version = schema_version(home.records)
        if version == 0:
            yield ok("records", "nothing has been recorded yet")
            return
        parts = parts_at(version)
        if not (yield from _is_whole(home.records, parts, deep)):
            return
        [(runs,)] = read(home.records, "SELECT count(*) FROM runs")
        later = f", schema {version} (the next run brings it to {VERSION})"
        text = "1 run" if runs == 1 else f"{runs} runs"
        yield ok("records", text + (later if version != VERSION else ""))
        if not home.shares:
            # The next spin, or collection, takes note of one that was lost.
            yield from _runs(home)
        yield from _references(home, parts, deep)
    except StoreUnavailable as error:
        yield fail("records", f"{home.records} can't be read", str(error))


def _is_whole(records: str, parts: frozenset[Part], deep: bool) -> Generator[Finding, None, bool]:
    pragma = "integrity_check" if deep else "quick_check"
    damages = [str(row[0]) for row in read(records, f"PRAGMA {pragma}({_SHOWN})")]
    if damages != ["ok"]:
        mend = "Restore the file from a copy; artifacts and logs are not in it."
        yield from (fail("records", f"damaged: {one}", mend) for one in damages)
        return False
    found = frozenset[Part](read(records, PARTS))
    names = frozenset(name for _, name, _ in found)
    lacking = sorted({_part_name(part, names) for part in parts - found})
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        text = f"{records} lacks {', '.join(lacking[:_SHOWN])}{more}"
        mend = "Restore it from a copy, or move it away to start with empty records."
        yield fail("records", text, mend)
        return False
    broken = read(records, "PRAGMA foreign_key_check")
    if broken:
        text = f"{len(broken)} rows refer to others that are gone, in {broken[0][0]}"
        yield fail("records", text, "Restore the file from a copy.")
    return not broken


def _part_name(part: Part, names: frozenset[str]) -> str:
    kind, name, column = part
    return f"the column {name}.{column}" if column and name in names else f"the {kind} {name}"


def _runs(home: Home) -> Findings:
    now = time.time()
    rows = read(home.records, "SELECT id, flow, lease, heard_at FROM runs WHERE state = 'running'")
    lost = [
        (run, flow) for run, flow, lease, heard in rows if is_lost(json.loads(lease), heard, now)
    ]
    for run, flow in lost[:_SHOWN]:
        left = marked_with(f"{VARIABLE}={home.root}", f"{TASK_VARIABLE}={flow}/{run}/")
        also = f", and left processes behind ({', '.join(map(str, left))})" if left else ""
        mend = f"falaj runs says lost; go on with: resume --origin-run-id {run}"
        yield warn("runs", f"run {run} of {flow} ended without a word{also}", mend)
    [(latest,)] = read(home.records, "SELECT max(heard_at) FROM runs")
    if latest is not None and latest > now + _AHEAD:
        text = f"a run was heard of {latest - now:.0f} s ahead of this machine's clock"
        yield warn("clock", text, "Let the machines that share this home keep the same time.")
    if not lost:
        yield ok("runs", f"{len(rows)} under way" if rows else "none under way")


def _references(home: Home, parts: frozenset[Part], deep: bool) -> Findings:
    store = BlobStore(home.store)
    missing = [one for one in _named(home.records, parts) if not _is_there(store, one, deep)]
    if missing:
        # A collection beside deletes runs first and then what they refer to.
        still = set(_named(home.records, parts))
        missing = [one for one in missing if one in still]
    mend = "Restore the store from a copy, or run again what is missing."
    for what, digest, _ in missing[:_SHOWN]:
        yield fail("store", f"{what} refers to {digest[:19]}..., which is not there", mend)
    if len(missing) > _SHOWN:
        yield fail("store", f"{len(missing) - _SHOWN} more references lead nowhere", mend)


def _named(records: str, parts: frozenset[Part]) -> Iterator[tuple[str, str, bool]]:
    """Yield who refers to a blob, the blob, and whether it is a manifest."""
    for table, column, key, what in _REFERENCES:
        # Records of an earlier version have not all of them.
        if ("table", table, column) in parts:
            query = f"SELECT {key}, {column} FROM {table} WHERE {column} NOT NULL"
            rows: list[tuple[Any, str]] = read(records, query)
            yield from ((what.format(row), digest, table == "tasks") for row, digest in rows)


def _is_there(store: BlobStore, named: tuple[str, str, bool], deep: bool) -> bool:
    _, digest, is_manifest = named
    return _manifest_whole(store, digest) if deep and is_manifest else store.exists(digest)


def _manifest_whole(store: BlobStore, digest: str) -> bool:
    try:
        manifest = load_manifest(store, digest)
    except (MissingBlob, CorruptBlob):
        return False
    values = (frame.values for frame in manifest.frames if frame.values)
    return all(map(store.exists, values)) and all(
        store.exists(entry.pack) and (entry.offset >= 0 or store.exists(entry.digest))
        for entry in manifest.entries.values()
    )


def _store(home: Home, deep: bool) -> Findings:
    store = BlobStore(home.store)
    count = size = 0
    damaged: list[str] = []
    for digest, path in blob_files(store):
        try:
            size += os.stat(path).st_size
        except OSError:
            continue
        count += 1
        if deep and _digest_of(path) not in (None, f"{BLOB_TAG}:{digest}"):
            damaged.append(path)
    for path in damaged[:_SHOWN]:
        mend = "Delete the file and run again what made it; storing it again also mends it."
        yield fail("store", f"{path} does not hold what its name says", mend)
    if len(damaged) > _SHOWN:
        yield fail("store", f"{len(damaged) - _SHOWN} more blobs are damaged", "As above.")
    left = _left_behind(store)
    if left:
        text = f"{left} unfinished files of processes that are gone"
        yield warn("store", text, "Type: falaj gc; the next run removes them too.")
    if not damaged:
        checked = ", each of them read" if deep else ""
        yield ok("store", f"{count} blobs, {size / 1e6:,.0f} MB{checked}")


def _digest_of(path: str) -> str | None:
    hasher = blob_hasher()
    try:
        with open(path, "rb") as file:
            while piece := file.read(_CHUNK):
                hasher.update(piece)
    except OSError:
        # Collected meanwhile.
        return None
    return finish(hasher)


def _left_behind(store: BlobStore) -> int:
    try:
        names = os.listdir(os.path.join(store.root, "tmp"))
    except OSError:
        return 0
    writers = (name.partition("-")[0] for name in names)
    return sum(one.isdigit() and process_started(int(one)) is None for one in writers)
