"""`falaj gc`: delete old runs, and the space that nothing refers to any more."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

import click

from falaj.model import states
from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext
from falaj_control.cli.runs import complete_flows
from falaj_control.cli.wording import minute
from falaj_control.environments.storage import shown_size
from falaj_control.housekeeping.collection import Collected, GarbageCollector
from falaj_control.housekeeping.policy import KnownRun, Policy
from falaj_control.settings import read_settings

_HELP = """Delete old runs, and the space that nothing refers to any more.

Runs go that every condition given says so of; without a condition none does, and only space is
freed that no run refers to. Running runs stay, and so do runs that one which stays was resumed
from. Spins go a week after their end, whatever is said here. It is safe beside runs under way.
Environments are removed by: falaj env gc"""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])\Z")
_COLUMNS = ("id", "flow", "state", "ended", "tags")


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def gc(dry_run: bool, yes: bool, as_json: bool, **values: Any) -> int:
        policy = Policy(**values)
        settings = read_settings()
        collector = GarbageCollector(settings.home, settings.cache, settings.gc_grace)
        agreed = None
        if policy.asks and not (dry_run or yes):
            runs, _ = collector.plan(policy, time.time())
            if runs and not _agreed(line, runs):
                return 1
            agreed = {run.id for run in runs}
        done = collector.collect(policy, time.time(), dry_run, agreed)
        if as_json:
            line.output.line(json.dumps(_facts(done, dry_run), indent=2))
        else:
            _tell(line, done, dry_run)
        return 0

    return click.Command("gc", callback=gc, params=_parameters(), help=_HELP)


def _parameters() -> list[click.Parameter]:
    return [
        click.Option(
            ["--older-than"],
            metavar="AGE",
            callback=_seconds,
            help="Runs that ended longer ago than this: 90s, 45m, 12h, 30d or 2w.",
        ),
        click.Option(
            ["--keep-last"],
            type=click.IntRange(min=0),
            metavar="N",
            help="All but the latest N runs of each flow.",
        ),
        click.Option(
            ["--flow", "flows"],
            multiple=True,
            metavar="FLOW",
            shell_complete=complete_flows,
            help="Runs of this flow. May be repeated.",
        ),
        click.Option(
            ["--status", "states"],
            multiple=True,
            type=click.Choice([one for one in states.RUN_STATES if one != states.RUNNING]),
            help="Runs that ended so. May be repeated.",
        ),
        click.Option(
            ["--tag", "tags"],
            multiple=True,
            metavar="TAG",
            help="Runs with this tag. May be repeated; then with all of them.",
        ),
        click.Option(["--untagged"], is_flag=True, help="Runs to which nobody has given a tag."),
        click.Option(
            ["--keep-tag", "keep_tags"],
            multiple=True,
            metavar="TAG",
            help="Keep runs with this tag, whatever else says that they go. May be repeated.",
        ),
        click.Option(["--dry-run"], is_flag=True, help="Delete nothing, only show it."),
        click.Option(["--yes"], is_flag=True, help="Don't ask."),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
    ]


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = _AGE.match(value.strip())
    if found is None:
        raise click.BadParameter(f"{value!r} is no age; write 90s, 45m, 12h, 30d or 2w.")
    return float(found[1]) * _UNITS[found[2]]


def _agreed(line: CommandContext, runs: tuple[KnownRun, ...]) -> bool:
    _draw(line, runs)
    count = _counted(len(runs), "run")
    if not sys.stdin.isatty():
        line.errors.line(f"{count} would be deleted. Say --yes to delete, or --dry-run to look.")
        return False
    return click.confirm(f"Delete {count} with logs and artifacts?", default=False, err=True)


def _tell(line: CommandContext, done: Collected, dry_run: bool) -> None:
    if done.runs:
        _draw(line, done.runs)
    for run, why in sorted(done.stays.items()):
        line.errors.line(f"Run {run} stays: {why}.")
    verb = "would be deleted" if dry_run else "deleted"
    space = f"{shown_size(done.swept.size)} in {_counted(done.swept.blobs, 'blob')}"
    runs = _counted(len(done.runs), "run")
    spins = f", {_counted(done.spins, 'spin')}" if done.spins else ""
    line.errors.line(f"{runs}{spins} {verb}, and {space} that nobody needs.")


def _draw(line: CommandContext, runs: tuple[KnownRun, ...]) -> None:
    rows = [
        [
            str(run.id),
            run.flow,
            states.TITLES[run.state],
            "" if run.ended_at is None else minute(run.ended_at),
            ", ".join(sorted(run.tags)),
        ]
        for run in runs
    ]
    tables.draw(line.output, _COLUMNS, rows)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _facts(done: Collected, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "runs": [run.id for run in done.runs],
        "stays": {str(run): why for run, why in sorted(done.stays.items())},
        "spins": done.spins,
        "blobs": done.swept.blobs,
        "bytes": done.swept.size,
    }
