"""Examining a home: its records, its store, and what killed processes have left in it."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator

from falaj.errors import CorruptBlob, MissingBlob
from falaj.hashing import BLOB_TAG, blob_hasher, finish
from falaj.home import TASK_VARIABLE, VARIABLE, Home, spin_home
from falaj.liveness import is_lost, process_started
from falaj.runtime.processes import marked_with
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest
from falaj_control.housekeeping.findings import Findings, fail, ok, warn
from falaj_control.housekeeping.sweeping import blob_files
from falaj_control.records.schema import VERSION

# So many of a kind are told one by one.
_SHOWN = 5
_AHEAD = 60.0
_CHUNK = 1 << 20


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
        connection = sqlite3.connect(f"file:{home.records}?mode=ro", uri=True, timeout=30)
        try:
            yield from _records(connection, deep)
            if not home.shares:
                # The next spin, or collection, takes note of one that was lost.
                yield from _runs(connection, home)
            yield from _references(connection, home, deep)
        finally:
            connection.close()
    except sqlite3.Error as error:
        yield fail(
            "records",
            f"{home.records} can't be read ({error})",
            "Restore it from a copy, or move it away to start with empty records; the artifacts "
            "beside it stay.",
        )


def _records(connection: sqlite3.Connection, deep: bool) -> Findings:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        text = f"the records were written by a newer Falaj (schema {version}, this knows {VERSION})"
        yield fail("records", text, "Type: pip install --upgrade falaj")
        return
    pragma = "integrity_check" if deep else "quick_check"
    damages = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}({_SHOWN})")]
    if damages != ["ok"]:
        mend = "Restore the file from a copy; artifacts and logs are not in it."
        yield from (fail("records", f"damaged: {one}", mend) for one in damages)
        return
    broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        text = f"{len(broken)} rows refer to others that are gone, in {broken[0][0]}"
        yield fail("records", text, "Restore the file from a copy.")
        return
    (runs,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    note = "" if version == VERSION else f", schema {version} (the next run brings it to {VERSION})"
    yield ok("records", f"{'1 run' if runs == 1 else f'{runs} runs'}{note}")


def _runs(connection: sqlite3.Connection, home: Home) -> Findings:
    now = time.time()
    rows = connection.execute(
        "SELECT id, flow, lease, heard_at, created_at FROM runs WHERE state = 'running'"
    ).fetchall()
    lost = [
        (run, flow) for run, flow, lease, heard, _ in rows if is_lost(json.loads(lease), heard, now)
    ]
    for run, flow in lost[:_SHOWN]:
        left = marked_with(f"{VARIABLE}={home.root}", f"{TASK_VARIABLE}={flow}/{run}/")
        also = f", and left processes behind ({', '.join(map(str, left))})" if left else ""
        mend = f"falaj runs says lost; go on with: resume --origin-run-id {run}"
        yield warn("runs", f"run {run} of {flow} ended without a word{also}", mend)
    (latest,) = connection.execute("SELECT max(heard_at) FROM runs").fetchone()
    if latest is not None and latest > now + _AHEAD:
        text = f"a run was heard of {latest - now:.0f} s ahead of this machine's clock"
        yield warn("clock", text, "Let the machines that share this home keep the same time.")
    if not lost:
        yield ok("runs", f"{len(rows)} under way" if rows else "none under way")


def _references(connection: sqlite3.Connection, home: Home, deep: bool) -> Findings:
    store = BlobStore(home.store)
    missing = [
        (what, digest)
        for what, digest in _named(connection)
        if not (_manifest_whole(store, digest) if deep and what[0] == "t" else store.exists(digest))
    ]
    mend = "Restore the store from a copy, or run again what is missing."
    for what, digest in missing[:_SHOWN]:
        yield fail("store", f"{what} refers to {digest[:19]}..., which is not there", mend)
    if len(missing) > _SHOWN:
        yield fail("store", f"{len(missing) - _SHOWN} more references lead nowhere", mend)


def _named(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    for query, what in (
        ("SELECT id, parameters FROM runs", "run {} (parameters)"),
        ("SELECT id, code FROM runs", "run {} (code)"),
        ("SELECT run || '/' || step || '/' || id, manifest FROM tasks", "task {}"),
    ):
        for key, digest in connection.execute(query):
            if digest is not None:
                yield what.format(key), digest


def _manifest_whole(store: BlobStore, digest: str) -> bool:
    try:
        manifest = load_manifest(store, digest)
    except (MissingBlob, CorruptBlob):
        return False
    entries = manifest.entries.values()
    return all(
        store.exists(entry.pack) and (entry.offset >= 0 or store.exists(entry.digest))
        for entry in entries
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
