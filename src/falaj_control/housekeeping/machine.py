"""Examining the machine: Python, SQLite, limits, disk, clock, uv, interpreters, environments."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Mapping

from falaj.client.connection import OLDEST_SQLITE
from falaj.version import VERSION
from falaj_control.environments.cache import EnvironmentCache
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreters import list_interpreters
from falaj_control.environments.storage import shown_size, size_of
from falaj_control.environments.uvtool import find_uv
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.housekeeping.findings import Findings, fail, ok, warn
from falaj_control.settings import Settings

# Less than the first is told, with less than the second nothing can be recorded any more.
_LITTLE, _TOO_LITTLE = 2 << 30, 64 << 20
# Four pipes of a task, read by control while it runs; a run has 16 tasks at a time by default.
_FILES = 256
# Seconds that the clock of a file system may differ from the machine's.
_SKEW = 2.0


def examine_machine(settings: Settings, environ: Mapping[str, str], deep: bool) -> Findings:
    """Yield what is found of everything outside of the home."""
    yield from _python()
    yield from _limits()
    for name, folder in (("home", settings.home.root), ("cache", settings.cache)):
        yield from _disk(name, folder)
    yield from _tools(settings, environ)
    yield from _environments(settings, deep)


def _python() -> Findings:
    version = "{}.{}.{}".format(*sys.version_info[:3])
    yield ok("falaj", f"Falaj {VERSION} on Python {version} ({sys.executable})")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        yield fail(
            "sqlite",
            f"SQLite {sqlite3.sqlite_version} is older than {oldest}",
            "Use a Python that was built with a newer one.",
        )
    else:
        yield ok("sqlite", f"SQLite {sqlite3.sqlite_version}")


def _limits() -> Findings:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        yield warn(
            "limits",
            f"a process may open {soft} files, which is few for many tasks at a time",
            f"Type ulimit -n {_FILES if hard == resource.RLIM_INFINITY else min(hard, 4096)}, "
            "or lower --max-workers.",
        )
    else:
        yield ok("limits", "a process may open enough files")
    if sys.platform == "linux":
        yield ok("fork", "tasks are forked")
    else:
        yield warn(
            "fork",
            f"forking is not safe on {sys.platform}, so each task gets a fresh interpreter",
            "--isolation fork is faster and at your own risk.",
        )


def _disk(name: str, folder: str) -> Findings:
    place = folder
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    try:
        # Only trying tells: the permissions of a folder bind neither root nor a remote disk.
        with tempfile.NamedTemporaryFile(prefix=".doctor-", dir=place) as file:
            skew = os.fstat(file.fileno()).st_mtime - time.time()
    except OSError as error:
        mend = f"Make it writable, or set FALAJ_{name.upper()} to another folder."
        yield fail(name, f"{place} can't be written ({error.strerror})", mend)
        return
    yield ok(name, folder if place == folder else f"{folder} (will be made)")
    free = shutil.disk_usage(place).free
    if free < _LITTLE:
        told = (f"{name} disk", f"{shown_size(free)} free on the disk of {place}")
        mend = "Free some: falaj gc, falaj env gc."
        yield (fail if free < _TOO_LITTLE else warn)(*told, mend)
    else:
        yield ok(f"{name} disk", f"{shown_size(free)} free")
    if abs(skew) > _SKEW:
        yield warn(
            "clock",
            f"the disk of {place} is {skew:+.0f} s off this machine's clock",
            "Let both keep the same time; falaj gc compares them.",
        )


def _tools(settings: Settings, environ: Mapping[str, str]) -> Findings:
    try:
        yield ok("uv", find_uv(environ))
    except EnvironmentFailed as error:
        yield fail("uv", str(error).partition(". Type")[0], "Type: pip install uv")
    found = list_interpreters(CacheFolders(settings.cache), environ)
    versions = sorted({one.minor for one in found}, key=lambda text: int(text.split(".")[1]))
    yield ok("interpreters", f"Python {', '.join(versions)}")


def _environments(settings: Settings, deep: bool) -> Findings:
    cache = EnvironmentCache(CacheFolders(settings.cache))
    kept = cache.environments()
    seen: set[tuple[int, int]] = set()
    size = sum(size_of(one.prefix, seen) for one in kept) if deep else None
    unfinished = [one for one in kept if not one.is_finished and not one.in_use]
    shown = "" if size is None else f", {shown_size(size)}"
    count = "1 environment" if len(kept) == 1 else f"{len(kept)} environments"
    if unfinished:
        text = f"{count}{shown}, {len(unfinished)} of them unfinished"
        yield warn("environments", text, "Type: falaj env gc")
    else:
        yield ok("environments", f"{count}{shown}")
    for one in kept if deep else ():
        for damage in cache.damages(one.key) if one.is_finished else ():
            mend = f"Type: falaj env remove {one.key[:12]}; the next run builds it again."
            yield fail("environments", f"{one.key[:12]}: {damage}", mend)
