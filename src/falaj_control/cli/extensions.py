"""`falaj extensions`: what other installed packages add to Falaj, and whether it can be used."""

from __future__ import annotations

import json

import click

from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext

_COLUMNS = ("kind", "name", "package", "target", "state")
_HELP = """List what other installed packages add to Falaj, by their entry points.

Each is imported, to see whether it works. The exit status is 1 if one can't be used."""


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def extensions(as_json: bool) -> int:
        # Imported here: it needs what few commands do.
        from falaj_control.extensions import examine

        found = list(examine())
        if as_json:
            data = [{**one.extension._asdict(), "problem": one.problem} for one in found]
            line.output.line(json.dumps(data, indent=2))
        elif found:
            rows = [
                [
                    one.extension.kind,
                    one.extension.name,
                    f"{one.extension.package} {one.extension.version}",
                    one.extension.target,
                    "can't be used" if one.problem else "ok",
                ]
                for one in found
            ]
            tables.draw(line.output, _COLUMNS, rows)
            for problem in dict.fromkeys(one.problem for one in found if one.problem):
                line.errors.line(line.errors.shown(problem))
        else:
            line.errors.line("No installed package adds anything to Falaj.")
        return 1 if any(one.problem for one in found) else 0

    option = click.Option(["--json", "as_json"], is_flag=True, help="Write JSON.")
    return click.Command("extensions", callback=extensions, params=[option], help=_HELP)
