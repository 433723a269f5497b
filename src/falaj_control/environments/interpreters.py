"""The Pythons of this machine: found where they are usually kept, asked once what they are."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreter_places import LOOKED_IN, Place, places
from falaj_control.environments.values import EnvironmentFailed, FoundInterpreter

_OLDEST = (3, 7)
_PATIENCE = 10.0
# What did not answer is asked again after this time: the fault may lie in a library beside it.
_FAILED_FOR = 3600.0
# A link to anything else is a version manager's, which starts what the folder wants.
_PYTHON_FILE = re.compile(r"python(\d+(\.\d+)*)?[a-z]*")
# The base's own file, where this is the interpreter of a virtual environment.
_QUESTION = """
import json, os, sys
v = sys.version_info
base = os.path.join(sys.base_prefix, "bin", "python%d.%d" % v[:2])
path = os.path.realpath(base if os.access(base, os.X_OK) else sys.executable)
rare = v[3] != "final" or any(flag in sys.abiflags for flag in "td")
version = "%d.%d.%d" % v[:3]
print(json.dumps([path, version, sys.implementation.name, rare]))
"""


class _Answer(NamedTuple):
    """What a file said of itself; `rare` is a free-threaded or debug build or a pre-release.

    `path` is the real executable, which may be another file, and `stamp` that one's.
    """

    path: str
    version: str
    implementation: str
    rare: bool
    stamp: str

    def fits(self, wanted: str) -> bool:
        return f"{self.version}.".startswith(f"{wanted}.")


def find_interpreter(
    wanted: str, folders: CacheFolders, environ: Mapping[str, str], launcher: str | None
) -> FoundInterpreter:
    """Return a CPython of version `wanted` (`3.7`, `3.7.16`) that is on this machine.

    The launcher's own comes first, then those of PATH in its order, then those of version
    managers, uv, conda and the system; of several in one place, the newest. Nothing is installed:
    where none fits, raises EnvironmentFailed that says how to get one.
    """
    memory = _Memory(folders)
    first = [Place("launcher", [launcher])] if launcher else []
    rare: FoundInterpreter | None = None
    try:
        for place in [*first, *places(environ, wanted)]:
            found = [one for one in _ask_all(place, memory) if one[0].fits(wanted)]
            usual = [one for answer, one in found if not answer.rare]
            if usual:
                return max(usual, key=_numbers)
            rare = rare or next((one for _, one in found), None)
    finally:
        memory.save()
    if rare is not None:
        return rare
    raise EnvironmentFailed(_none_fits(wanted, list_interpreters(folders, environ)))


def list_interpreters(folders: CacheFolders, environ: Mapping[str, str]) -> list[FoundInterpreter]:
    """Return every CPython of this machine that a step can have, the newest version first."""
    memory = _Memory(folders)
    found: dict[str, FoundInterpreter] = {}
    for place in [Place("running", [sys.executable]), *places(environ, None)]:
        for _, one in _ask_all(place, memory):
            found.setdefault(one.path, one)
    memory.save()
    usable = [one for one in found.values() if _numbers(one) >= _OLDEST]
    return sorted(usable, key=_numbers, reverse=True)


def _numbers(found: FoundInterpreter) -> tuple[int, ...]:
    return tuple(int(part) for part in found.version.split("."))


def _ask_all(place: Place, memory: _Memory) -> Iterator[tuple[_Answer, FoundInterpreter]]:
    for path in place.paths:
        answer = memory.ask(path)
        if answer is not None and answer.implementation == "cpython":
            path, version, kind, _, stamp = answer
            yield answer, FoundInterpreter(path, version, kind, place.source, stamp)


class _Memory:
    """What each file said, kept between runs: while it stays the same it is not run again.

    The file is a JSON object of path to [stamp, answer], or [stamp, time] of one that gave none.
    """

    def __init__(self, folders: CacheFolders) -> None:
        self._file = folders.interpreters
        self._cache = os.path.realpath(folders.root) + os.sep
        self._entries = self._read()
        self._new: dict[str, Any] = {}

    def ask(self, path: str) -> _Answer | None:
        """Return what the interpreter at `path` is; None for what is none, or can't be used."""
        real = os.path.realpath(path)
        stamp = _stamp(real)
        # An environment of ours can be removed at any time, so none is built upon it.
        if stamp is None or real.startswith(self._cache) or not _may_be_run(real):
            return None
        entry = self._new.get(real) or self._entries.get(real)
        if entry is not None and entry[0] == stamp:
            answer = _as_answer(entry[1])
            if answer is not None and _stamp(answer.path) == answer.stamp:
                return answer
            if isinstance(entry[1], float) and 0 <= time.time() - entry[1] < _FAILED_FOR:
                return None
        answer = _run(real)
        self._new[real] = [stamp, time.time() if answer is None else list(answer)]
        return answer

    def save(self) -> None:
        """Keep what is new; a cache that can't be written costs only the asking next time."""
        if not self._new:
            return
        # Another process may have learned something meanwhile.
        merged = {**self._read(), **self._new}
        kept = {path: entry for path, entry in merged.items() if os.path.exists(path)}
        folder = os.path.dirname(self._file)
        try:
            os.makedirs(folder, exist_ok=True)
            handle, temporary = tempfile.mkstemp(".tmp", "interpreters-", folder)
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file)
            os.replace(temporary, self._file)
        except OSError:
            return
        self._entries, self._new = kept, {}

    def _read(self) -> dict[str, Any]:
        try:
            with open(self._file, encoding="utf-8") as file:
                raw = json.load(file)
        except (OSError, ValueError):
            # Absent or damaged: all are asked anew.
            return {}
        if not isinstance(raw, dict):
            return {}
        entries = cast("dict[str, Any]", raw).items()
        return {path: entry for path, entry in entries if _length(entry) == 2}


