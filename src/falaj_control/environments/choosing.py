"""Which lock answers a request, where one is known already: nothing is resolved here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from falaj_control.environments.answers import recall
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.localpackages import stale_sources
from falaj_control.environments.lockfile import LockFile, lock_path
from falaj_control.environments.values import EnvironmentFailed, Lock, Request


class Choice(NamedTuple):
    """The lock that was found, if any, and what a person should know of it, or nothing."""

    lock: Lock | None
    note: str = ""


class KnownLocks(NamedTuple):
    """Where a run looks for locks, in this order.

    `lock_file` is the one beside the flow `script`, `earlier` are the locks of the run that is
    resumed, by digest of their request; then come this machine's earlier answers.
    """

    script: str
    lock_file: LockFile | None
    earlier: Mapping[str, Lock]
    folders: CacheFolders


def find_lock(
    request: Request, platform: str, known: KnownLocks, step: str, locked: bool = False
) -> Choice:
    """Return the lock for what `step` asks, where it need not be resolved.

    With `locked`, only the lock file counts: EnvironmentFailed tells what it does not hold.
    """
    digest = request.digest
    lock_file = known.lock_file
    lock = lock_file.find(digest, platform) if lock_file is not None else None
    lack = _lack(request, platform, lock, known, step)
    mend = f"falaj lock {os.path.basename(known.script)}"
    if lock is not None and not lack:
        return Choice(lock)
    if locked:
        raise EnvironmentFailed(f"{lack}, and --locked resolves nothing. Write it with: {mend}")
    note = f"{lack}, so it was not used for it. Write it with: {mend}" if lock_file else ""
    earlier = known.earlier.get(digest)
    if (
        earlier is not None
        and earlier.platform == platform
        and not changed_sources(earlier, request)
    ):
        return Choice(earlier, note)
    answer = recall(known.folders, request, platform)
    if answer is not None and not changed_sources(answer, request):
        return Choice(answer, note)
    return Choice(None, note)


def changed_sources(lock: Lock, request: Request) -> list[str]:
    """Name the local packages that are no longer what they were when the lock was made."""
    return list(stale_sources(lock, request.base))


def asked_for(request: Request) -> str:
    """Return what a request asks for, in a few words: `python 3.11, pandas==2.2.0, six`."""
    words = [f"python {request.python}", *(request.conda or ()), *request.requirements]
    if request.custom is not None:
        words += [f"{request.custom.name} {request.custom.options}"]
    if request.project is not None:
        words.append(os.path.basename(request.project.path))
    return ", ".join(words)


def _lack(request: Request, platform: str, lock: Lock | None, known: KnownLocks, step: str) -> str:
    """Say in what the lock file falls short, or nothing."""
    name = os.path.basename(lock_path(known.script))
    if known.lock_file is None:
        return f"Step `{step}` asks for {asked_for(request)}. There is no lock file {name}"
    if lock is None:
        return (
            f"{name} does not hold what step `{step}` asks for on {platform} ({asked_for(request)})"
        )
    changed = changed_sources(lock, request)
    if changed:
        return f"{name} no longer fits step `{step}`: {', '.join(changed)} changed since"
    return ""
