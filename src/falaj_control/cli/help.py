"""`help`: list all commands."""

from __future__ import annotations

import click

from falaj_control.cli.context import CommandContext


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def show_help() -> None:
        context = click.get_current_context()
        line.output.line((context.parent or context).get_help())

    return click.Command("help", callback=show_help, help="Show all commands.")