def _length(value: Any) -> int:
    return len(cast("list[Any]", value)) if isinstance(value, list) else 0


def _as_answer(raw: Any) -> _Answer | None:
    if _length(raw) != len(_Answer._fields):
        return None
    path, version, implementation, rare, stamp = raw
    if not re.fullmatch(r"\d+\.\d+\.\d+", str(version)):
        return None
    return _Answer(str(path), version, str(implementation), bool(rare), str(stamp))


def _stamp(path: str) -> str | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        # Absent, or no path at all in a damaged memory.
        return None
    return f"{path}:{status.st_size}:{status.st_mtime_ns}"


def _may_be_run(real: str) -> bool:
    # On a Mac this one offers to install the developer tools, in a window, where they are absent.
    if sys.platform == "darwin" and real == "/usr/bin/python3":
        return False
    is_python = _PYTHON_FILE.fullmatch(os.path.basename(real)) is not None
    return is_python and os.path.isfile(real) and os.access(real, os.X_OK)


def _run(path: str) -> _Answer | None:
    # Imported here: once all interpreters are known, none is run.
    import subprocess

    try:
        process = subprocess.Popen(
            [path, "-I", "-S", "-c", _QUESTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        out, _ = process.communicate(timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        # With its session, whatever it had started holds the pipe no longer.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    try:
        path, *rest = json.loads(out)
        return _as_answer([path, *rest, _stamp(path)])
    except (ValueError, TypeError):
        # It printed something else: no Python, or one that is broken.
        return None


def _none_fits(wanted: str, found: list[FoundInterpreter]) -> str:
    versions = list(dict.fromkeys(one.version for one in found))
    minor = ".".join(wanted.split(".")[:2])
    near = [version for version in versions if f"{version}.".startswith(f"{minor}.")]
    any_patch = f" Ask for `{minor}` where {near[0]} will do." if near else ""
    return (
        f"This machine has no Python {wanted}; it has {', '.join(versions)}. Looked in {LOOKED_IN}."
        f"{any_patch} Falaj installs no interpreter by itself; to get one, type "
        f"`uv python install {wanted}`, `pyenv install {wanted}` or "
        f"`conda create -n python{wanted} python={wanted}`."
    )
