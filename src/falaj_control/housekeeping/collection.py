"""One collection of a home: runs that a policy lets go, old spins, then what nothing reaches."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Collection, Generator, Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from falaj.errors import FalajException
from falaj.home import Home, spin_home
from falaj.model import states
from falaj.store.blobs import BlobStore
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.lockfile import lock_path
from falaj_control.housekeeping.deleting import delete_runs, delete_stray_logs
from falaj_control.housekeeping.marking import mark, roots_in, roots_in_files
from falaj_control.housekeeping.policy import Choice, KnownRun, Policy, choose
from falaj_control.housekeeping.spins import delete_old_spins, old_spins
from falaj_control.housekeeping.sweeping import Swept, sweep
from falaj_control.housekeeping.travelled import sweep_travelled
from falaj_control.records.database import open_records, unavailable
from falaj_control.records.origins import declare_lost, lost_runs


class Collected(NamedTuple):
    """What a collection deleted, or would delete; `stays` tells why runs that match did not go.

    `spins` counts those that were too old to keep.
    """

    runs: tuple[KnownRun, ...]
    stays: dict[int, str]
    swept: Swept
    spins: int = 0


class GarbageCollector:
    """Collects one home's garbage, alone; a kill at any moment loses nothing that is in use."""

    def __init__(self, home: Home, cache: str, grace: float) -> None:
        """Collect in `home`; blobs touched within `grace` seconds stay whatever refers to them."""
        self._home = home
        self._folders = CacheFolders(cache)
        self._grace = grace

    def plan(self, policy: Policy, now: float) -> tuple[tuple[KnownRun, ...], dict[int, str]]:
        """Return the runs that would go, and why others that match would not."""
        with self._records() as connection:
            return self._choice(connection, policy, now)

    def collect(
        self,
        policy: Policy,
        now: float,
        dry_run: bool = False,
        among: Collection[int] | None = None,
    ) -> Collected:
        """Delete what may go; with `dry_run` only say what would.

        Where `among` is given, no other runs go than these, whatever has happened since they were
        looked up. Raises FalajException where another collection is at work.
        """
        with self._alone(), self._records() as connection, self._spins() as spins:
            # Also those whose last run goes now.
            locked = _lock_files(connection)
            if not dry_run:
                declare_lost(connection, now)
            runs, stays = self._choice(connection, policy, now)
            if among is not None:
                runs = tuple(run for run in runs if run.id in among)
            if not dry_run:
                # The latest first: one that was resumed can't go before what resumed it.
                latest_first = [run.id for run in reversed(runs)]
                gone = delete_runs(connection, self._home, latest_first)
                runs = tuple(run for run in runs if run.id in gone)
                delete_stray_logs(connection, self._home)
            old = self._old_spins(spins, now, dry_run)
            # Before the roots are read: what starts after this touches what it uses.
            before = self._untouched_since((connection, spins), now)
            store = BlobStore(self._home.store)
            roots = self._roots(connection, {run.id for run in runs} if dry_run else (), locked)
            more = () if spins is None else roots_in(spins, old if dry_run else ())
            reached = mark(store, chain(roots, more))
            if not dry_run:
                store.sweep()
            swept = sweep(store, reached, before, dry_run)
            freed = sweep_travelled(self._home, reached, before, dry_run)
            return Collected(runs, stays, swept._replace(size=swept.size + freed), len(old))

    def _old_spins(
        self, spins: sqlite3.Connection | None, now: float, dry_run: bool
    ) -> tuple[int, ...]:
        if spins is None:
            return ()
        if dry_run:
            return old_spins(spins, now)
        declare_lost(spins, now)
        return delete_old_spins(spins, spin_home(self._home), old_spins(spins, now))

    def _choice(
        self, connection: sqlite3.Connection, policy: Policy, now: float
    ) -> tuple[tuple[KnownRun, ...], dict[int, str]]:
        known = {run.id: run for run in _known_runs(connection, now)}
        choice: Choice = choose(list(known.values()), policy, now)
        return tuple(known[run] for run in choice.goes), dict(choice.stays)

    def _roots(
        self, connection: sqlite3.Connection, without: Collection[int], locked: list[str]
    ) -> Iterator[bytes]:
        yield from roots_in(connection, without)
        # They name snapshots of packages that come from folders and from git.
        yield from roots_in_files([*locked, *_files_in(self._folders.answers)])

    def _untouched_since(
        self, connections: Iterable[sqlite3.Connection | None], now: float
    ) -> float:
        # What a run has stored may be recorded only when its task ends.
        begun = [
            created_at
            for connection in connections
            if connection is not None
            for created_at in _running_since(connection, now)
        ]
        return min([now, *begun]) - self._grace

    def _records(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return _opened(self._home)

    def _spins(self) -> contextlib.AbstractContextManager[sqlite3.Connection | None]:
        home = spin_home(self._home)
        # Most homes have none, and looking for them makes none.
        return _opened(home) if os.path.exists(home.records) else contextlib.nullcontext()

    @contextlib.contextmanager
    def _alone(self) -> Generator[None]:
        try:
            os.makedirs(self._home.root, exist_ok=True)
            file = open(os.path.join(self._home.root, "gc.lock"), "w")
        except OSError as error:
            raise unavailable(self._home, error) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FalajException(
                    f"Another collection is at work in {self._home.root}. Wait until it is done."
                ) from None
            yield


@contextlib.contextmanager
def _opened(home: Home) -> Generator[sqlite3.Connection]:
    connection = open_records(home)
    try:
        yield connection
    except sqlite3.Error as error:
        raise unavailable(home, error) from error
    finally:
        connection.close()


def _known_runs(connection: sqlite3.Connection, now: float) -> Iterator[KnownRun]:
    lost = lost_runs(connection, now)
    tags: dict[int, set[str]] = {}
    for run, tag in connection.execute("SELECT run, tag FROM run_tags WHERE NOT system"):
        tags.setdefault(run, set()).add(tag)
    rows = connection.execute(
        "SELECT id, flow, state, finished_at, origin FROM runs ORDER BY id"
    ).fetchall()
    for run, flow, state, ended_at, origin in rows:
        if run in lost:
            state, ended_at = states.LOST, lost[run]
        yield KnownRun(run, flow, state, ended_at, frozenset(tags.get(run, ())), origin)


def _running_since(connection: sqlite3.Connection, now: float) -> list[float]:
    """Return when the runs were made that are under way."""
    lost = lost_runs(connection, now)
    rows = connection.execute("SELECT id, created_at FROM runs WHERE state = 'running'").fetchall()
    return [created_at for run, created_at in rows if run not in lost]


def _lock_files(connection: sqlite3.Connection) -> list[str]:
    scripts = connection.execute("SELECT DISTINCT script FROM runs").fetchall()
    return [lock_path(script) for (script,) in scripts]


def _files_in(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in os.listdir(folder)]
    except OSError:
        return []
