"""The table of a run's steps that stays below the log lines, drawn with rich."""

from __future__ import annotations

from collections.abc import Iterable
from typing import IO, cast

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from falaj_control.cli import wording
from falaj_control.cli.terminal import Output
from falaj_control.ports.watching import StepProgress

BAR_WIDTH = 20
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
        self._console = Console(file=cast(IO[str], output), highlight=False, markup=False)
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
        """Write `lines` above the table and draw it anew, in one go."""
        height = max(self._console.height - SPARE_LINES, 1)
        self._live.update(step_table(self._name, steps, seconds, height))
        if lines:
            # Printing draws the table again below what is printed.
            self._console.print(_Lines(lines), soft_wrap=True, end="")
        else:
            self._live.refresh()

    def close(self) -> None:
        """Leave the table as last drawn and give the cursor back."""
        self._live.stop()


def step_table(name: str, steps: tuple[StepProgress, ...], seconds: float, height: int) -> Table:
    """Return the table of a run after `seconds`, of at most `height` steps."""
    shown = _most_telling(steps, height)
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(no_wrap=True, overflow="crop")
    table.add_column(no_wrap=True, overflow="crop", max_width=BAR_WIDTH)
    table.add_column(no_wrap=True, overflow="crop", justify="right")
    table.add_column(no_wrap=True, overflow="crop")
    finished, total = sum(_over(step) for step in steps), sum(step.total for step in steps)
    table.add_row(
        Text(name, style="bold"),
        _bar(finished, total),
        f"{finished}/{total}",
        f"{wording.duration(seconds)}",
    )
    for step in shown:
        over = _over(step)
        table.add_row(f"  {step.step}", _bar(over, step.total), f"{over}/{step.total}", _said(step))
    hidden = len(steps) - len(shown)
    if hidden:
        table.add_row(f"  and {hidden} more")
    return table


def _over(step: StepProgress) -> int:
    return step.done + step.failed + step.reused


def _bar(finished: int, total: int) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=min(finished, max(total, 1)), width=BAR_WIDTH)


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
    return text


def _most_telling(steps: Iterable[StepProgress], height: int) -> list[StepProgress]:
    everything = [step for step in steps if step.total]
    if len(everything) <= height:
        return everything
    # What runs or failed is worth a line before what is over.
    ranked = sorted(everything, key=lambda step: (not step.failed, not step.running))
    kept = set(ranked[:height])
    return [step for step in everything if step in kept]
