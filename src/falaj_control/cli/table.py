"""The table of a run's steps that stays below the log lines, drawn with rich."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import IO, NamedTuple, cast

from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from falaj_control.cli import wording
from falaj_control.cli.terminal import Output
from falaj_control.ports.watching import StepProgress

BAR_WIDTH = 20
# What a narrow terminal lacks is taken from the bar, since the numbers tell more.
BESIDE_BAR = 68
SHORTEST_BAR = 5
NAME_WIDTH = 32
UNKNOWN_SIZE = (80, 24)
# Lines of the terminal that are left to log lines, the title and the cursor.
SPARE_LINES = 5


class _Lines:
    """Text that is written as it is, colours and all."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self._text)


class PinnedTable:
    """A table that is redrawn in place while lines scroll above it."""

    def __init__(self, output: Output, name: str) -> None:
        """Pin a table for the run `name` to the bottom of a terminal."""
        # Output has what the console calls of a text file, though not all of one.
        self._console = Console(
            file=cast(IO[str], output),
            force_terminal=True,
            force_interactive=True,
            highlight=False,
            markup=False,
        )
        self._output = output
        self._name = name
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def draw(self, lines: str, steps: tuple[StepProgress, ...], seconds: float) -> None:
        """Write `lines` above the table and draw it anew."""
        width, height = self._size()
        self._console.size = ConsoleDimensions(width, height)
        unicode = self._console.encoding.startswith("utf")
        bar = "\u2501" if unicode else "#"
        rows = table_rows(self._name, steps, seconds, max(height - SPARE_LINES, 1))
        table = _laid_out(rows, width, bar)
        # Inside the console's context everything is buffered and written in one go.
        with self._console:
            if lines:
                self._console.print(_Lines(lines), soft_wrap=True, end="")
            self._live.update(table, refresh=True)

    def _size(self) -> tuple[int, int]:
        try:
            columns, lines = os.get_terminal_size(self._output.fileno())
        except (OSError, ValueError):
            return UNKNOWN_SIZE
        return columns or UNKNOWN_SIZE[0], lines or UNKNOWN_SIZE[1]

    def close(self) -> None:
        """Leave the table as last drawn and give the cursor back."""
        self._live.stop()


class Row(NamedTuple):
    """One line of the table: a name, how much of what total is over, and what else to say."""

    name: str
    over: int
    total: int
    said: Text


def table_rows(
    name: str, steps: tuple[StepProgress, ...], seconds: float, height: int
) -> list[Row]:
    """Return the table of the run `name` after `seconds`: the run, then at most `height` steps."""
    shown = _most_telling(steps, height)
    over, total = sum(_over(step) for step in steps), sum(step.total for step in steps)
    rows = [Row(name, over, total, Text(wording.duration(seconds)))]
    rows += [Row(f"  {step.step}", _over(step), step.total, _said(step)) for step in shown]
    hidden = sum(1 for step in steps if step.total or step.preparing) - len(shown)
    if hidden:
        rows[-1].said.append(f"  (and {hidden} more steps)", style="dim")
    return rows


def _laid_out(rows: list[Row], width: int, bar: str) -> Text:
    names = min(max(cell_len(row.name) for row in rows), NAME_WIDTH)
    counts = max(len(f"{row.over}/{row.total}") for row in rows)
    bar_width = min(width - BESIDE_BAR, BAR_WIDTH)
    text = Text(no_wrap=True, overflow="crop")
    for number, row in enumerate(rows):
        text.append("\n" if number else "")
        text.append(set_cell_size(row.name, names), style="" if number else "bold")
        if bar_width >= SHORTEST_BAR:
            filled = bar_width * row.over // row.total if row.total else 0
            text.append("  ").append(bar * filled, style="green")
            text.append("-" * (bar_width - filled), style="dim")
        text.append(f"  {row.over}/{row.total}".rjust(counts + 2)).append("  ")
        text.append_text(row.said)
    return text


def _over(step: StepProgress) -> int:
    return min(step.done + step.failed + step.reused, step.total)


def _said(step: StepProgress) -> Text:
    parts = (
        (step.running, "running", "cyan"),
        (step.failed, "failed", "bold red"),
        (step.retried, "retried", "yellow"),
        (step.reused, "reused", "dim"),
    )
    text = Text()
    for count, word, style in parts:
        if count:
            text.append(f"{'  ' if text else ''}{count} {word}", style=style)
    if step.preparing:
        text.append(f"{'  ' if text else ''}environment: {step.preparing}", style="yellow")
    return text


def _most_telling(steps: Iterable[StepProgress], height: int) -> list[StepProgress]:
    everything = [step for step in steps if step.total or step.preparing]
    if len(everything) <= height:
        return everything
    # What runs or failed is worth a line before what is over.
    ranked = sorted(
        everything, key=lambda step: (not step.failed, not step.running, not step.preparing)
    )
    kept = set(ranked[:height])
    return [step for step in everything if step in kept]
