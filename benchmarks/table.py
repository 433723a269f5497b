"""The table that a benchmark prints: one row per piece of work, with its bar."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

from measuring import Spread

HEADINGS = ("work", "Falaj", "peer or limit", "ratio (min to max)", "bar", "ok?", "load")


@dataclass(frozen=True)
class Row:
    """What was measured; `ok` is None where no bar is set and the figure is for information."""

    work: str
    falaj: str
    against: str
    ratio: str
    bar: str
    ok: bool | None
    load: str = field(default_factory=lambda: f"{os.getloadavg()[0]:.1f}")

    def cells(self) -> tuple[str, ...]:
        """Return the row's texts in the order of the headings."""
        verdict = "" if self.ok is None else "yes" if self.ok else "NO"
        return (self.work, self.falaj, self.against, self.ratio, self.bar, verdict, self.load)


def seconds(value: float) -> str:
    """Return a duration in the unit that suits it."""
    return f"{value:.2f} s" if abs(value) >= 1 else f"{value * 1000:.1f} ms"


def times(ratio: Spread) -> str:
    """Return a ratio with its extremes."""
    digits = 2 if ratio.median < 10 else 0
    return f"{ratio.median:.{digits}f}x ({ratio.least:.{digits}f} to {ratio.most:.{digits}f})"


def apart(difference: Spread) -> str:
    """Return a difference of times with its extremes."""
    low, middle, high = (
        f"{1000 * value:.0f}" for value in (difference.least, difference.median, difference.most)
    )
    return f"+{middle} ms ({low} to {high})"


def markdown(rows: Sequence[Row]) -> str:
    """Return the table, aligned so that it reads well as plain text too."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    rule = tuple("-" * width for width in widths)
    return "\n".join(_line(line, widths) for line in (HEADINGS, rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"
