"""Step: one step of a run, with the tasks that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional

from falaj.client.access import RunFacts
from falaj.client.environments import environment_rows, step_environment
from falaj.client.html import Row
from falaj.client.lookup import number
from falaj.client.measured import MeasuredStep
from falaj.client.objects import ClientObject, moment, title
from falaj.client.resolve import find_run, find_step, is_reached, no_task
from falaj.client.tasks import Task, task_from
from falaj.model import states
from falaj.model.records import StepRecord

if TYPE_CHECKING:
    from datetime import datetime


class Step(MeasuredStep, ClientObject):
    """One step of a run that has begun: `Step("GenreStats/412/train")`."""

    _FORM = "Step('FlowName/RunID/StepName')"

    _facts: RunFacts
    _record: StepRecord

    @classmethod
    def _from(cls, facts: RunFacts, record: StepRecord) -> Step:
        made = cls.__new__(cls)
        made._access, made._facts, made._record = facts.access, facts, record
        made._parts = (*facts.parts, record.name)
        return made

    def _load(self) -> None:
        flow, run, name = self._parts
        self._facts = find_run(self._access, flow, run)
        self._record = find_step(self._facts, name)
        self._parts = (*self._facts.parts, name)

    def _run_facts(self) -> RunFacts:
        return self._facts

    def _now(self) -> StepRecord:
        record = self._record
        if record.state not in states.TASK_FINAL or record.state == states.LOST:
            self._record = record = find_step(self._facts, record.name)
        return record

    def _child(self, name: str) -> Optional[Task]:
        wanted = number(name)
        record = None if wanted is None else self._access.reader.task(self._facts.id, wanted)
        if record is None or record.step != self.id:
            return None
        return task_from(self._facts, record)

    def _children(self) -> Iterator[Task]:
        records = self._access.reader.tasks(self._facts.id, self.id)
        return (task_from(self._facts, record) for record in reversed(records))

    def _no_child(self, name: str) -> str:
        return no_task(self._facts, self.id, name)

    def __iter__(self) -> Iterator[Task]:
        return self._children()

    def __len__(self) -> int:
        return self._access.reader.count_tasks(self._facts.id, self.id)

    def __getitem__(self, name: Any) -> Task:
        return super().__getitem__(name)

    def tasks(self, *tags: str) -> Iterator[Task]:
        """Yield the step's tasks, newest first; none where the run lacks one of `tags`."""
        if tags and not self.tags.issuperset(tags):
            return iter(())
        return self._children()

    @property
    def task(self) -> Optional[Task]:
        """The newest task, for a step that has one; None before it has any."""
        return next(self._children(), None)

    @property
    def control_task(self) -> Optional[Task]:
        """The first member of the newest gang, for a step with `@parallel`; None for others."""
        return next(self.control_tasks(), None)

    def control_tasks(self, *tags: str) -> Iterator[Task]:
        """Yield the first member of each of the step's gangs, as `tasks` does."""
        gang = self._facts.is_gang(self.id)
        return (task for task in self.tasks(*tags) if gang and task.index == 0)

    @property
    def state(self) -> str:
        """How its tasks stand together: a task's state."""
        return self._now().state

    @property
    def reason(self) -> str:
        """Why the step is in its state."""
        return self._now().reason

    @property
    def finished_at(self) -> Optional[datetime]:
        """When its last task ended, in local time; None before that."""
        return moment(self._now().finished_at)

    def _began(self) -> float:
        began = self._now().created_at
        return self._facts.record.created_at if began is None else began

    @property
    def environment_info(self) -> Optional[Dict[str, Any]]:
        """What its tasks run in, as `Task.environment_info` has it; that of the newest task."""
        task = self.task
        return step_environment(self._facts, self.id) if task is None else task.environment_info

    @property
    def parent_steps(self) -> Iterator[Step]:
        """The steps that lead to this one, as far as they have begun."""
        targets = self._facts.targets()
        return self._named([name for name, after in targets.items() if self.id in after])

    @property
    def child_steps(self) -> Iterator[Step]:
        """The steps that this one leads to, as far as they have begun."""
        return self._named(self._facts.targets().get(self.id, []))

    def _named(self, names: Iterable[str]) -> Iterator[Step]:
        reached = {step.id: step for step in steps_of(self._facts)}
        return (reached[name] for name in names if name in reached)

    @property
    def origin_pathspec(self) -> Optional[str]:
        """The path of the same step in the run that this one resumed, or that was spun."""
        spun = self._facts.spun
        if spun is not None:
            return "/".join(spun.split("/")[:3])
        origin = self._facts.record.origin
        return None if origin is None else "/".join((self._parts[0], str(origin), self.id))

    def _status(self) -> str:
        return title(self.state)

    def _html_rows(self) -> List[Row]:
        record = self._now()
        rows = [
            ("status", title(record.state)),
            ("reason", record.reason),
            ("tasks", str(len(self))),
            ("finished", str(moment(record.finished_at) or "")),
        ]
        return rows + environment_rows(self.environment_info)


def steps_of(facts: RunFacts) -> List[Step]:
    """Return the steps of a run that have begun, newest first."""
    records = [step for step in facts.access.reader.steps(facts.id) if is_reached(step)]
    records.sort(key=lambda step: (step.created_at or 0.0, step.position), reverse=True)
    return [Step._from(facts, record) for record in records]  # pyright: ignore[reportPrivateUsage]
