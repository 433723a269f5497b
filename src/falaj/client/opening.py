"""Runs and tasks by their place alone, whatever the namespace of this process."""

from __future__ import annotations

from falaj.client.access import Access
from falaj.client.recording import when_recorded
from falaj.client.resolve import find_run, find_task
from falaj.client.runs import Run, run_from
from falaj.client.tasks import Task, task_from
from falaj.errors import FalajNotFound


def own_run(flow: str, run: int) -> Run:
    """Return a run of this process's home; raises FalajNotFound."""
    return run_from(find_run(Access(), flow, str(run)))


def own_task(pathspec: str) -> Task:
    """Return a task of this process's home, once it is recorded; raises FalajNotFound."""
    flow, run, step, task = parts = pathspec.split("/")

    def look_up() -> Task:
        facts = find_run(Access(), flow, run)
        return task_from(facts, find_task(facts, step, task, None).record)

    return when_recorded(parts, look_up)


def open_run(home: str, flow: str, run: str) -> Run:
    """Return a run of the home at `home`; raises FalajNotFound."""
    return run_from(find_run(Access(home), flow, run))


def open_spun_task(home: str, shares: str, flow: str, run: str) -> Task:
    """Return the only task of a run that `spin` made; raises FalajNotFound before it began.

    `shares` is the root of the home whose store the home at `home` uses.
    """
    facts = find_run(Access(home, None, shares), flow, run)
    for step in facts.access.reader.steps(facts.id):
        for record in facts.access.reader.tasks(facts.id, step.name):
            return task_from(facts, record)
    raise FalajNotFound("The task of {}/{} has not begun yet.".format(flow, run))
