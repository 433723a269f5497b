"""`spin`: execute one step once more, on the inputs of an earlier task, with the code as it is."""

from __future__ import annotations

import os
from typing import Any

import click

from falaj.authoring.wording import listed, near_miss
from falaj.client.access import Access, RunFacts
from falaj.client.lookup import number
from falaj.client.matching import matching_runs
from falaj.client.resolve import find_run
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajInvalidPathspec, FalajNotFound
from falaj.model.graph import FlowDescription
from falaj_control.cli import options
from falaj_control.cli.context import ATTRIBUTE_OPTION, CommandContext
from falaj_control.cli.pathspecs import complete_steps, select
from falaj_control.cli.run import start_run
from falaj_control.ports.requests import SpinRequest

FORMS = "STEP, RUN/STEP or RUN/STEP/TASK, the latter two with the flow's name before it or not"
_HELP = f"""Execute one step once more, on the inputs of an earlier task, with today's code.

PATHSPEC is {FORMS}. A step alone is taken from the latest run that has reached it; of a step with
several tasks, the first is taken. Nothing of the run changes: what was spun is recorded apart, and
inspect_spin() shows it to the client."""
_OPTIONS = (
    *("--max-log-size", "--run-id-file", "--isolation", "--locked", "--include", "--quiet"),
    ATTRIBUTE_OPTION,
)


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def spin(
        pathspec: str,
        skip_decorators: bool,
        artifacts_module: str | None,
        persist: bool,
        **values: Any,
    ) -> int:
        task = find_spun(Access(), line.flow, pathspec).record
        file = None if artifacts_module is None else os.path.abspath(artifacts_module)
        request = SpinRequest(task.run, task.id, skip_decorators, file, persist)
        return start_run(line, values, {}, spin=request)

    own: list[click.Parameter] = [
        click.Argument(["pathspec"], shell_complete=complete_steps(line)),
        click.Option(
            ["--skip-decorators/--no-skip-decorators"],
            default=False,
            help="Honour no decorator at all. Otherwise those for environments, @environment, "
            "@project, @timeout and @card are honoured, and no other.",
        ),
        click.Option(
            ["--artifacts-module"],
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            help="Replace inputs by the values in the dictionary ARTIFACTS of this Python file.",
        ),
        click.Option(
            ["--persist/--no-persist"],
            default=False,
            help="Store what the step assigns, for the client to read.",
        ),
    ]
    kept = [one for one in options.run_options(resuming=True) if one.opts[0] in _OPTIONS]
    return click.Command("spin", callback=spin, params=[*own, *kept], help=_HELP)


def find_spun(access: Access, flow: FlowDescription, pathspec: str) -> TaskFacts:
    """Return the task that `pathspec` names; raise FalajInvalidPathspec or FalajNotFound."""
    parts = pathspec.strip("/").split("/")
    names = [one.name for one in flow.steps]
    if len(parts) == 1 and number(parts[0]) is None:
        _check_step(flow, parts[0], names)
        return _latest(access, flow.name, parts[0])
    if number(parts[0]) is None and parts[0] != flow.name:
        raise FalajInvalidPathspec(
            f"{pathspec!r} is of {parts[0]}, and can't be spun as {flow.name}."
        )
    if number(parts[0]) is None:
        parts = parts[1:]
    if len(parts) not in (2, 3):
        raise FalajInvalidPathspec(f"{pathspec!r} names no step. Write {FORMS}.")
    _check_step(flow, parts[1], names)
    run = "/".join(find_run(access, flow.name, parts[0]).parts)
    chosen = select(access, "/".join((run, *parts[1:])), flow.name)
    return next(iter(chosen.tasks()))


def _check_step(flow: FlowDescription, step: str, names: list[str]) -> None:
    if step not in names:
        raise FalajNotFound(
            f"{flow.name} has no step `{step}`{near_miss(step, names)}. Its steps are "
            f"{listed(names)}."
        )


def _latest(access: Access, flow: str, step: str) -> TaskFacts:
    for record in matching_runs(access.reader, flow):
        tasks = access.reader.tasks(record.id, step)
        if tasks:
            return TaskFacts(RunFacts(access, record), tasks[0])
    raise FalajNotFound(f"No run of {flow} has reached the step {step} yet. Run it first.")
