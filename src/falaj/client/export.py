"""The work of a process that loads artifacts and pickles them to a file.

Its request is a JSON object on stdin with `home`, `tasks` (each [flow, run, step, task]), `names`
(null for all), `private`, `script` (the flow's file, or null for the one that the run used) and
`file`, to which it writes {"run/step/task": {name: value}}.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import Any, Callable, Dict, List, Optional

from falaj.client.access import Access
from falaj.client.artifacts import entry_of
from falaj.client.resolve import find_run, find_task
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajException

# Takes a file's path, its source, its package and the name of the flow that is wanted.
LoadFlow = Callable[[str, bytes, Optional[str], Optional[str]], Any]


class ExportFailed(FalajException):
    """Artifacts that can't be written to a file."""

    headline = "Can't export artifacts"


def main(load_flow: LoadFlow) -> int:
    """Do what the request on stdin asks; return 0, or 1 after a sentence on stderr.

    `load_flow` imports a flow's file as `__main__`, which is where its own classes are from.
    """
    request = json.load(sys.stdin)
    try:
        _write(request["file"], _collect(request, load_flow))
    except FalajException as error:
        sys.stderr.write("{}: {}\n".format(error.headline, error))
        return 1
    return 0


def _collect(request: Dict[str, Any], load_flow: LoadFlow) -> Dict[str, Dict[str, Any]]:
    access = Access(request["home"], None)
    collected: Dict[str, Dict[str, Any]] = {}
    imported: Optional[str] = None
    for flow, run, step, number in request["tasks"]:
        facts = find_run(access, flow, run)
        script = request["script"] or facts.record.script
        if script != imported:
            _import(script, load_flow)
            imported = script
        task = find_task(facts, step, number, None)
        collected["/".join((run, step, number))] = {
            name: _value(task, name) for name in _names(task, request)
        }
    return collected


def _names(task: TaskFacts, request: Dict[str, Any]) -> List[str]:
    manifest = task.manifest()
    names = [] if manifest is None else manifest.names()
    if request["names"] is not None:
        return [name for name in names if name in request["names"]]
    return [name for name in names if request["private"] or not name.startswith("_")]


def _value(task: TaskFacts, name: str) -> Any:
    entry = entry_of(task, name)
    if entry is None:
        raise ExportFailed("The artifact {} of {} is gone.".format(name, task.pathspec))
    return task.access.load(entry, name, task.run.record, task.pathspec)


def _import(script: str, load_flow: LoadFlow) -> None:
    sys.path.insert(0, os.path.dirname(script))
    try:
        with open(script, "rb") as file:
            source = file.read()
    except OSError:
        # Values whose classes live elsewhere load without it, and the others say what is missing.
        return
    try:
        load_flow(script, source, None, None)
    except (Exception, SystemExit) as error:
        sys.stderr.write(
            "Note: {} can't be imported ({}: {}); values of its own classes can't be "
            "loaded.\n".format(script, type(error).__name__, error)
        )


def _write(path: str, values: Dict[str, Dict[str, Any]]) -> None:
    temporary = "{}.{}.part".format(path, os.getpid())
    try:
        with open(temporary, "wb") as file:
            pickle.dump(values, file)
        os.replace(temporary, path)
    except OSError as error:
        _forget(temporary)
        raise ExportFailed("{} can't be written: {}.".format(path, error.strerror)) from error
    except Exception as error:
        _forget(temporary)
        raise ExportFailed("A value can't be pickled again: {}.".format(error)) from error


def _forget(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
