"""What the loops of one run share: the parts that they use and where the run stands."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from falaj.model.graph import FlowDescription, Graph
from falaj.model.orders import ErrorInfo
from falaj_control.engine import orders
from falaj_control.engine.active import ActiveTask
from falaj_control.engine.board import Board
from falaj_control.engine.capacity import Capacity
from falaj_control.plan.planner import Planner
from falaj_control.ports.clock import Clock
from falaj_control.ports.executing import Executor
from falaj_control.ports.preparing import Environments
from falaj_control.ports.secrets import NoSecrets, Secrets
from falaj_control.ports.watching import StepProgress, TaskTag, Watcher
from falaj_control.records.recorder import Recorder
from falaj_control.settings import Settings

if TYPE_CHECKING:
    from falaj_control.ports.storing import Uploads


@dataclass(frozen=True)
class RunPlan:
    """A run that has been recorded and is about to start.

    `given` holds the parameters' values by name, `origin_parameters` the settled ones of the run
    that is resumed.
    """

    description: FlowDescription
    graph: Graph
    facts: orders.RunFacts
    given: dict[str, object]
    origin_parameters: str | None
    max_workers: int
    max_log_bytes: int
    includes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """Why a run was cut off and in which state that leaves it.

    It is failed by a task of its own, cancelled by a person, lost with the process that started it.
    """

    state: str
    reason: str
    cause: int | None = None
    task: TaskTag | None = None
    error: ErrorInfo | None = None


@dataclass(frozen=True)
class Parts:
    """The adapters of a run, made by the composition root."""

    executor: Executor
    environments: Environments
    recorder: Recorder
    planner: Planner
    capacity: Capacity
    watcher: Watcher
    clock: Clock
    settings: Settings
    secrets: Secrets = field(default_factory=NoSecrets)
    uploads: Uploads | None = None


@dataclass
class RunContext:
    """One run under way.

    `active` holds the tasks with a process by order number, `waiting` those between two attempts
    as a heap of (when due, tie, task), `uncommitted` the tasks that have succeeded and are not in
    the records yet; `commits` counts how often records were written. Orders for settling
    parameters, for the code snapshot and for travelling code have numbers too.
    """

    plan: RunPlan
    parts: Parts
    board: Board
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    active: dict[int, ActiveTask] = field(default_factory=dict[int, ActiveTask])
    waiting: list[tuple[float, int, ActiveTask]] = field(
        default_factory=list[tuple[float, int, ActiveTask]]
    )
    uncommitted: set[int] = field(default_factory=set[int])
    commits: int = 0
    parameters: str | None = None
    init_number: int = 0
    snapshot_number: int = 0
    travel_number: int = 0
    travelled: str | None = None
    finished: bool = False
    failure: Failure | None = None

    def tag(self, task: ActiveTask, label: str = "") -> TaskTag:
        """Return what watchers know a task by."""
        planned = task.planned
        shown = label or ",".join(map(str, planned.indices))
        if self.plan.graph.steps[planned.step].loops:
            shown += f"{', ' if shown else ''}iteration {planned.iteration}"
        run = self.plan.facts.run
        return TaskTag(run, planned.step, planned.id, task.attempt, shown, task.pid)

    def place(self, task: ActiveTask) -> str:
        """Return a task's step with its foreach indices and, in a loop, its iteration."""
        planned = task.planned
        indices = [*planned.indices]
        if self.plan.graph.steps[planned.step].loops:
            indices.append(planned.iteration)
        return planned.step + "".join(f"[{index}]" for index in indices)

    def progress(self) -> tuple[StepProgress, ...]:
        """Return how far each step has come."""
        return self.board.progress(Counter(task.planned.step for task in self.active.values()))

    def commit(self) -> None:
        """Write all records that wait, and have uploaded what they name."""
        texts = self.parts.recorder.waiting_texts if self.parts.uploads else []
        self.parts.recorder.flush(self.parts.clock.wall())
        if self.parts.uploads:
            self.parts.uploads.take(texts)
        self.uncommitted.clear()
        self.commits += 1
