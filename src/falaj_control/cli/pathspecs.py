"""Paths of recorded things as people type them: RUN, RUN/STEP, RUN/STEP/TASK, with FLOW before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import click

from falaj.client.access import Access, RunFacts
from falaj.client.lookup import number
from falaj.client.resolve import find_run, find_step, find_task
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajInvalidPathspec, FalajNotFound
from falaj_control.cli.context import CommandContext

FORMS = "RUN, RUN/STEP or RUN/STEP/TASK, with the flow's name before it or not"
_RECENT = 10

Completer = Callable[[click.Context, click.Parameter, str], list[str]]


class Selection(NamedTuple):
    """The part of a run that a path names; `step` and `task` are None where it stops before.

    Where an `attempt` was asked for, it is the tasks as that attempt left them.
    """

    run: RunFacts
    step: str | None
    task: TaskFacts | None
    attempt: int | None = None

    def tasks(self) -> Iterator[TaskFacts]:
        """Yield the tasks that there are now and that had the attempt, by id."""
        if self.task is not None:
            yield self.task
            return
        for record in self.run.access.reader.tasks(self.run.id, self.step):
            task = TaskFacts(self.run, record, self.attempt)
            if self.attempt is None or task.attempt_record() is not None:
                yield task


def select(
    access: Access, pathspec: str, flow: str | None, attempt: int | None = None
) -> Selection:
    """Return what `pathspec` names; a run without a flow's name is one of `flow`, where given.

    Raises FalajInvalidPathspec or FalajNotFound.
    """
    parts = pathspec.strip("/").split("/")
    name = flow
    if number(parts[0]) is None:
        name = parts.pop(0)
    if not 1 <= len(parts) <= 3 or not all(parts):
        raise FalajInvalidPathspec(f"{pathspec!r} is not a path. Write {FORMS}.")
    run, *rest = parts
    facts = find_run(access, name or _flow_of(access, run), run)
    if len(rest) == 2:
        return Selection(facts, rest[0], find_task(facts, rest[0], rest[1], attempt), attempt)
    if rest:
        find_step(facts, rest[0])
    chosen = Selection(facts, rest[0] if rest else None, None, attempt)
    if attempt is not None and next(chosen.tasks(), None) is None:
        path = "/".join((*facts.parts, *rest))
        raise FalajNotFound(f"No task of {path} has an attempt {attempt}.")
    return chosen


def _flow_of(access: Access, run: str) -> str:
    wanted = number(run)
    record = None if wanted is None else access.reader.run(wanted)
    if record is None:
        latest = ", ".join(f"{one.flow}/{one.id}" for one in access.reader.runs(limit=_RECENT))
        there = f"The latest runs are {latest}." if latest else "No runs are recorded yet."
        raise FalajNotFound(f"There is no run {run} in {access.home.root}. {there}")
    return record.flow


def complete_runs(line: CommandContext) -> Completer:
    """Return what completes the id of a run."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        recent = Access().reader.runs(line.flow_name, limit=_RECENT)
        return [str(one.id) for one in recent if str(one.id).startswith(incomplete)]

    return complete


def complete_steps(line: CommandContext) -> Completer:
    """Return what completes the name of a step."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        steps = line.description.steps if line.description is not None else ()
        return [one.name for one in steps if one.name.startswith(incomplete)]

    return complete


def complete_paths(line: CommandContext) -> Completer:
    """Return what completes a path, one part at a time."""

    def complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
        access = Access()
        before, slash, last = incomplete.rpartition("/")
        if slash:
            try:
                chosen = select(access, before, line.flow_name)
            except (FalajInvalidPathspec, FalajNotFound):
                return []
            if chosen.step is None:
                names = [one.name for one in access.reader.steps(chosen.run.id)]
            else:
                names = [str(task.record.id) for task in chosen.tasks()]
            return [f"{before}/{name}" for name in names if name.startswith(last)]
        recent = access.reader.runs(line.flow_name, limit=_RECENT)
        plain = line.flow_name is not None or incomplete[:1].isdigit()
        paths = [str(one.id) if plain else f"{one.flow}/{one.id}" for one in recent]
        return [path for path in paths if path.startswith(incomplete)]

    return complete
