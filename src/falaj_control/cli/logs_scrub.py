"""`logs scrub`: take what tasks have printed out of their logs, for good."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import click

from falaj.client.access import Access
from falaj.client.logs import read_log
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajException
from falaj.model import states
from falaj.model.loglines import STDERR, STDOUT, LogLine, format_line
from falaj_control.cli.context import CommandContext
from falaj_control.cli.logstreams import stream_options, streams_from
from falaj_control.cli.pathspecs import FORMS, complete_paths, select

_NAMES = {STDOUT: "stdout", STDERR: "stderr"}
_AT_ONCE = 1 << 20
_HELP = f"""Replace what a task, or all tasks of a step or a run, have printed by a mark.

PATHSPEC is {FORMS}. What was printed can't be had back. A reused task's log is that of the task
that really ran. The exception of a failed task stays in the records."""


class NothingToScrub(FalajException):
    """Tasks that have no log that could be scrubbed, or not yet."""

    headline = "Nothing to scrub"


def scrub_command(line: CommandContext) -> click.Command:
    """Return `logs scrub`."""

    def scrub(
        pathspec: str,
        attempt: int | None,
        latest: bool,
        include_not_done: bool,
        **values: Any,
    ) -> None:
        streams = streams_from(values)
        access = Access()
        tasks = list(select(access, pathspec, line.flow_name, attempt).tasks())
        done = [one for one in tasks if include_not_done or _is_done(one)]
        every = attempt is None and not latest
        logs = {path: one for one in done for path in _logs(one, every)}
        for path, one in logs.items():
            scrub_log(path, streams, _is_done(one))
        skipped = len(tasks) - len(done)
        if skipped:
            line.errors.line(f"{skipped} not done yet; scrub those too with: --include-not-done")
        if not done:
            raise NothingToScrub(f"{pathspec} has no task that has ended.")
        count = "1 log" if len(logs) == 1 else f"{len(logs)} logs"
        line.output.line(f"{count} scrubbed.")

    parameters: list[click.Parameter] = [
        click.Argument(["pathspec"], shell_complete=complete_paths(line)),
        *stream_options("Only standard output.", "Only standard error.", "Both streams."),
        click.Option(
            ["--attempt"],
            type=click.IntRange(min=0),
            metavar="N",
            help="Only this try, counted from 0.",
        ),
        click.Option(
            ["--latest/--all"], default=True, help="The latest try or all.  [default: latest]"
        ),
        click.Option(
            ["--include-not-done"], is_flag=True, help="Also tasks that have not ended yet."
        ),
    ]
    return click.Command("scrub", callback=scrub, params=parameters, help=_HELP)


def scrub_log(path: str, streams: str, is_done: bool) -> None:
    """Replace the lines of `streams` in a log by one mark each; raise OSError's sentence.

    A log that still grows keeps its file, and may lose what is written at that very moment.
    """
    kept = b"".join(map(format_line, _scrubbed(read_log(path), streams)))
    try:
        if is_done:
            _replace(path, kept)
        else:
            _rewrite(path, kept)
    except OSError as error:
        raise NothingToScrub(f"{path} can't be written: {error.strerror}.") from error


def _scrubbed(lines: Iterable[LogLine], streams: str) -> Iterator[LogLine]:
    marked: set[str] = set()
    for one in lines:
        if one.stream not in streams:
            yield one
        elif one.stream not in marked:
            marked.add(one.stream)
            mark = f"[REDACTED task {_NAMES[one.stream]}]"
            yield LogLine(one.at, one.stream, mark.encode(), True)


def _replace(path: str, contents: bytes) -> None:
    """Give `path` new contents in one go, then overwrite the old ones where they lie."""
    temporary = f"{path}.{os.getpid()}.part"
    with open(path, "r+b") as old:
        try:
            with open(temporary, "wb") as file:
                file.write(contents)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
        left = os.fstat(old.fileno()).st_size
        while left > 0:
            left -= old.write(b"\0" * min(left, _AT_ONCE))
        old.flush()
        os.fsync(old.fileno())


def _rewrite(path: str, contents: bytes) -> None:
    # Whoever writes the log holds it open and adds to its end.
    file = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.ftruncate(file, 0)
        os.write(file, contents)
    finally:
        os.close(file)


def _is_done(task: TaskFacts) -> bool:
    return task.record.state in states.TASK_FINAL


def _logs(task: TaskFacts, every: bool) -> Iterator[str]:
    source = task.source
    numbers = [one.number for one in task.attempts()] if every else [task.current_attempt()]
    for number in numbers:
        path = task.access.home.log(source.run, source.id, number)
        # There is none where nothing was printed.
        if os.path.exists(path):
            yield path
