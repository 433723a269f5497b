"""What a running flow tells those who watch it: the terminal, tests, later the live stream."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from falaj.model.orders import ErrorInfo


class StepProgress(NamedTuple):
    """How far one step has come; `total` grows as fan-outs become known.

    `preparing` tells what is being done for its environment, while anything is.
    """

    step: str
    total: int
    running: int
    done: int
    failed: int
    retried: int
    reused: int
    preparing: str = ""


class TaskTag(NamedTuple):
    """Which attempt a message is about; `label` is the foreach value's short form, or empty."""

    run: int
    step: str
    task: int
    attempt: int
    label: str
    pid: int | None


class RunOutcome(NamedTuple):
    """How a run ended, for people: the first failure's error and where to look further.

    `spun` is the path of the task that was spun, empty for a run.
    """

    run: int
    flow: str
    state: str
    reason: str
    seconds: float
    failed_task: TaskTag | None
    error: ErrorInfo | None
    tolerated: int
    resume_command: str
    spun: str = ""


class Watcher(Protocol):
    """Told of everything as it happens, in order, from one thread; must not raise or block."""

    def run_started(self, flow: str, run: int, origin: int | None) -> None:
        """A run has been recorded and is about to start its first task."""
        ...

    def progress(self, steps: tuple[StepProgress, ...]) -> None:
        """Counts have changed (at most some times a second)."""
        ...

    def task_started(self, task: TaskTag, reason: str) -> None:
        """An attempt has been handed to a process."""
        ...

    def task_line(self, task: TaskTag, stream: str, text: str, at: float) -> None:
        """An attempt has printed a line (`stream` is `o` or `e`)."""
        ...

    def task_ended(
        self, task: TaskTag, state: str, reason: str, error: ErrorInfo | None, seconds: float
    ) -> None:
        """An attempt has ended; `state` is the task's (retrying where another try follows)."""
        ...

    def note(self, text: str) -> None:
        """Something a person should know that is about no single task."""
        ...

    def run_ended(self, outcome: RunOutcome) -> None:
        """The run is over and recorded."""
        ...
