"""Code of a run, put on the disk as it lay when the run started, to be imported from there."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import NamedTuple

from falaj.client.code import FalajCode

_NOT_DATA = (".py", ".pyc")
_LEFT_OUT = ("__pycache__", "venv", "node_modules")


class LaidOut(NamedTuple):
    """Where the flow's file came to lie, and the folders that modules are imported from."""

    script: str
    paths: tuple[str, ...]


def lay_out(code: FalajCode, script: str, root: str) -> LaidOut:
    """Write the files of a snapshot below `root`, each at the path that it had.

    `script` is the path of the flow's file then. Other files that lie beside it now, such as data,
    are there as links.
    """
    folder = os.path.dirname(script)
    written: set[str] = set()
    for name in code.files:
        path = _below(root, os.path.normpath(os.path.join(folder, name)))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(code.read(name))
        written.add(path)
    home = _below(root, folder)
    _link_data(folder, home)
    outside = [path for path in written if not path.startswith(home + os.sep)]
    return LaidOut(_below(root, script), tuple(_import_folders(outside, written, root)))


def _below(root: str, path: str) -> str:
    # An absolute path without `..` can't lead out of the folder that it is put below.
    return os.path.join(root, os.path.normpath("/" + path).lstrip("/"))


def _link_data(source: str, target: str) -> None:
    try:
        entries = list(os.scandir(source))
    except OSError:
        # The flow's folder is gone; its code is not.
        return
    for entry in entries:
        there = os.path.join(target, entry.name)
        if entry.name.startswith(".") or entry.name in _LEFT_OUT:
            continue
        if os.path.isdir(there):
            _link_data(entry.path, there)
        elif not os.path.lexists(there) and not entry.name.endswith(_NOT_DATA):
            os.symlink(entry.path, there)


def _import_folders(outside: Iterable[str], written: set[str], root: str) -> list[str]:
    """Return the folders that files from outside of the flow's folder were imported from."""
    # Those on this interpreter's path tell what a package without `__init__.py` is in.
    known = [_below(root, path) for path in sys.path if os.path.isabs(path)]
    found = {path: None for path in known if any(one.startswith(path + os.sep) for one in outside)}
    for path in sorted(outside):
        folder = os.path.dirname(path)
        while os.path.join(folder, "__init__.py") in written:
            folder = os.path.dirname(folder)
        if not any(folder.startswith(one) for one in found):
            found[folder] = None
    return list(found)
