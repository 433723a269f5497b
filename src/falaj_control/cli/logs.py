"""`logs`: what tasks have printed, and go on printing while they run."""

from __future__ import annotations

import time
from typing import Any

import click

from falaj.client.access import Access
from falaj.client.logs import read_log
from falaj.client.taskfacts import TaskFacts
from falaj_control.cli.context import CommandContext
from falaj_control.cli.logfollowing import LogFollower, LogPrinter
from falaj_control.cli.logs_scrub import scrub_command
from falaj_control.cli.logstreams import stream_options, streams_from
from falaj_control.cli.pathspecs import FORMS, complete_paths, select

POLL_SECONDS = 0.2

_HELP = f"""Show what a task, or all tasks of a step or a run, have printed.

PATHSPEC is {FORMS}. What still runs is followed until it ends."""


def command(line: CommandContext) -> click.Command:
    """Return the command; `line` may be about no flow in particular."""
    return LogsGroup(line)


class LogsGroup(click.Group):
    """`logs show PATHSPEC`, where `show` may be left out."""

    def __init__(self, line: CommandContext) -> None:
        """Hold the commands."""
        super().__init__("logs", help=_HELP, no_args_is_help=True)
        self._show = show_command(line)
        self.add_command(self._show)
        self.add_command(scrub_command(line))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take what is no command for the arguments of `show`."""
        if args[0] in self.commands:
            return super().resolve_command(ctx, args)
        return "show", self._show, args

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave the options to `show`."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "show"):
            args = ["show", *args]
        return super().parse_args(ctx, args)


def show_command(line: CommandContext) -> click.Command:
    """Return `logs show`."""

    def show(pathspec: str, **values: Any) -> None:
        streams = streams_from(values)
        _show(line, pathspec, streams, **values)

    parameters: list[click.Parameter] = [
        click.Argument(["pathspec"], shell_complete=complete_paths(line)),
        *stream_options(
            "Show only standard output.",
            "Show only standard error.",
            "Show both streams, by time.",
        ),
        click.Option(
            ["--timestamps/--no-timestamps"], default=False, help="Show when each line came."
        ),
        click.Option(
            ["--attempt"],
            type=click.IntRange(min=0),
            metavar="N",
            help="Show this try, counted from 0.  [default: the latest]",
        ),
        click.Option(
            ["--follow/--no-follow"], default=True, help="Wait for more while a task still runs."
        ),
    ]
    return click.Command("show", callback=show, params=parameters, help=_HELP)


def _show(
    line: CommandContext,
    pathspec: str,
    streams: str,
    timestamps: bool,
    attempt: int | None,
    follow: bool,
) -> None:
    access = Access()
    chosen = select(access, pathspec, line.flow_name, attempt)
    follow = follow and attempt is None
    tasks = list(chosen.tasks())
    many = chosen.step is None or (
        len(tasks) > 1 and follow and any(not _is_over(task) for task in tasks)
    )
    printer = LogPrinter(line.output, streams, timestamps)
    headings = None if chosen.task is not None or many else line.errors
    follower = LogFollower(chosen, printer, prefixed=many, headings=headings)
    while not follower.run_once() and follow:
        if line.interrupted():
            raise KeyboardInterrupt
        time.sleep(POLL_SECONDS)
    if chosen.step is None and attempt is None:
        for stored in read_log(access.home.hooks_log(chosen.run.id)):
            printer.write("", stored)
    printer.close()


def _is_over(task: TaskFacts) -> bool:
    return LogFollower.is_over(task)
