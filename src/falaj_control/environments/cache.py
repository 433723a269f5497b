"""The environments of this machine: built once, whole or absent, never removed while in use."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from falaj_control.environments import marker
from falaj_control.environments.filelocks import FileLock
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.marker import (
    all_damages,
    described_if_whole,
    python_of,
    read_marker,
    write_marker,
)
from falaj_control.environments.storage import disk_failure, remove_tree
from falaj_control.environments.values import (
    Environment,
    EnvironmentFailed,
    FoundInterpreter,
    Lock,
    digest_of,
)
from falaj_control.environments.work import Work

_KEY = re.compile("[0-9a-f]{20}")
_POLL_SECONDS = 0.05
_SILENT_SECONDS = 1.0
# Between building it and sharing it somebody else may remove it.
_TRIES = 3

# Installs into the folder `prefix` and returns the description; tools get the open lock file.
Make = Callable[[str, int], Mapping[str, Any]]


def environment_key(lock: Lock, python: FoundInterpreter | None) -> str:
    """Return the name of what `lock` comes to with the interpreter `python`, 20 hex digits.

    There is no interpreter where the lock itself holds Python (conda).
    """
    base = None if python is None else [python.path, python.version, python.stamp]
    return digest_of([marker.FORMAT, lock.digest, lock.platform, base])[:20]


class HeldEnvironment:
    """An environment that stays as it is until it is released, also by leaving a `with`."""

    def __init__(self, environment: Environment, lock: FileLock) -> None:
        """Hold `environment` by a lock that is shared."""
        self.environment = environment
        self._lock = lock

    def release(self) -> None:
        """Let go of it; again does nothing."""
        self._lock.release()

    def bequeath(self) -> None:
        """Have it held by the program that this process becomes (exec), until that ends."""
        os.set_inheritable(self._lock.file, True)

    def __enter__(self) -> HeldEnvironment:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class KeptEnvironment(NamedTuple):
    """What is known of a folder of the cache; one that is not finished describes nothing."""

    key: str
    prefix: str
    description: Mapping[str, Any]
    used_at: float
    in_use: bool
    is_finished: bool


class EnvironmentCache:
    """The folder of environments; any number of processes may use it at once."""

    def __init__(self, folders: CacheFolders) -> None:
        """Keep environments in `folders`, which are made when one is built."""
        self.folders = folders
        self._root = folders.environments

    def prefix(self, key: str) -> str:
        """Return the folder of an environment, whether it exists or not."""
        return os.path.join(self._root, key)

    def hold(self, key: str) -> HeldEnvironment | None:
        """Return an environment that is here and whole, kept from being removed; else None."""
        if not os.path.exists(os.path.join(self.prefix(key), marker.NAME)):
            return None
        lock = self._lock(key)
        held: HeldEnvironment | None = None
        try:
            held = self._held(key, lock) if lock.share() else None
        except OSError as error:
            raise disk_failure(error, self._root) from error
        finally:
            if held is None:
                lock.release()
        return held

    def build(self, key: str, make: Make, work: Work) -> HeldEnvironment:
        """Return the environment, made by `make` unless it is there by then.

        Waits for whoever else builds it. Nothing is left of one whose making fails or is killed.
        Raises what `make` raises, Cancelled, and EnvironmentFailed for a disk that can't be
        written.
        """
        lock = self._lock(key)
        try:
            return self._built(key, make, lock, work)
        except BaseException as error:
            lock.release()
            if isinstance(error, OSError):
                raise disk_failure(error, self._root) from error
            raise

    def environments(self) -> list[KeptEnvironment]:
        """Return all that is here, the one used last first."""
        found = [self._kept(key) for key in self._keys()]
        return sorted(found, key=lambda one: one.used_at, reverse=True)

    def damages(self, key: str) -> list[str]:
        """Return a sentence for each thing that is amiss with an environment; reads every file."""
        return all_damages(self.prefix(key))

    def remove(self, key: str) -> None:
        """Remove an environment; raises EnvironmentFailed while it is in use."""
        lock = self._lock(key)
        try:
            if not lock.own():
                raise EnvironmentFailed(
                    f"Environment {key} is in use by a run. It can be removed once that has ended."
                )
            try:
                self._empty(key)
                lock.delete()
            finally:
                lock.release()
        except OSError as error:
            raise disk_failure(error, self._root) from error

    def gc(self, older_than: float, dry_run: bool = False) -> list[KeptEnvironment]:
        """Remove what nobody has used for `older_than` seconds, and unfinished builds.

        Returns what was removed, or would be. What is in use stays, however long ago it started.
        """
        limit = time.time() - older_than
        removed: list[KeptEnvironment] = []
        for one in self.environments():
            if one.in_use or (one.is_finished and one.used_at > limit):
                continue
            try:
                if not dry_run:
                    self.remove(one.key)
            except EnvironmentFailed:
                # Somebody has begun to use it this moment, or it is not ours to remove.
                continue
            removed.append(one)
        return removed

    def _lock(self, key: str) -> FileLock:
        return FileLock(os.path.join(self._root, f"{key}.lock"))

    def _held(self, key: str, lock: FileLock) -> HeldEnvironment | None:
        prefix = self.prefix(key)
        description = described_if_whole(prefix)
        if description is None:
            return None
        lock.touch()
        return HeldEnvironment(Environment(key, prefix, python_of(prefix), description), lock)

    def _built(self, key: str, make: Make, lock: FileLock, work: Work) -> HeldEnvironment:
        waiting = _Waiting(work)
        for _ in range(_TRIES):
            while True:
                held = self._held(key, lock) if lock.share() else None
                if held is not None:
                    return held
                # Of several who see that it has to be built, one does; the others look again.
                if lock.own():
                    break
                waiting.pause()
            # Somebody else may have built it since it was looked at.
            if described_if_whole(self.prefix(key)) is None:
                self._make(key, make, lock)
        raise EnvironmentFailed(
            f"{self.prefix(key)} changes as soon as it has been built. Find out what writes to it."
        )

    def _make(self, key: str, make: Make, lock: FileLock) -> None:
        prefix = self.prefix(key)
        self._empty(key)
        try:
            os.makedirs(prefix)
            description = make(prefix, lock.file)
            write_marker(prefix, description)
        except BaseException:
            self._empty(key)
            raise

    def _empty(self, key: str) -> None:
        prefix = self.prefix(key)
        if os.path.lexists(prefix):
            # First what makes it whole: half of it must never be taken for an environment.
            try:
                os.unlink(os.path.join(prefix, marker.NAME))
            except FileNotFoundError:
                pass
            remove_tree(prefix)

    def _keys(self) -> Iterator[str]:
        try:
            names = os.listdir(self._root)
        except FileNotFoundError:
            return
        except OSError as error:
            raise disk_failure(error, self._root) from error
        yield from (name for name in names if _KEY.fullmatch(name))

    def _kept(self, key: str) -> KeptEnvironment:
        prefix = self.prefix(key)
        lock = self._lock(key)
        used_at, in_use = 0.0, False
        try:
            used_at = os.stat(prefix).st_mtime
            in_use = not lock.own()
            lock.release()
            used_at = os.stat(lock.path).st_mtime
        except OSError:
            # It goes this moment, or can only be read.
            pass
        description = read_marker(prefix)
        is_finished = description is not None
        return KeptEnvironment(key, prefix, description or {}, used_at, in_use, is_finished)


class _Waiting:
    """Waiting while others hold the lock: told once, and ended when the work is cancelled."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._since = time.monotonic()
        self._told = False

    def pause(self) -> None:
        self._work.check()
        if not self._told and time.monotonic() - self._since > _SILENT_SECONDS:
            self._told = True
            self._work.tell("waiting for another process that builds or uses it")
        time.sleep(_POLL_SECONDS)
