"""Watching from a thread of its own, so that a reader who pauses never stops the run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from falaj.model import states
from falaj.model.orders import ErrorInfo
from falaj_control.cli.progress import ClosableWatcher
from falaj_control.ports.watching import RunOutcome, StepProgress, TaskTag

# Lines beyond this wait for nobody: they are in the log, and memory is bounded.
MOST_WAITING = 20_000
# Once a person has stopped the run, a reader gets this many seconds to take a further line.
PATIENCE = 1.0

_Call = tuple[Callable[..., None], tuple[Any, ...]]


class BackgroundWatcher:
    """Passes everything on to another watcher, in order, from one thread."""

    def __init__(self, inner: ClosableWatcher) -> None:
        """Pass on to `inner`."""
        self._inner = inner
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._done = 0
        self._dropped = 0
        self._is_patient = True
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()

    def run_started(self, flow: str, run: int, origin: int | None) -> None:
        """See the port."""
        self._call(self._inner.run_started, flow, run, origin)

    def progress(self, steps: tuple[StepProgress, ...]) -> None:
        """See the port."""
        if self._calls.qsize() < MOST_WAITING:
            self._call(self._inner.progress, steps)

    def task_started(self, task: TaskTag, reason: str) -> None:
        """See the port."""
        self._call_if_room(self._inner.task_started, task, reason)

    def task_line(self, task: TaskTag, stream: str, text: str, at: float) -> None:
        """See the port."""
        self._call_if_room(self._inner.task_line, task, stream, text, at)

    def task_ended(
        self, task: TaskTag, state: str, reason: str, error: ErrorInfo | None, seconds: float
    ) -> None:
        """See the port."""
        self._call_if_room(self._inner.task_ended, task, state, reason, error, seconds)

    def note(self, text: str) -> None:
        """See the port."""
        self._call(self._inner.note, text)

    def run_ended(self, outcome: RunOutcome) -> None:
        """See the port."""
        self._is_patient = outcome.state != states.CANCELLED
        self._call(self._inner.run_ended, outcome)

    def close(self) -> None:
        """Wait until everything has been shown; not for long where the run was stopped by hand."""
        self._call(self._inner.close)
        self._calls.put(None)
        while self._thread.is_alive():
            before = self._done
            self._thread.join(PATIENCE)
            if not self._is_patient and self._done == before:
                return

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        self._calls.put((function, arguments))

    def _call_if_room(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._calls.qsize() >= MOST_WAITING:
            self._dropped += 1
            return
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._call(self._inner.note, f"[{dropped} lines not shown; the logs have them]")
        self._call(function, *arguments)

    def _pass_on(self) -> None:
        while (call := self._calls.get()) is not None:
            function, arguments = call
            function(*arguments)
            self._done += 1
