"""Which code is the user's own: the flow's file and the local modules that it imports."""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from typing import Iterator, List, Set, Tuple


def local_files(script: str) -> Set[str]:
    """Return the script and the user's own modules: imported, or named by an import statement."""
    folder = os.path.dirname(script)
    outside = installed_folders()
    found = {script}
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and path.endswith(".py"):
            path = os.path.abspath(path)
            if not any(path.startswith(root) for root in outside) and os.path.isfile(path):
                found.add(path)
    pending = list(found)
    while pending:
        for path in _named_by(pending.pop(), folder):
            if path not in found:
                found.add(path)
                pending.append(path)
    return found


def installed_folders() -> List[str]:
    """Return the folders of what is not the user's own, each with a slash at its end."""
    ours = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    roots = {ours, os.path.join(os.path.dirname(ours), "falaj_control")}
    paths = sysconfig.get_paths()
    roots.update(paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    roots.update(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    return [os.path.abspath(root) + os.sep for root in roots if root]


def imports_of(path: str) -> Iterator[Tuple[int, str]]:
    """Yield what the import statements of a file name, wherever in it: (dots, module).

    `from ..a import b` gives (2, a) and (2, a.b). A file that can't be parsed imports nothing.
    """
    try:
        with open(path, "rb") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield 0, alias.name
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module:
                yield node.level, module
            for alias in node.names:
                yield node.level, "{}.{}".format(module, alias.name).strip(".")


def _named_by(path: str, folder: str) -> Iterator[str]:
    for level, name in imports_of(path):
        base = os.path.dirname(path) if level else folder
        for _ in range(level - 1):
            base = os.path.dirname(base)
        for candidate in _candidates(base, name):
            if os.path.isfile(candidate):
                yield candidate


def _candidates(base: str, name: str) -> Iterator[str]:
    place = base
    for part in name.split("."):
        place = os.path.join(place, part)
        yield os.path.join(place, "__init__.py")
    yield place + ".py"
