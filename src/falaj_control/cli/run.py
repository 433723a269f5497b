"""`run`: start a run of the flow."""

from __future__ import annotations

from typing import Any

import click

from falaj.errors import FalajBug
from falaj.model.graph import FlowDescription
from falaj_control.cli import options
from falaj_control.cli.background import BackgroundWatcher
from falaj_control.cli.context import CommandContext, asked_decospecs
from falaj_control.cli.progress import choose_watcher
from falaj_control.engine.options import decorated
from falaj_control.ports.requests import ResumeRequest, RunRequest, SpinRequest

_HELP = """Run the flow.

Each parameter of the flow is an option; the variable FALAJ_RUN_NAME gives it as well."""


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""
    description = line.description
    parameters = options.parameter_options(description) if description is not None else []
    taken = (
        {spec.name for spec in description.parameters} if description is not None else set[str]()
    )

    def run(**values: Any) -> int:
        given = options.given_parameters(line.flow, values)
        return start_run(line, values, given, values.get("namespace"))

    common = [*options.run_options(taken), options.namespace_option()]
    more = _configs_help(description) if description is not None else ""
    return click.Command("run", callback=run, params=[*parameters, *common], help=_HELP + more)


def _configs_help(description: FlowDescription) -> str:
    """Return what the flow's configs are, which are given before the command."""
    if not description.configs:
        return ""
    lines = [
        f"  {one.name}: {one.help or 'no help'}"
        + ("  [required]" if one.required else f"  [default: {one.default}]" if one.default else "")
        for one in description.configs
    ]
    head = (
        "\n\nConfigs, given before the command as --config NAME FILE or --config-value NAME VALUE:"
    )
    return "\n".join([head, "\n\b", *lines])


def start_run(
    line: CommandContext,
    values: dict[str, Any],
    parameters: dict[str, Any],
    namespace: str | None = None,
    resume: ResumeRequest | None = None,
    spin: SpinRequest | None = None,
) -> int:
    """Start what the options in `values` ask for, watch it, and return its exit code."""
    if line.start is None:
        raise FalajBug("nothing can start a run here")
    if values.get("max_num_splits") is not None:
        line.errors.line("Note: --max-num-splits has no effect; a foreach may be of any width.")
    decospecs = asked_decospecs(line.decospecs, values.get("decospecs", ()))
    request = RunRequest(
        description=decorated(line.flow, decospecs),
        parameters=parameters,
        decospecs=decospecs,
        namespace=namespace,
        resume=resume,
        spin=spin,
        environment=line.environment,
        datastore=line.datastore,
        branch=line.branch,
        trigger=line.trigger,
        arguments=line.arguments,
        **options.request_fields(values),
    )
    quiet = line.quiet or bool(values.get("quiet"))
    watcher = BackgroundWatcher(choose_watcher(line.output, line.errors, quiet))
    try:
        return line.start(request, watcher)
    finally:
        watcher.close()
