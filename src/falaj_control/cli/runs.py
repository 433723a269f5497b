"""`falaj runs`: the latest runs, of one flow or of all."""

from __future__ import annotations

import json
from typing import Any

import click

from falaj.client.access import Access
from falaj.client.figures import summaries
from falaj.client.matching import matching_runs
from falaj.client.resolve import no_flow
from falaj.errors import FalajNotFound
from falaj.model import states
from falaj.model.records import RunRecord
from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext
from falaj_control.cli.metrics import json_number, shown_number
from falaj_control.cli.wording import duration, minute

_COLUMNS = ("id", "flow", "state", "when", "duration", "tasks", "failed", "user", "tags")


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def runs(
        flow: str | None,
        limit: int,
        state: str | None,
        tags: tuple[str, ...],
        metrics: tuple[str, ...],
        as_json: bool,
    ) -> None:
        access = Access()
        if flow is not None and access.reader.flow(flow) is None:
            raise FalajNotFound(no_flow(access, flow))
        matching = matching_runs(access.reader, flow, tags, state, limit)
        found = [_facts(access, run) for run in matching]
        _add_metrics(access, found)
        if as_json:
            line.output.line(json.dumps(found, indent=2))
        elif found:
            rows = [[*_row(one), *_metric_cells(one, metrics)] for one in found]
            tables.draw(line.output, (*_COLUMNS, *metrics), rows)
        else:
            line.errors.line("No runs match." if state or tags else "No runs are recorded yet.")

    parameters: list[click.Parameter] = [
        click.Argument(["flow"], required=False, shell_complete=complete_flows),
        click.Option(
            ["--limit"],
            type=click.IntRange(min=1),
            default=20,
            show_default=True,
            metavar="N",
            help="Show at most this many, the latest.",
        ),
        click.Option(
            ["--state"], type=click.Choice(states.RUN_STATES), help="Show only runs in this state."
        ),
        click.Option(
            ["--tag", "tags"],
            multiple=True,
            metavar="TAG",
            help="Show only runs with this tag. May be repeated.",
        ),
        click.Option(
            ["--metric", "metrics"],
            multiple=True,
            metavar="NAME",
            help="Show the last value of this metric. May be repeated.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
    ]
    return click.Command("runs", callback=runs, params=parameters, help="List the latest runs.")


def complete_flows(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of a flow that has runs."""
    return [one.name for one in Access().reader.flows() if one.name.startswith(incomplete)]


def _facts(access: Access, run: RunRecord) -> dict[str, Any]:
    counts = access.reader.task_states(run)
    tags = access.reader.tags(run.id)
    return {
        "id": run.id,
        "flow": run.flow,
        "state": run.state,
        "reason": run.reason,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "seconds": _seconds(run),
        "tasks": sum(counts.values()),
        "done": sum(counts.get(state, 0) for state in states.TASK_SUCCESSFUL),
        "failed": counts.get(states.FAILED, 0) + counts.get(states.LOST, 0),
        "user": run.user,
        "tags": sorted(tags.user),
        "system_tags": sorted(tags.system),
        "origin": run.origin,
    }


def _add_metrics(access: Access, found: list[dict[str, Any]]) -> None:
    summed = summaries(access.reader, [one["id"] for one in found])
    for one in found:
        last = {name: json_number(metric.last) for name, metric in summed[one["id"]].items()}
        one["metrics"] = last


def _metric_cells(one: dict[str, Any], metrics: tuple[str, ...]) -> list[str]:
    values = [one["metrics"].get(name) for name in metrics]
    return ["" if value is None else shown_number(float(value)) for value in values]


def _seconds(run: RunRecord) -> float:
    end = run.heard_at if run.finished_at is None else run.finished_at
    return max(end - run.created_at, 0.0)


def _row(one: dict[str, Any]) -> list[str]:
    return [
        str(one["id"]),
        one["flow"],
        states.TITLES[one["state"]],
        minute(one["created_at"]),
        duration(one["seconds"]),
        f"{one['done']}/{one['tasks']}",
        str(one["failed"]),
        one["user"],
        ", ".join(one["tags"]),
    ]
