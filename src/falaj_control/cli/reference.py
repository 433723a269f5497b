"""The reference of every command and option, as the documentation shows it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from falaj.model.graph import FlowDescription
from falaj_control.cli.context import TOOL, CommandContext
from falaj_control.cli.flow_commands import COMMANDS, FlowGroup
from falaj_control.cli.flow_process import FLOW_ENV_COMMANDS
from falaj_control.cli.tool import OWN_COMMANDS, ToolGroup

_ANY_FLOW = FlowDescription("", "", "", (), (), "start", "end")

# Commands with subcommands, and what these are about.
_GROUPS = {"card": "Cards", "code": "Code of runs", "env": "Environments", "tag": "Tags"}
# Subcommands of a flow's commands that come after its file.
_OF_FLOWS = {"logs": ("scrub",), "package": ("info", "list", "save")}


def command_reference() -> str:
    """Return Markdown with every command that is not hidden and all of its options."""
    line = CommandContext(TOOL, _ANY_FLOW)
    flow, tool = FlowGroup(line), ToolGroup(CommandContext(TOOL))
    lines = ["# Commands", "", "## Options before the command", ""]
    lines += _options(click.Context(flow), flow)
    lines += ["", "Read for command lines written for Metaflow: "]
    hidden = [one for one in flow.params if isinstance(one, click.Option) and one.hidden]
    lines[-1] += (
        ", ".join(f"`{'/'.join([*one.opts, *one.secondary_opts])}`" for one in hidden) + "."
    )
    lines += ["", "## Commands for a flow", ""]
    for name, entry in COMMANDS.items():
        if not entry.hidden and name not in _GROUPS:
            lines += _flow_sections(flow, name)
    lines += ["## Commands for all flows", ""]
    for name in OWN_COMMANDS:
        if name not in _GROUPS and (name not in COMMANDS or name == "completion"):
            lines += _section(tool, name, "")
    for group, heading in _GROUPS.items():
        lines += [f"## {heading}", ""]
        holder = tool.get_command(click.Context(tool), group)
        assert isinstance(holder, click.Group)
        for name in holder.list_commands(click.Context(holder)):
            of_flow = group == "env" and name in FLOW_ENV_COMMANDS
            lines += _section(holder, name, "FLOW.py " if of_flow else "", f"{group} ")
    return "\n".join(lines).rstrip("\n") + "\n"


def _flow_sections(flow: click.Group, name: str) -> Iterator[str]:
    command = flow.get_command(click.Context(flow), name)
    if not isinstance(command, click.Group) or "show" in command.commands:
        yield from _section(flow, name, "FLOW.py ")
    else:
        yield from _head(name, f"{TOOL} {name} FLOW.py COMMAND [ARGS]...", command.help)
        yield from [*_options(click.Context(command), command), ""]
    if isinstance(command, click.Group):
        for one in _OF_FLOWS[name]:
            yield from _section(command, one, "", f"{name} ", "FLOW.py ")


def _section(
    group: click.Group, name: str, file: str, before: str = "", between: str = ""
) -> Iterator[str]:
    parent = click.Context(group, info_name=TOOL)
    command = group.get_command(parent, name)
    assert command is not None
    if isinstance(command, click.Group):
        # `logs` has one command of its own, which may be left out.
        command = command.commands["show"]
    context = click.Context(command, info_name=name, parent=parent)
    pieces = command.collect_usage_pieces(context)
    usage = f"{TOOL} {before}{between}{name} {file}{' '.join(pieces)}"
    yield from _head(before + name, usage, command.help)
    options = _options(context, command)
    if options:
        yield from options
        yield ""


def _head(name: str, usage: str, said: str | None) -> Iterator[str]:
    yield from (f"### `{name}`", "", f"`{usage}`", "", (said or "").replace("\b\n", ""), "")


def _options(context: click.Context, command: click.Command) -> list[str]:
    lines: list[str] = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            lines.append(f"- `{record[0]}`: {' '.join(record[1].split())}")
    return lines
