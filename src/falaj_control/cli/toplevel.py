"""Options before the command, as Metaflow has them: taken, noted as without effect, or refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import click

from falaj_control.cli.context import CommandContext
from falaj_control.cli.flow_options import asked_branch, asked_trigger, flow_options
from falaj_control.ports.requests import ENVIRONMENTS


class _Foreign(NamedTuple):
    """An option of Metaflow's with the values that mean what Falaj does anyway.

    `instead` says why another value is refused and what to do; without it, any value is noted as
    having no effect.
    """

    option: str
    same: tuple[str, ...] = ()
    instead: str = ""


_FOREIGN = (
    _Foreign(
        "--metadata",
        ("local",),
        "Other records than this machine's are not available yet. Leave the option out.",
    ),
    _Foreign("--datastore-root", (), "Set the variable FALAJ_HOME to a folder instead."),
    _Foreign("--mode", ("spin",), "There is no such mode. To spin a step, type: spin PATHSPEC"),
    _Foreign("--package-suffixes"),
    _Foreign("--event-logger", ("nullSidecarLogger",)),
    _Foreign("--monitor", ("nullSidecarMonitor",)),
)


def top_level_options() -> list[click.Parameter]:
    """Return the options that come before the command."""
    known: list[click.Parameter] = [
        click.Option(
            ["--quiet/--not-quiet"],
            default=False,
            envvar="FALAJ_QUIET",
            help="Show only failures and the end. The variable FALAJ_QUIET says it as well.",
        ),
        click.Option(
            ["--with", "decospecs"],
            multiple=True,
            metavar="SPEC",
            help="Put a decorator on every step that lacks it, such as retry or retry:times=4. "
            "May be repeated.",
        ),
        click.Option(
            ["--environment"],
            type=click.Choice(ENVIRONMENTS),
            envvar="FALAJ_ENVIRONMENT",
            help="Give every step that has no environment of its own one of this kind, as a bare "
            "@pypi, @conda or @uv would; local: run all steps in this interpreter. The variable "
            "FALAJ_ENVIRONMENT says it as well.  [default: what the decorators say]",
        ),
        click.Option(
            ["--datastore"],
            metavar="NAME[:TARGET]",
            envvar="FALAJ_DATASTORE",
            help="Keep what runs store in this datastore, too, which an installed package gives; "
            "local: in the home alone. The variable FALAJ_DATASTORE says it as well.  "
            "[default: local]",
        ),
        click.Option(
            ["--config"],
            nargs=2,
            multiple=True,
            metavar="NAME FILE",
            help="Read a Config of the flow from this file. May be repeated. The variable "
            "FALAJ_FLOW_CONFIG gives several as JSON, by name.",
        ),
        click.Option(
            ["--config-value"],
            nargs=2,
            multiple=True,
            metavar="NAME VALUE",
            help="Give a Config of the flow this value, which is JSON unless the Config has a "
            "parser of its own. May be repeated. The variable FALAJ_FLOW_CONFIG_VALUE gives "
            "several as JSON, by name.",
        ),
        click.Option(["--pylint/--no-pylint"], default=None, hidden=True, help=_COMPATIBLE),
        *flow_options(),
    ]
    foreign = [click.Option([one.option], hidden=True, help=_COMPATIBLE) for one in _FOREIGN]
    return [*known, *foreign]


_COMPATIBLE = "Read for command lines written for Metaflow."


def settle_top_level(line: CommandContext, values: Mapping[str, Any]) -> None:
    """Take what the top-level options say into `line`; raise UsageError for what can't be done."""
    line.quiet = bool(values["quiet"])
    line.decospecs = tuple(values["decospecs"])
    line.has_configs = bool(values["config"] or values["config_value"])
    if line.has_configs and line.description is not None and not line.description.configs:
        raise click.UsageError(f"{line.flow_name} has no Config; leave --config out.")
    line.environment = values["environment"]
    line.datastore = values["datastore"] or None
    line.branch = asked_branch(line.description, values)
    line.trigger = asked_trigger(line.description, values["trigger"])
    if values["pylint"] is not None:
        given = "--pylint" if values["pylint"] else "--no-pylint"
        line.errors.line(f"Note: {given} has no effect; the checks of the flow need no pylint.")
    for one in _FOREIGN:
        value = values[one.option.lstrip("-").replace("-", "_")]
        if value is None or value in one.same:
            continue
        if one.instead:
            raise click.UsageError(f"{one.option} {value}: {one.instead}")
        line.errors.line(f"Note: {one.option} has no effect in Falaj.")
