"""The command line of one flow: `python flow.py COMMAND`, and `falaj COMMAND flow.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click

from falaj.authoring.wording import near_miss
from falaj.errors import InvalidFlow
from falaj.model.graph import FlowDescription
from falaj_control.cli.context import (
    ATTRIBUTE_OPTION,
    TOOL,
    CarryOut,
    CommandContext,
    Start,
)
from falaj_control.cli.errors import guarded
from falaj_control.cli.terminal import Output
from falaj_control.cli.toplevel import settle_top_level, top_level_options


class CommandEntry(NamedTuple):
    """One command: the module that makes it, what it does, and whether help lists it.

    A module is imported only for its own command, so that no command pays for another. Its
    `command(line)` returns the click command.
    """

    module: str
    summary: str
    hidden: bool = False


COMMANDS = {
    "card": CommandEntry("card", "List, show and render the cards of tasks."),
    "check": CommandEntry("check", "Check that the flow is valid (default)."),
    "dump": CommandEntry("dump", "Show the artifacts of a task, or of all tasks of a step."),
    "env": CommandEntry("env", "Build the environments of the steps."),
    "help": CommandEntry("help", "Show all commands."),
    "lock": CommandEntry("lock", "Write the packages of all steps to the flow's lock file."),
    "logs": CommandEntry("logs", "Show what a task, a step or a run has printed."),
    "output-dot": CommandEntry("output_dot", "Draw the flow's graph for Graphviz."),
    "output-raw": CommandEntry("output_raw", "Show the flow's graph as data."),
    "package": CommandEntry("package", "Show or save what a run would keep as the code."),
    "resume": CommandEntry("resume", "Continue an earlier run with what it has finished."),
    "run": CommandEntry("run", "Run the flow."),
    "show": CommandEntry("show", "Show the flow's steps and what they say of themselves."),
    "spin": CommandEntry("spin", "Execute one step once more, on the inputs of an earlier task."),
    "tag": CommandEntry("tag", "Change or list the tags of runs."),
    "version": CommandEntry("version", "Show the version of Falaj."),
    "completion": CommandEntry("flow_completion", "Complete a command line.", hidden=True),
}
# Commands that tell something useful of a flow that is not valid.
_WORK_ANYWAY = frozenset(("help", "version", "--help"))
_NOT_YET = frozenset(
    ("airflow argo-workflows batch init kubernetes spot-metadata step step-functions").split()
)


class FlowGroup(click.Group):
    """The commands of one flow, each made when it is asked for."""

    def __init__(self, line: CommandContext) -> None:
        """Make commands for `line`."""
        super().__init__(
            name=line.program,
            params=top_level_options(),
            callback=self._begin,
            invoke_without_command=True,
            help=line.description.doc if line.description is not None else None,
        )
        self._line = line

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing what it needs."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = import_module(f"falaj_control.cli.{entry.module}")
        command: click.Command = module.command(self._line)
        command.name = cmd_name
        command.hidden = entry.hidden
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was typed, or say which one was probably meant."""
        name = args[0]
        if name not in COMMANDS and not ctx.resilient_parsing:
            if name in _NOT_YET:
                raise click.UsageError(f"The command '{name}' is not available yet.", ctx)
            if not name.startswith("-"):
                raise click.UsageError(no_command(name, COMMANDS), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        shown = [(name, one.summary) for name, one in COMMANDS.items() if not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(shown)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Name the flow's file where `falaj` takes it, after the command."""
        if self._line.program == TOOL:
            return ["COMMAND", "FLOW.py", "[ARGS]..."]
        return super().collect_usage_pieces(ctx)

    def _begin(self, **values: Any) -> Any:
        settle_top_level(self._line, values)
        context = click.get_current_context()
        if context.invoked_subcommand is None:
            command = self.get_command(context, "check")
            assert command is not None
            return context.invoke(command)
        return None


def no_command(name: str, commands: Sequence[str] | dict[str, Any]) -> str:
    """Return the sentence for a command that does not exist."""
    return f"There is no command '{name}'{near_miss(name, list(commands))}."


def run_flow_command(
    description: FlowDescription | None,
    problems: Sequence[str],
    arguments: Sequence[str],
    program: str,
    start: Start,
    siblings: Sequence[str] = (),
    interrupted: Callable[[], bool] = lambda: False,
    fault: str = "",
    carry_out: CarryOut | None = None,
) -> int:
    """Do what `arguments` ask of a flow and return the exit code; never raises.

    `problems` are the sentences of the flow's checks, `program` is what was typed before the
    command, `siblings` names the other flows of the file. `start` runs a request to its end,
    telling the watcher, and returns the exit code. `interrupted` says whether the person wants to
    stop; commands that wait without a run ask it several times a second. `fault` titles the
    problems where the flow itself may be sound; `usage` means what was typed. `carry_out` has a
    single order done in the flow's process.
    """
    line = CommandContext(
        program=program,
        description=description,
        start=start,
        carry_out=carry_out,
        arguments=tuple(arguments),
        siblings=tuple(siblings),
        output=Output(sys.stdout),
        errors=Output(sys.stderr),
        interrupted=interrupted,
    )
    if ATTRIBUTE_OPTION in arguments:
        return _run_for_program(line, problems, fault)
    return guarded(lambda: _dispatch(line, problems, fault), line.errors)


def _run_for_program(line: CommandContext, problems: Sequence[str], fault: str) -> int:
    # Imported here: what a person types has no such program.
    from falaj_control.cli.starter import keyword_of, starter_of

    starter = starter_of(line.arguments)
    if starter is None:
        return guarded(lambda: _dispatch(line, problems, fault), line.errors)
    starter.watch()

    def body() -> int:
        starter.check(line.description)
        return _dispatch(line, problems, fault, keyword_of)

    return starter.guarded(body, line.errors)


def _dispatch(
    line: CommandContext,
    problems: Sequence[str],
    fault: str,
    spelling: Callable[[str], str] | None = None,
) -> int:
    if problems and not _WORK_ANYWAY.intersection(line.arguments):
        if fault == "usage":
            raise click.UsageError("\n".join(problems))
        error = InvalidFlow(problems, line.flow_name or "")
        error.headline = fault or error.headline
        raise error
    result = FlowGroup(line).main(
        list(line.arguments),
        prog_name=line.program,
        standalone_mode=False,
        token_normalize_func=spelling,
    )
    return result if isinstance(result, int) else 0
