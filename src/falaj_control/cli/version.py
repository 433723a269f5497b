"""`version`: say which Falaj this is."""

from __future__ import annotations

import click

from falaj.version import VERSION
from falaj_control.cli.context import CommandContext


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def version() -> None:
        line.output.line(VERSION)

    return click.Command("version", callback=version, help="Show the version of Falaj.")
