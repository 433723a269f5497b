"""Telling a person how a run goes on a terminal: log lines above a table of the steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from falaj.model import states
from falaj.model.orders import ErrorInfo
from falaj_control.cli import wording
from falaj_control.cli.terminal import Output
from falaj_control.ports.watching import RunOutcome, StepProgress, TaskTag

if TYPE_CHECKING:
    from falaj_control.cli.table import PinnedTable

FIRST_DRAWN_AFTER = 0.3
INTERVAL = 0.1
CLOCK_INTERVAL = 1.0
# Beyond this many lines held back, whoever brings more waits until they are drawn.
MOST_HELD = 5000

_TASK_COLOURS = ("36", "32", "35", "33", "34", "96", "92", "95", "93", "94")
_SHOWN_ENDS = frozenset(
    (states.FAILED, states.LOST, states.TOLERATED, states.RETRYING, states.CANCELLED)
)


class LiveWatcher:
    """Log lines that scroll above a pinned table of the steps, drawn by a thread of its own.

    The table, and the library that draws it, come in only for runs that last, so that a short
    flow pays nothing for them: `first_drawing` is set once they have. `is_broken` says that the
    terminal did not bear the table.
    """

    def __init__(
        self,
        output: Output,
        clock: Callable[[], float] = time.time,
        first_drawn_after: float = FIRST_DRAWN_AFTER,
    ) -> None:
        """Draw on the terminal `output`."""
        self._output = output
        self._clock = clock
        self._first_drawn_after = first_drawn_after
        self._drawing = threading.RLock()
        self._held: list[str] = []
        self._steps: tuple[StepProgress, ...] = ()
        self._table: PinnedTable | None = None
        self.is_broken = False
        self.first_drawing = threading.Event()
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._painter: threading.Thread | None = None
        self._name = ""
        self._started_at = 0.0

    def run_started(self, flow: str, run: int, origin: int | None) -> None:
        """Show the run's id and start the clock of the first drawing."""
        self._name = f"{flow}/{run}"
        self._started_at = self._clock()
        resuming = f", resuming run {origin}" if origin is not None else ""
        self._output.line(f"{wording.banner(flow)} (run-id {run}{resuming})")
        self._painter = threading.Thread(target=self._paint_on, name="painter", daemon=True)
        self._painter.start()

    def progress(self, steps: tuple[StepProgress, ...]) -> None:
        """Take the new counts for the next drawing."""
        self._steps = steps
        self._changed.set()

    def task_started(self, task: TaskTag, reason: str) -> None:
        """Show nothing: the table tells."""

    def task_line(self, task: TaskTag, stream: str, text: str, at: float) -> None:
        """Show a line that an attempt printed."""
        self._tell(task, self._output.shown(text))

    def task_ended(
        self, task: TaskTag, state: str, reason: str, error: ErrorInfo | None, seconds: float
    ) -> None:
        """Show how an attempt ended, unless it did as it should."""
        if state in _SHOWN_ENDS:
            line = self._output.shown(wording.end_line(state, reason, error))
            self._tell(task, self._output.painted(line, "31"))

    def note(self, text: str) -> None:
        """Show a remark."""
        self._hold(self._output.shown(text))

    def run_ended(self, outcome: RunOutcome) -> None:
        """Take the table down and show the end."""
        self.close()
        good = outcome.state in states.RUN_SUCCESSFUL
        lines = wording.success_lines(outcome) if good else wording.failure_lines(outcome)
        for line in lines:
            self._output.line(self._output.shown(line))

    def close(self) -> None:
        """Draw what is held back a last time and give the terminal back as it was."""
        self._closing.set()
        self._changed.set()
        if self._painter is not None:
            self._painter.join()
            self._painter = None
        with self._drawing:
            self._draw()
            table, self._table = self._table, None
            if table is not None:
                self._safely(table.close)

    def _tell(self, task: TaskTag, shown: str) -> None:
        label = f" {self._output.shown(task.label)}" if task.label else ""
        prefix = f"{task.step}/{task.task}{label}"
        colour = _TASK_COLOURS[task.task % len(_TASK_COLOURS)]
        self._hold(f"{self._output.painted(prefix, colour)} | {shown}")

    def _hold(self, line: str) -> None:
        self._held.append(line)
        self._changed.set()
        if self._painter is None or len(self._held) > MOST_HELD:
            with self._drawing:
                self._draw()

    def _paint_on(self) -> None:
        if self._closing.wait(self._first_drawn_after):
            return
        with self._drawing:
            self._safely(self._open_table)
        while not self._closing.is_set():
            self._changed.clear()
            with self._drawing:
                self._draw()
            self.first_drawing.set()
            self._closing.wait(INTERVAL)
            self._changed.wait(CLOCK_INTERVAL - INTERVAL)

    def _open_table(self) -> None:
        # Imported here: drawing costs more to load than a short flow takes to run.
        from falaj_control.cli.table import PinnedTable

        self._table = PinnedTable(self._output, self._name)

    def _draw(self) -> None:
        held, self._held = self._held, []
        text = "".join(f"{line}\n" for line in held)
        table = self._table
        if table is not None and not self.is_broken:
            steps, seconds = self._steps, self._clock() - self._started_at
            if self._safely(lambda: table.draw(text, steps, seconds)):
                return
        self._output.write(text)
        self._output.flush()

    def _safely(self, action: Callable[[], None]) -> bool:
        # A terminal odd enough to upset the drawing gets the lines without the table.
        try:
            action()
        except Exception:
            self.is_broken = True
            return False
        return True
