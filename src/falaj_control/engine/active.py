"""A task from its first attempt to its last, as the engine holds it meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from falaj_control.engine.logs import LogDrain
from falaj_control.lifecycle.attempts import Policy
from falaj_control.plan.tasks import PlannedTask


@dataclass
class Gang:
    """Tasks that run all at once, in the order of their index; `number` is the first one's id."""

    number: int
    members: list[ActiveTask]


@dataclass
class ActiveTask:
    """A task that has been started and has not come to its end.

    `number` is that of the order under way. Monotonic times: `term_at` and `kill_at` say when a
    timed-out attempt gets SIGTERM and SIGKILL.
    """

    planned: PlannedTask
    policy: Policy
    options: dict[str, Any]
    reason: str
    attempt: int = 0
    number: int = 0
    pid: int | None = None
    started: float = 0.0
    log: LogDrain | None = None
    fallback: str | None = None
    term_at: float | None = None
    kill_at: float | None = None
    timed_out: bool = False
    stopped: bool = False
    gang: Gang | None = field(default=None, repr=False, compare=False)

    @property
    def together(self) -> int:
        """How many tasks have to start at once with this one, itself counted.

        A catch is applied to each member of a gang by itself.
        """
        return len(self.gang.members) if self.gang is not None and self.fallback is None else 1


@dataclass
class StepCount:
    """What became of a step's tasks; `ended` counts final states."""

    reused: int = 0
    retried: int = 0
    ended: Counter[str] = field(default_factory=Counter[str])
