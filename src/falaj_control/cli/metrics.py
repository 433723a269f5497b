"""`falaj metrics`: what the metrics of a run, a step or a task come to, and parameters logged."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from falaj.client import figures
from falaj.client.access import Access
from falaj.client.figures import Scope, Summary
from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext
from falaj_control.cli.pathspecs import FORMS, Selection, complete_paths, select

_COLUMNS = ("metric", "points", "last", "min", "max")
_LONGEST = 60
_HELP = f"""Show the metrics and parameters that were logged in a run, a step or a task.

PATHSPEC is {FORMS}."""


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def metrics(pathspec: str, as_json: bool) -> None:
        access = Access()
        chosen = select(access, pathspec, line.flow_name)
        scope = scope_of(chosen)
        found = figures.summaries(access.reader, [scope.run], scope)[scope.run]
        params = figures.logged_params(access.reader, [scope.run], scope)[scope.run]
        if as_json:
            line.output.line(json.dumps(_json(found, params), indent=2))
            return
        if found:
            rows = [_row(name, one) for name, one in found.items()]
            tables.draw(line.output, _COLUMNS, rows)
        if params:
            if found:
                line.output.line("")
            shown = [[name, _short(json.dumps(value))] for name, value in params.items()]
            tables.draw(line.output, ("parameter", "value"), shown)
        if not found and not params:
            line.errors.line("Nothing was logged there.")

    parameters: list[click.Parameter] = [
        click.Argument(["pathspec"], shell_complete=complete_paths(line)),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
    ]
    return click.Command("metrics", callback=metrics, params=parameters, help=_HELP)


def scope_of(chosen: Selection) -> Scope:
    """Return whose figures a path asks for."""
    task = chosen.task.record.id if chosen.task is not None else None
    return Scope(chosen.run.id, chosen.step, task)


def shown_number(value: float) -> str:
    """Return a metric's value with six digits."""
    return f"{value:.6g}"


def json_number(value: float) -> float | str:
    """Return a number as JSON has it; those that JSON lacks as text."""
    return value if math.isfinite(value) else str(value)


def _row(name: str, one: Summary) -> list[str]:
    return [name, str(one.points), *map(shown_number, (one.last, one.least, one.most))]


def _json(found: dict[str, Summary], params: dict[str, Any]) -> dict[str, Any]:
    return {
        "metrics": {
            name: {
                "points": one.points,
                "last": json_number(one.last),
                "last_at": one.last_at,
                "min": json_number(one.least),
                "max": json_number(one.most),
            }
            for name, one in found.items()
        },
        "params": params,
    }


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
