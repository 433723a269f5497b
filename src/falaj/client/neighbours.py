"""The tasks around a task: those it started from, those that followed, and the one it repeats."""

from __future__ import annotations

from typing import Iterator, Optional, Tuple

from falaj.client.access import Access, RunFacts
from falaj.client.resolve import find_run
from falaj.client.taskfacts import TaskFacts
from falaj.model.records import TaskRecord


def parents_of(facts: TaskFacts) -> Iterator[Tuple[RunFacts, TaskRecord]]:
    """Yield the tasks whose artifacts flowed into this one, in the order of a join's inputs."""
    run, record = facts.run, facts.record
    if run.spun is not None:
        # A spin has no other task; it started from what a run has left.
        flow, origin, _, task = run.spun.split("/")
        run = find_run(_runs_of(facts.access), flow, origin)
        spun = run.access.reader.task(run.id, int(task))
        if spun is None:
            return
        record = spun
    found = {one.id: one for one in run.access.reader.tasks_by_id(run.id, record.parents)}
    for parent in record.parents:
        if parent in found:
            yield run, found[parent]


def followers_of(facts: TaskFacts) -> Iterator[Tuple[RunFacts, TaskRecord]]:
    """Yield the tasks that this one's artifacts flowed into."""
    record = facts.record
    for step in facts.run.targets().get(record.step, []):
        for task in facts.access.reader.followers(record, step):
            yield facts.run, task


def origin_of(facts: TaskFacts) -> Optional[str]:
    """Return the path of the task that this one reuses or spins; None for an original."""
    if facts.run.spun is not None:
        return facts.run.spun
    origin = facts.record.origin
    if origin is None:
        return None
    flow, _, step, _ = facts.parts
    return "/".join((flow, str(origin[0]), step, str(origin[1])))


def _runs_of(access: Access) -> Access:
    return Access(access.home.shares, access.namespace)
