"""The commands of `falaj` that need no flow's process, and the help on all of them."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from falaj.model.graph import FlowDescription
from falaj.version import VERSION
from falaj_control.cli.context import CommandContext
from falaj_control.cli.flow_commands import COMMANDS, CommandEntry, FlowGroup, no_command
from falaj_control.cli.flow_process import COMPLETION_VARIABLE, FLOW_COMMANDS, RECORD_COMMANDS

OWN_COMMANDS = {
    "runs": CommandEntry("runs", "List the latest runs, of one flow or of all."),
    "flows": CommandEntry("flows", "List the flows that have runs."),
    "metrics": CommandEntry("metrics", "Show the metrics that were logged in a run."),
    "code": CommandEntry("code", "Pull the code of runs, or compare it."),
    "debug": CommandEntry("debug", "Open a failed task where it raised, with its data and code."),
    "env": CommandEntry("env", "Build, show, check and remove the environments of steps."),
    "diff": CommandEntry("diff", "Say what differs between two runs or two tasks."),
    "doctor": CommandEntry("doctor", "Examine this machine and the home."),
    "extensions": CommandEntry("extensions", "List what other packages add to Falaj."),
    "gc": CommandEntry("gc", "Delete old runs, and what nothing refers to any more."),
    "card": CommandEntry("card", "List, show and render the cards of tasks."),
    "tag": CommandEntry("tag", "Change or list the tags of runs."),
    "version": CommandEntry("version", "Show the version of Falaj."),
    "completion": CommandEntry("completion", "Print the completion script of a shell."),
}
_HELP = """Run flows written in Python, and look at what they left.

Flow commands name the flow's file: falaj run flow.py. Inside the file's folder, python flow.py run
does the same. dump, logs and show also take a path alone: falaj logs GenreStats/412/start."""
# Stands for any flow where help is asked without one.
_ANY_FLOW = FlowDescription("", "", "", (), (), "start", "end")


class ToolGroup(click.Group):
    """The commands of `falaj`, each made when it is asked for."""

    def __init__(self, line: CommandContext) -> None:
        """Make commands for `line`, which is about no flow."""
        version = click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            callback=_print_version(line),
            is_eager=True,
            help="Show the version of Falaj.",
        )
        super().__init__(name=line.program, params=[version], help=_HELP, no_args_is_help=True)
        self._line = line

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        flows = [name for name, one in COMMANDS.items() if not one.hidden and name != "help"]
        return [*OWN_COMMANDS, *(name for name in flows if name not in OWN_COMMANDS)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing what it needs."""
        if ctx.resilient_parsing and cmd_name in FLOW_COMMANDS and cmd_name not in OWN_COMMANDS:
            # Imported here: only a shell that completes needs it.
            from falaj_control.cli.completion import AnyFlowCommand

            return AnyFlowCommand(self._line, cmd_name)
        entry = OWN_COMMANDS.get(cmd_name)
        if entry is None and cmd_name in RECORD_COMMANDS:
            entry = COMMANDS[cmd_name]
        if entry is None:
            return None
        command: click.Command = import_module(f"falaj_control.cli.{entry.module}").command(
            self._line
        )
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or say what is amiss."""
        name, *rest = args
        if ctx.resilient_parsing or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        if name == "help":
            return "help", click.Command("help", callback=self._show_help), []
        if name in FLOW_COMMANDS:
            if "--help" in rest:
                return name, _without_flow(self._line, name), ["--help"]
            raise click.UsageError(f"Name the flow's file: falaj {name} flow.py", ctx)
        raise click.UsageError(no_command(name, self.list_commands(ctx)), ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        flows = [
            (f"{name} FLOW.py", one.summary)
            for name, one in COMMANDS.items()
            if not one.hidden and name not in ("help", *OWN_COMMANDS)
        ]
        with formatter.section("Commands for a flow"):
            formatter.write_dl(flows)
        with formatter.section("Commands for all flows"):
            formatter.write_dl([(name, one.summary) for name, one in OWN_COMMANDS.items()])

    def _show_help(self) -> None:
        context = click.get_current_context()
        self._line.output.line((context.parent or context).get_help())


def run_own(line: CommandContext) -> int:
    """Do a command that needs no flow's process and return the exit code."""
    group = ToolGroup(line)
    instruction = os.environ.get(COMPLETION_VARIABLE)
    if instruction:
        # Imported here: only a shell that completes needs it.
        from click.shell_completion import shell_complete

        return shell_complete(group, {}, line.program, COMPLETION_VARIABLE, instruction)
    result = group.main(list(line.arguments), prog_name=line.program, standalone_mode=False)
    return result if isinstance(result, int) else 0


def _without_flow(line: CommandContext, name: str) -> click.Command:
    group = FlowGroup(CommandContext(line.program, _ANY_FLOW, output=line.output))
    command = group.get_command(click.Context(group), name)
    assert command is not None
    command.epilog = f"falaj {name} flow.py --help also shows the parameters of that flow."
    return command


def _print_version(line: CommandContext) -> Any:
    def show(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            line.output.line(VERSION)
            ctx.exit()

    return show
