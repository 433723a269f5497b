"""Ends what must end: tasks past their @timeout, and everything once the run is cut off."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from falaj.model.states import CANCELLED, LOST
from falaj_control.engine.active import ActiveTask
from falaj_control.engine.context import Failure, RunContext

_KILL_AGAIN = 1.0


class Warden:
    """Sends SIGTERM, then SIGKILL, to tasks and all that they started."""

    def __init__(self, context: RunContext) -> None:
        """Watch over the run of `context`."""
        self._context = context
        self._parts = context.parts
        self._kill_all_at: float | None = None

    def task_started(self, task: ActiveTask) -> None:
        """Set the times at which a task with a @timeout is ended from outside."""
        if task.stopped:
            self._parts.executor.signal(task.number, signal.SIGTERM)
            return
        timeout = task.options.get("timeout")
        if timeout is not None and task.fallback is None:
            grace = self._parts.settings.timeout_grace
            task.term_at = task.started + timeout + grace
            task.kill_at = task.started + timeout + 2 * grace

    def stop(self, failure: Failure) -> None:
        """Cut the run off: politely, and at once where a person asks a second time."""
        context = self._context
        now = self._parts.clock.monotonic()
        if context.failure is not None:
            if failure.state == CANCELLED:
                self._kill_all_at = now
            return
        context.failure = failure
        self._kill_all_at = now + self._parts.settings.stop_grace
        for task in context.active.values():
            task.stopped = True
            self._parts.executor.signal(task.number, signal.SIGTERM)

    def halt(self, task: ActiveTask) -> None:
        """End one task: politely at first."""
        task.stopped = True
        task.term_at = None
        task.kill_at = self._parts.clock.monotonic() + self._parts.settings.stop_grace
        # One without a process yet is told as soon as it has one; until then a signal would meet
        # its host, which others run in.
        if task.pid is not None:
            self._parts.executor.signal(task.number, signal.SIGTERM)

    def abandon(self, reason: str) -> None:
        """Cut the run off and kill at once: nobody waits for it any more."""
        self.stop(Failure(LOST, reason))
        self._kill_all_at = 0.0

    def run_once(self, now: float) -> None:
        """Send the signals that are due."""
        executor = self._parts.executor
        for task in self._context.active.values():
            if task.term_at is not None and now >= task.term_at:
                task.term_at = None
                task.timed_out = True
                executor.signal(task.number, signal.SIGTERM)
            if task.kill_at is not None and now >= task.kill_at:
                task.kill_at = now + _KILL_AGAIN
                executor.signal(task.number, signal.SIGKILL)
        if self._kill_all_at is not None and now >= self._kill_all_at:
            self._kill_all_at = now + _KILL_AGAIN
            context = self._context
            others = (context.init_number, context.snapshot_number, context.travel_number)
            for number in [*context.active, *others]:
                executor.signal(number, signal.SIGKILL)

    def due(self) -> Iterator[float]:
        """Yield the times at which `run_once` has something to do."""
        if self._kill_all_at is not None:
            yield self._kill_all_at
        for task in self._context.active.values():
            if task.term_at is not None:
                yield task.term_at
            elif task.kill_at is not None:
                yield task.kill_at
