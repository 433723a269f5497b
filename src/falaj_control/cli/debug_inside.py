"""The interpreter that a task ran in, held for the time that a person looks at the task."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import falaj
from falaj.client.access import Access, RunFacts
from falaj.client.environments import run_environment
from falaj.model.graph import FlowDescription
from falaj.model.records import RunRecord
from falaj_control.cli.context import CommandContext
from falaj_control.cli.env_build import build_step
from falaj_control.cli.env_kept import this_cache
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.packaging.inside import variables_inside
from falaj_control.plan.single import only_step
from falaj_control.records.database import open_records
from falaj_control.records.origins import read_origin_environments

_BOOT = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; sys.path.append({falaj!r}); "
    "from falaj.runtime.debugging import main; sys.exit(main(sys.argv[1]))"
)


@dataclass(frozen=True)
class Inside:
    """An interpreter, its variables, and where it finds `falaj`."""

    python: str
    flags: tuple[str, ...]
    falaj: str
    environ: Mapping[str, str]

    def command(self, request: str) -> list[str]:
        """Return the program that does what the file `request` asks."""
        return [self.python, *self.flags, "-c", _BOOT.format(falaj=self.falaj), request]


@contextmanager
def inside_of(
    line: CommandContext, access: Access, run: RunRecord, step: str
) -> Generator[Inside, None, None]:
    """Give what the tasks of `step` ran in; its own environment is built where it is missing.

    Raises EnvironmentFailed.
    """
    connection = open_records(access.home)
    try:
        recorded = read_origin_environments(connection, run.id).get(step)
    finally:
        connection.close()
    if recorded is None:
        yield _launching(line, RunFacts(access, run))
        return
    # Imported here: most steps run where the flow was launched.
    from falaj_control.packaging.ourselves import falaj_zip

    description = only_step(FlowDescription.from_wire(run.graph), step)
    chosen = run.options.get("environment")
    key = str(build_step(line, description, step, chosen, {step: recorded})["key"])
    cache = this_cache()
    held = cache.hold(key)
    if held is None:
        raise EnvironmentFailed(f"Environment {key} has been removed meanwhile. Try again.")
    try:
        made = held.environment
        version = str(made.description["python"]["version"])
        zipped = falaj_zip(cache.folders.code, made.python, version)
        environ = variables_inside(made.prefix, os.environ)
        yield Inside(made.python, ("-s",), zipped, environ)
    finally:
        held.release()


def _launching(line: CommandContext, run: RunFacts) -> Inside:
    known: Mapping[str, Any] = run_environment(run) or {}
    python = str(known.get("python", {}).get("executable") or sys.executable)
    if not os.access(python, os.X_OK):
        line.errors.line(f"The Python of the run, {python}, is gone; this is {sys.executable}.")
        python = sys.executable
    root = os.path.dirname(os.path.dirname(os.path.abspath(falaj.__file__)))
    return Inside(python, (), root, os.environ)
