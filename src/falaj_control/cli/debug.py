"""`falaj debug`: a failed task opened where it raised, with its data, code and environment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from typing import Any

import click

from falaj.client.access import Access, RunFacts
from falaj.client.code import code_of
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajException, FalajNotFound
from falaj.model import states
from falaj_control.cli.context import CommandContext
from falaj_control.cli.debug_code import LaidOut, lay_out
from falaj_control.cli.debug_inside import Inside, inside_of
from falaj_control.cli.pathspecs import FORMS, Selection, complete_paths, select
from falaj_control.engine.orders import step_options
from falaj_control.records.replays import Replay, replay_of

_HELP = f"""Open a task where it failed: its step runs again on its recorded inputs, in this
terminal, until it raises, and a shell opens in the frame that did.

PATHSPEC is {FORMS}; a run or a step stands for its first failed task. The code is that of the run,
the environment the step's own. A task that succeeded is opened with its state. Nothing is recorded,
and nothing of the run changes."""


class CantDebug(FalajException):
    """A task that can't be opened."""

    headline = "Can't debug"


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def debug(
        pathspec: str,
        state: bool,
        use_current: bool,
        attempt: int | None,
        pdb: bool,
        code: str | None,
    ) -> int:
        if pdb and (code is not None or state):
            raise click.UsageError(
                "--pdb opens the debugger where the step raises; leave out the other option."
            )
        task = _chosen(select(Access(), pathspec, None, attempt))
        folder = tempfile.mkdtemp(prefix="falaj-debug-")
        try:
            request = _request(line, task, folder, state, use_current)
            request.update(pdb=pdb, code=code)
            with inside_of(line, task.access, task.run.record, task.source.step) as inside:
                return _start(line, request, inside, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    parameters: list[click.Parameter] = [
        click.Argument(["pathspec"], shell_complete=complete_paths(line)),
        click.Option(
            ["--state"], is_flag=True, help="Only open `self` as the task left it; run nothing."
        ),
        click.Option(
            ["--current", "use_current"],
            is_flag=True,
            help="Use the code as it is now instead of the run's.",
        ),
        click.Option(
            ["--attempt"],
            type=click.IntRange(min=0),
            metavar="N",
            help="Open this try, counted from 0.  [default: the latest]",
        ),
        click.Option(["--pdb"], is_flag=True, help="Open the debugger pdb instead of a shell."),
        click.Option(
            ["-c", "code"],
            metavar="CODE",
            help="Run this Python in the frame instead of opening a shell; the value of a last "
            "expression is shown.",
        ),
    ]
    return click.Command("debug", callback=debug, params=parameters, help=_HELP)


def _chosen(selection: Selection) -> TaskFacts:
    """Return the task that is meant, as it really ran."""
    task = selection.task or _first_failed(selection)
    source = task.source
    if (source.run, source.id) == (task.record.run, task.record.id):
        return task
    record = task.access.reader.run(source.run)
    if record is None:
        raise FalajNotFound(f"Run {source.run}, in which {task.pathspec} really ran, is gone.")
    return TaskFacts(RunFacts(task.access, record), source, task.attempt)


def _first_failed(selection: Selection) -> TaskFacts:
    tasks = list(selection.tasks())
    order = (states.FAILED, states.LOST, states.TOLERATED, states.RETRYING, states.CANCELLED)
    for state in order:
        for task in tasks:
            if task.record.state == state:
                return task
    if selection.step is not None and tasks:
        return tasks[0]
    path = "/".join(selection.run.parts)
    raise CantDebug(f"{path} has no failed task. Name the task to open, as in: {path}/STEP/TASK")


def _request(
    line: CommandContext, task: TaskFacts, folder: str, state: bool, use_current: bool
) -> dict[str, Any]:
    replay = replay_of(task.access.home, task.record.run, task.record.id)
    options = replay.run.options
    laid = _code(line, task, folder, use_current)
    one = task.attempt_record()
    ended_well = one is not None and one.state == states.SUCCEEDED
    manifest = task.manifest()
    return {
        "order": _order(task, replay),
        "file": laid.script,
        "paths": laid.paths,
        "flow": replay.run.flow,
        "package": options.get("package"),
        "cwd": _working_folder(line, replay, laid),
        "arguments": list(options.get("arguments", ())),
        "shape": {
            "known": list(replay.run.graph.get("configs", ())),
            "decospecs": list(options.get("decospecs", ())),
            "user": replay.run.user,
        },
        "rerun": not (state or ended_well),
        "manifest": manifest.digest if manifest is not None else None,
    }


def _code(line: CommandContext, task: TaskFacts, folder: str, use_current: bool) -> LaidOut:
    script = task.run.record.script
    code = None if use_current else code_of(task.run)
    if code is not None:
        return lay_out(code, script, folder)
    if not use_current:
        line.errors.line("The run has no snapshot of its code; this is the code as it is now.")
    if not os.path.exists(script):
        raise CantDebug(f"The flow's file {script} is not there any more.")
    return LaidOut(script, ())


def _working_folder(line: CommandContext, replay: Replay, laid: LaidOut) -> str:
    cwd = str(replay.run.options.get("cwd") or os.path.dirname(replay.run.script))
    if os.path.isdir(cwd):
        return cwd
    line.errors.line(f"The folder that the run was started in, {cwd}, is gone.")
    return os.path.dirname(laid.script)


def _order(task: TaskFacts, replay: Replay) -> dict[str, Any]:
    # Imported here: the help needs none of it.
    from falaj.model.graph import FlowDescription
    from falaj.model.orders import TASK, Order

    run, record = replay.run, replay.task
    namespace, own = run.options.get("namespace"), f"user:{run.user}"
    description = FlowDescription.from_wire(run.graph)
    context: dict[str, Any] = {
        "store": task.access.home.store,
        "user": run.user,
        "namespace": own if namespace is None else namespace or None,
        "default_namespace": own,
        "origin": None if run.origin is None else str(run.origin),
        "tags": run.options.get("tags", ()),
        "constants": (),
    }
    order = Order(
        TASK,
        run.flow,
        run.id,
        record.step,
        record.id,
        task.current_attempt(),
        replay.inputs,
        replay.frames,
        run.parameters,
        {**step_options(description.step(record.step)), "last_attempt": True},
        context,
    )
    return order.to_wire()


def _start(line: CommandContext, request: dict[str, Any], inside: Inside, folder: str) -> int:
    path = os.path.join(folder, "request.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(request, file)
    environ = {**inside.environ, **_variables(request)}
    # Ctrl-C is the shell's.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            inside.command(path),
            env=environ,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        code = process.wait()
    except OSError as error:
        raise CantDebug(f"Can't start {inside.python}: {error.strerror}.") from error
    finally:
        signal.signal(signal.SIGINT, before)
    if code < 0:
        name = signal.Signals(-code).name
        line.errors.line(f"The process was ended by {name}, perhaps as the task's own was.")
        return 1
    return code


def _variables(request: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = request["order"]["options"].get("environment", {}).get("vars", {})
    return dict(found)
