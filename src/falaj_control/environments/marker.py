"""The file that makes an environment whole: written last, by rename, with what to compare."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from falaj.liveness import boot_id
from falaj_control.environments import integrity
from falaj_control.environments.integrity import Glance
from falaj_control.environments.replacing import replace_file

# Goes up with every change to how environments are built, so that none of the old kind is used.
FORMAT = 1
NAME = "falaj.json"
_PYTHON = os.path.join("bin", "python")


def python_of(prefix: str) -> str:
    """Return the interpreter of the environment in `prefix`."""
    return os.path.join(prefix, _PYTHON)


def write_marker(prefix: str, description: Mapping[str, Any]) -> None:
    """Note all files of a new environment, then mark it as whole; raises OSError."""
    glance = integrity.note_files(prefix)
    facts = {
        "format": FORMAT,
        "prefix": prefix,
        "interpreter": _stamp(prefix),
        "description": description,
    }
    _write(prefix, facts, glance)


def read_marker(prefix: str) -> Mapping[str, Any] | None:
    """Return the description of an environment that was finished, here and by this version."""
    marker = _read(prefix)
    return None if marker is None else marker["description"]


def described_if_whole(prefix: str) -> Mapping[str, Any] | None:
    """Return the description of an environment that is as it was built, else None; a glance."""
    marker = _read(prefix)
    if marker is None or _stamp(prefix) != marker["interpreter"]:
        return None
    glance: Glance = marker["glance"]
    # Files are not forced to the disk, so a power cut may have emptied some.
    if marker["boot"] == boot_id() and integrity.is_as_noted(prefix, glance):
        return marker["description"]
    now = integrity.glance_again(prefix, glance)
    if now is None or integrity.damages(prefix):
        return None
    try:
        _write(prefix, marker, now)
    except OSError:
        # It can't be written: the next one looks as thoroughly.
        pass
    return marker["description"]


def all_damages(prefix: str) -> list[str]:
    """Return a sentence for each thing that is amiss with an environment; reads every file."""
    marker = _read(prefix)
    if marker is None:
        return ["its building was not finished"]
    found = integrity.damages(prefix)
    if _stamp(prefix) != marker["interpreter"]:
        found.insert(
            0, f"{os.path.realpath(python_of(prefix))}, its interpreter, is gone or another"
        )
    for paths in integrity.wrongly_copied(prefix).values():
        for path in paths:
            found.append(f"{os.path.relpath(path, prefix)} is not what its package holds")
    return found


def _read(prefix: str) -> dict[str, Any] | None:
    """Return what the marker says, its glance as one; None for one that is absent or garbage."""
    try:
        with open(os.path.join(prefix, NAME), "rb") as file:
            marker = json.loads(file.read())
        # One that was moved holds its old path in its programs.
        if marker["format"] != FORMAT or marker["prefix"] != prefix:
            return None
        facts = {name: marker[name] for name in ("format", "prefix", "interpreter", "boot")}
        description = dict(marker["description"])
        return {**facts, "description": description, "glance": Glance(*marker["glance"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(prefix: str, facts: Mapping[str, Any], glance: Glance) -> None:
    data = json.dumps({**facts, "boot": boot_id(), "glance": glance}, separators=(",", ":"))
    replace_file(os.path.join(prefix, NAME), data.encode())


def _stamp(prefix: str) -> list[int] | None:
    """Return what changes when the interpreter does; None where it is gone."""
    try:
        found = os.stat(python_of(prefix))
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]
