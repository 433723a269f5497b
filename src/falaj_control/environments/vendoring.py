"""Mirroring what a lock installs into the store, so that it can be installed without its indexes.

A blob is named by the SHA-256 of its bytes, and so is a file in a lock: a mirrored file is simply
the blob that the lock names, and nothing else records it.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any, NamedTuple

from falaj.hashing import BLOB_TAG, HEX_LENGTH
from falaj.store.blobs import BlobStore
from falaj_control.environments.downloading import Downloader
from falaj_control.environments.fitting import file_name
from falaj_control.environments.gitsnapshots import snapshot_commit
from falaj_control.environments.values import EnvironmentFailed, Lock
from falaj_control.environments.work import Cancelled, Work

# What a package from git gains: the digest of a snapshot of its commit, see `localpackages.unpack`.
SNAPSHOT_KEY = "falaj-snapshot"
_AT_ONCE = 4
_OLD_NAMES = {
    "manylinux1_": "manylinux_2_5_",
    "manylinux2010_": "manylinux_2_12_",
    "manylinux2014_": "manylinux_2_17_",
}


class PackageFile(NamedTuple):
    """One file of a lock: `what` names it for a person, `sha256` is bare hex."""

    what: str
    url: str
    sha256: str


class Vendored(NamedTuple):
    """The lock as it can be installed from the store, and how many files had to be fetched."""

    lock: Lock
    fetched: int


def vendor(
    lock: Lock,
    store: BlobStore,
    environ: Mapping[str, str],
    work: Work,
    indexes: Iterable[str] = (),
) -> Vendored:
    """Put every file that the lock installs into the store; those that are there stay.

    `indexes` are the addresses that the lock was resolved with: they may name credentials. A
    package from git becomes a snapshot of its commit, which the lock then names. Raises
    EnvironmentFailed, after which another call goes on with what is left; and Cancelled.
    """
    files = [file for file in files_of(lock) if vendored_file(store, file.sha256) is None]
    _fetch_all(files, Downloader(store, environ, indexes), work)
    packages = tuple(_with_snapshot(one, store, environ, work) for one in lock.packages)
    return Vendored(replace(lock, packages=packages), len(files))


def vendored_file(store: BlobStore, sha256: str) -> str | None:
    """Return the path of a mirrored file, which has no name of its own; None where it is absent."""
    if len(sha256) != HEX_LENGTH:
        return None
    path = store.path(f"{BLOB_TAG}:{sha256.lower()}")
    return path if os.path.exists(path) else None


def files_of(lock: Lock) -> list[PackageFile]:
    """Return the files that the lock installs from servers, one for each package, sorted."""
    found = [_package_file(f"{one['name']} {one['version']}", one) for one in lock.conda]
    for one in lock.packages:
        table = chosen_file(one)
        if table is not None and "url" in table:
            found.append(_package_file(f"{one['name']} {one.get('version', '')}".strip(), table))
    return sorted(set(found))


def chosen_file(package: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the table of the file that gets installed of a package of PEP 751, if it has files.

    All wheels of a lock fit its platform: the one for the newest Python and system is taken, as uv
    would, and the source only where there is none.
    """
    wheels: list[Mapping[str, Any]] = package.get("wheels") or []
    if wheels:
        return max(wheels, key=lambda wheel: _rank(file_name(wheel)))
    return package.get("archive") or package.get("sdist")


def _rank(wheel: str) -> tuple[Any, ...]:
    tags = wheel[: -len(".whl")].split("-")[-3:]
    python, abi, platform = tags if len(tags) == 3 else ("", "none", "any")
    return platform != "any", _versions(python), abi not in ("none", "abi3"), _versions(platform)


def _versions(tags: str) -> list[list[int]]:
    """Return the versions in tags such as `cp311`, `py2.py3` or `manylinux_2_28`, newest first."""
    for old, new in _OLD_NAMES.items():
        tags = tags.replace(old, new)
    plain = (re.sub(r"^(cp|py)(\d)", r"\2.", tag) for tag in tags.split("."))
    return sorted(([int(n) for n in re.findall(r"\d+", tag)] for tag in plain), reverse=True)


def _package_file(what: str, table: Mapping[str, Any]) -> PackageFile:
    sha256 = table.get("sha256") or table.get("hashes", {}).get("sha256")
    if not sha256:
        raise EnvironmentFailed(
            f"{what} can't be mirrored, because its index gives no SHA-256 for {table['url']}."
        )
    return PackageFile(what, table["url"], sha256)


def _fetch_all(files: list[PackageFile], downloader: Downloader, work: Work) -> None:
    stop, guard = threading.Event(), threading.Lock()
    fetched = 0

    def check() -> None:
        work.check()
        if stop.is_set():
            raise Cancelled

    def fetch(file: PackageFile) -> None:
        nonlocal fetched
        downloader.fetch(file.url, file.sha256, file.what, check)
        with guard:
            fetched += 1
            work.tell(f"mirrored {file.what} ({fetched} of {len(files)})")

    with ThreadPoolExecutor(_AT_ONCE, "mirroring") as pool:
        tasks = [pool.submit(fetch, file) for file in files]
        ended = wait(tasks, return_when=FIRST_EXCEPTION).done
        # Where one failed, the others only keep its reader waiting.
        stop.set()
    for task in ended:
        task.result()


def _with_snapshot(
    package: Mapping[str, Any], store: BlobStore, environ: Mapping[str, str], work: Work
) -> Mapping[str, Any]:
    """Return the package, with a snapshot of its commit in the store if it comes from git."""
    vcs = package.get("vcs")
    if not vcs:
        return package
    known = str(package.get(SNAPSHOT_KEY, "")).rpartition(":")[2]
    if vendored_file(store, known) is not None:
        return package
    return {**package, SNAPSHOT_KEY: snapshot_commit(vcs, package["name"], store, environ, work)}
