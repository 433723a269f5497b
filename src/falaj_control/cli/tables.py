"""Lists of records: drawn on a terminal, aligned plain text in a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, cast

from falaj_control.cli.terminal import Output

_STYLES = {
    "running": "cyan",
    "succeeded": "green",
    "succeeded with tolerated failures": "yellow",
    "failed": "red",
    "lost": "red",
    "cancelled": "yellow",
}


def draw(output: Output, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows of texts under the names of their columns."""
    shown = [[" ".join(output.shown_lines(cell)) for cell in row] for row in rows]
    if output.has_colours:
        _draw_for_people(output, columns, shown)
    else:
        _draw_plainly(output, columns, shown)
    output.flush()


def _draw_plainly(output: Output, columns: Sequence[str], rows: list[list[str]]) -> None:
    lines = [[name.upper() for name in columns], *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        output.write("  ".join(cells).rstrip() + "\n")


def _draw_for_people(output: Output, columns: Sequence[str], rows: list[list[str]]) -> None:
    # Imported here: a pipe needs no drawing.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, no_wrap=name in ("id", "state"), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console(file=cast(IO[str], output), highlight=False, markup=False).print(table)
