"""What runs, steps and tasks ran in, as it was recorded.

A description is a dict with `kind` (`pypi`, `uv`, `conda`, or `local` for what a run was launched
in), `python` (version, implementation, executable), `platform`, and `packages` (each with name,
version and, where known, sha256 and source). One that is not local also has `key` (its name in the
cache), `request` (what was asked for) and `lock` (what that was resolved to). The tasks of a step
without an environment of its own run in what the run was launched in.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from falaj.client.access import Access, RunFacts
from falaj.client.html import Row
from falaj.client.taskfacts import TaskFacts

_NAMED = 3
_VERSION_MARKS = " <>=!~[(;@"


def run_environment(run: RunFacts) -> Optional[Dict[str, Any]]:
    """Return what the run was launched in; None where that was not recorded."""
    return _read(run.access, run.record.environment)


def step_environment(run: RunFacts, step: str) -> Optional[Dict[str, Any]]:
    """Return the step's own environment, or what the run was launched in where it has none."""
    for record in run.access.reader.steps(run.id, raw=True):
        if record.name == step and record.environment is not None:
            return _read(run.access, record.environment)
    return run_environment(run)


def task_environment(task: TaskFacts) -> Optional[Dict[str, Any]]:
    """Return what the task really ran in, be it in an earlier run."""
    source, run = task.source, task.run
    if source.run != run.id:
        record = task.access.reader.run(source.run)
        if record is None:
            return None
        run = RunFacts(task.access, record)
    return step_environment(run, source.step)


def in_a_line(description: Dict[str, Any]) -> str:
    """Return the gist: `Python 3.7.16 · pandas 0.24.2 · 4 more packages`."""
    packages: List[Dict[str, Any]] = list(description["packages"])
    versions = {str(one["name"]).lower(): str(one["version"]) for one in packages}
    lock: Dict[str, Any] = description.get("lock") or {}
    names = [_name_in(asked) for asked in lock.get("asked", ())]
    shown = [name for name in names if name in versions][:_NAMED]
    parts = ["Python {}".format(description["python"]["version"])]
    parts += ["{} {}".format(name, versions[name]) for name in shown]
    rest = len(packages) - len(shown)
    if rest:
        more = "more " if shown else ""
        parts.append("{} {}package{}".format(rest, more, "" if rest == 1 else "s"))
    return " \u00b7 ".join(parts)


def environment_rows(description: Optional[Dict[str, Any]]) -> List[Row]:
    """Return the row that a notebook shows of an environment, where one is known."""
    return [] if description is None else [("environment", in_a_line(description))]


def _name_in(asked: str) -> str:
    """Return the package's name in a requirement or a match spec of conda."""
    name = asked.rpartition("::")[2].strip()
    for mark in _VERSION_MARKS:
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-")


def _read(access: Access, digest: Optional[str]) -> Optional[Dict[str, Any]]:
    if digest is None:
        return None
    # Imported here because `import falaj` must not pay for it.
    import json

    description: Dict[str, Any] = json.loads(access.store.read(digest).decode())
    return description
