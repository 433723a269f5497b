"""Telling a person how a run goes: plain lines for pipes and files, and the choice of a watcher."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from falaj.model import states
from falaj.model.orders import ErrorInfo
from falaj_control.cli import wording
from falaj_control.cli.live import LiveWatcher
from falaj_control.cli.terminal import Output
from falaj_control.ports.watching import RunOutcome, StepProgress, TaskTag, Watcher

_UNWELCOME = frozenset((states.FAILED, states.LOST, states.TOLERATED))


class ClosableWatcher(Watcher, Protocol):
    """A watcher that gives the terminal back as it found it."""

    def close(self) -> None:
        """Write what is still held back and undo every change to the terminal."""
        ...


class PlainWatcher:
    """One timestamped line per event, as `TIME [RUN/STEP/TASK (pid PID)] TEXT`.

    Task lines and the run's start and success go to `output`, the banner and failures of the run
    to `errors`.
    """

    def __init__(
        self,
        output: Output,
        errors: Output,
        quiet: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Write to the two streams; `quiet` leaves only failures and the end."""
        self._output = output
        self._errors = errors
        self._quiet = quiet
        self._clock = clock

    def run_started(self, flow: str, run: int, origin: int | None) -> None:
        """Show the banner and the run's id."""
        if self._quiet:
            return
        self._errors.line(wording.banner(flow))
        resuming = f", resuming run {origin}" if origin is not None else ""
        self._say(f"Workflow starting (run-id {run}){resuming}:")

    def progress(self, steps: tuple[StepProgress, ...]) -> None:
        """Show nothing: the lines of the tasks tell."""

    def task_started(self, task: TaskTag, reason: str) -> None:
        """Show that an attempt starts."""
        if not self._quiet:
            self._tell(task, wording.start_line(task, reason), self._clock())

    def task_line(self, task: TaskTag, stream: str, text: str, at: float) -> None:
        """Show a line that an attempt printed."""
        if not self._quiet:
            self._tell(task, text, at)

    def task_ended(
        self, task: TaskTag, state: str, reason: str, error: ErrorInfo | None, seconds: float
    ) -> None:
        """Show how an attempt ended."""
        if not self._quiet or state in _UNWELCOME:
            self._tell(task, wording.end_line(state, reason, error), self._clock())

    def note(self, text: str) -> None:
        """Show a remark."""
        if not self._quiet:
            self._say(text)

    def run_ended(self, outcome: RunOutcome) -> None:
        """Show the end: one line for a success, else the error and what to do."""
        if outcome.state in states.RUN_SUCCESSFUL:
            for line in wording.success_lines(outcome):
                self._say(line)
            return
        self._say(f"Workflow {states.TITLES[outcome.state]}.")
        for line in wording.failure_lines(outcome):
            self._errors.line(self._errors.shown(line))

    def close(self) -> None:
        """Flush both streams."""
        self._output.flush()
        self._errors.flush()

    def _tell(self, task: TaskTag, text: str, at: float) -> None:
        process = f" (pid {task.pid})" if task.pid is not None else ""
        shown = self._output.shown(text)
        self._output.line(f"{wording.moment(at)} [{wording.pathspec(task)}{process}] {shown}")

    def _say(self, text: str) -> None:
        self._output.line(f"{wording.moment(self._clock())} {self._output.shown(text)}")


def choose_watcher(output: Output, errors: Output, quiet: bool = False) -> ClosableWatcher:
    """Return the watcher that suits: a live table only on a terminal that can draw one."""
    if output.has_colours and not quiet:
        return LiveWatcher(output)
    return PlainWatcher(output, errors, quiet)
