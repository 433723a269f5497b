"""What steps import first of all, imported once by their host for all tasks that it forks.

In an environment of its own a step imports its packages in its body, which every task would pay
for. Only imports before any other statement count: what a step does before it imports, such as
setting a variable that the package reads, comes first there as well.
"""

from __future__ import annotations

import ast
import os
import sys
from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

from falaj.authoring.members import steps_of, unwrapped
from falaj.authoring.sources import Sources


class Preloaded(NamedTuple):
    """Which modules each step imports first, and what their import printed: stdout, stderr."""

    modules: Dict[str, List[str]]
    printed: Dict[str, "tuple[bytes, bytes]"]

    def repeat_output(self, step: str) -> None:
        """Print, in a task of `step`, what its imports would have printed there."""
        for module in self.modules.get(step, ()):
            for file, data in zip((1, 2), self.printed.get(module, ())):
                while data:
                    data = data[os.write(file, data) :]


def preload(flow_class: type, steps: Sequence[str]) -> Preloaded:
    """Import what `steps` import first; what fails is left to the tasks, which tell it."""
    found: Dict[str, List[str]] = {}
    sources = Sources()
    members = steps_of(flow_class)
    for step in steps:
        node: Any = sources.function(unwrapped(members[step])) if step in members else None
        found[step] = list(_first_imports(node.body)) if node is not None else []
    printed: Dict[str, "tuple[bytes, bytes]"] = {}
    for module in [module for modules in found.values() for module in modules]:
        if module not in sys.modules:
            said = _import(module)
            if any(said):
                printed[module] = said
    return Preloaded(found, printed)


def _first_imports(body: List[ast.stmt]) -> Iterator[str]:
    for position, statement in enumerate(body):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield alias.name
        elif isinstance(statement, ast.ImportFrom):
            if statement.level or not statement.module:
                return
            yield statement.module
        elif position or not isinstance(statement, ast.Expr):
            # Anything but the docstring may be meant to come before the next import.
            return


def _import(module: str) -> "tuple[bytes, bytes]":
    """Import a module; return what that wrote to stdout and stderr, which are a task's to show."""
    try:
        files = [os.open(_folder(), os.O_TMPFILE | os.O_RDWR) for _ in (1, 2)]
    except (OSError, AttributeError):
        return b"", b""
    kept = [os.dup(number) for number in (1, 2)]
    for file, number in zip(files, (1, 2)):
        os.dup2(file, number)
    try:
        __import__(module)
    except BaseException:
        # The task's own import fails in the same way, and is told with its line.
        pass
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for file, number in zip(kept, (1, 2)):
            os.dup2(file, number)
            os.close(file)
    return _read(files[0]), _read(files[1])


def _read(file: int) -> bytes:
    with os.fdopen(file, "rb") as opened:
        opened.seek(0)
        return opened.read()


def _folder() -> str:
    return os.environ.get("TMPDIR") or "/tmp"
