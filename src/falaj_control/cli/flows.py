"""`falaj flows`: the flows that have runs."""

from __future__ import annotations

import json

import click

from falaj.client.access import Access
from falaj.model import states
from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext
from falaj_control.cli.wording import minute

_COLUMNS = ("flow", "runs", "latest", "state", "when")


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def flows(as_json: bool) -> None:
        reader = Access().reader
        found = [(summary, reader.run(summary.latest)) for summary in reader.flows()]
        if as_json:
            data = [
                {
                    "flow": one.name,
                    "runs": one.runs,
                    "created_at": one.created_at,
                    "latest": one.latest,
                    "latest_state": run.state if run is not None else None,
                    "latest_created_at": run.created_at if run is not None else None,
                }
                for one, run in found
            ]
            line.output.line(json.dumps(data, indent=2))
        elif found:
            rows = [
                [
                    one.name,
                    str(one.runs),
                    str(one.latest),
                    states.TITLES[run.state] if run is not None else "",
                    minute(run.created_at) if run is not None else "",
                ]
                for one, run in found
            ]
            tables.draw(line.output, _COLUMNS, rows)
        else:
            line.errors.line("No runs are recorded yet.")

    option = click.Option(["--json", "as_json"], is_flag=True, help="Write JSON.")
    return click.Command("flows", callback=flows, params=[option], help="List the flows.")
