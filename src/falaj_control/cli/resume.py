"""`resume`: continue an earlier run with the tasks that it has finished."""

from __future__ import annotations

from typing import Any

import click

from falaj.authoring.wording import listed, near_miss
from falaj.client.access import Access
from falaj.client.resolve import find_run
from falaj.errors import FalajException, FalajNotFound
from falaj.model import states
from falaj.model.graph import FlowDescription
from falaj.model.records import RunRecord
from falaj_control.cli import options
from falaj_control.cli.context import CommandContext
from falaj_control.cli.pathspecs import complete_runs, complete_steps
from falaj_control.cli.run import start_run
from falaj_control.cli.wording import minute
from falaj_control.ports.requests import ResumeRequest

_HELP = """Continue an earlier run of the flow with what it has finished.

Tasks that succeeded are reused; the others, and STEP with all that comes after it where one is
given, run again with the code as it is now. Parameters stay those of the earlier run."""


class ResumeRefused(FalajException):
    """A run that can't be resumed, or a step that the flow does not have."""

    headline = "Can't resume"


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def resume(step: str | None, origin_run_id: str | None, **values: Any) -> int:
        if line.has_configs:
            raise click.UsageError(
                "resume keeps the configs of the run that it continues; leave --config and "
                "--config-value out."
            )
        if step is not None:
            _check_step(line.flow, step)
        origin = _origin(line, origin_run_id)
        return start_run(line, values, {}, resume=ResumeRequest(origin.id, step))

    params = [*own_options(line), *options.run_options(resuming=True)]
    return click.Command("resume", callback=resume, params=params, help=_HELP)


def own_options(line: CommandContext | None = None) -> list[click.Parameter]:
    """Return what resume takes besides the options of every run; `line` completes it."""
    steps = complete_steps(line) if line is not None else None
    runs = complete_runs(line) if line is not None else None
    return [
        click.Argument(["step"], required=False, shell_complete=steps),
        click.Option(
            ["--origin-run-id"],
            metavar="ID",
            shell_complete=runs,
            help="The run to continue.  [default: the latest run of the flow]",
        ),
    ]


def _check_step(description: FlowDescription, step: str) -> None:
    names = [one.name for one in description.steps]
    if step not in names:
        raise ResumeRefused(
            f"{description.name} has no step `{step}`{near_miss(step, names)}. "
            f"Its steps are {listed(names)}."
        )


def _origin(line: CommandContext, wanted: str | None) -> RunRecord:
    flow = line.flow.name
    record = origin_record(Access(), flow, wanted)
    if record is None:
        raise FalajNotFound(f"{flow} has no run to resume yet. Start one with: {line.typed('run')}")
    if record.flow != flow:
        raise ResumeRefused(
            f"Run {record.id} is one of {record.flow}, and can't be resumed as {flow}."
        )
    if record.state == states.RUNNING:
        raise ResumeRefused(
            f"Run {record.id} is still running, since {minute(record.created_at)}. Wait until it "
            "has ended, or stop it first."
        )
    return record


def origin_record(access: Access, flow: str, wanted: str | None) -> RunRecord | None:
    """Return the run that is named, or else the flow's latest; raise FalajException."""
    if wanted is not None:
        name, _, run = wanted.rpartition("/")
        return find_run(access, name or flow, run).record
    return next(iter(access.reader.runs(flow, limit=1)), None)
