"""`check`: say whether the flow is valid, and what can be done with it."""

from __future__ import annotations

import click

from falaj.authoring.wording import listed
from falaj_control.cli.context import CommandContext


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def check(**_: bool) -> None:
        # A flow with problems never gets here: they are told before any command.
        lines = [
            "Validating your flow...",
            "    The graph looks good!",
            "",
            f"'{line.typed('show')}' shows a description of this flow.",
            f"'{line.typed('run')}' runs the flow locally.",
            f"'{line.typed('help')}' shows all available commands and options.",
        ]
        if line.siblings:
            lines += ["", f"The same file also holds {listed(line.siblings)}."]
        line.output.line("\n".join([*lines, ""]))

    hidden = click.Option(
        ["--warnings/--no-warnings"],
        default=True,
        hidden=True,
        help="Read for command lines written for Metaflow.",
    )
    return click.Command(
        "check", callback=check, params=[hidden], help="Check that the flow is valid."
    )
