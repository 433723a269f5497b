"""The hidden `completion`: what may come next in a command line of one flow."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete

from falaj_control.cli.completion import format_item
from falaj_control.cli.context import CommandContext
from falaj_control.cli.flow_commands import FlowGroup


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def completion(incomplete: str, words: tuple[str, ...]) -> None:
        completer = ShellComplete(FlowGroup(line), {}, line.program, "")
        for item in completer.get_completions(list(words), incomplete):
            line.output.write(format_item(item) + "\n")
        line.output.flush()

    return click.Command(
        "completion",
        callback=completion,
        params=[
            click.Argument(["incomplete"]),
            click.Argument(["words"], nargs=-1, type=click.UNPROCESSED),
        ],
        add_help_option=False,
        help="Complete a command line.",
    )
