"""Rows and columns as an HTML table that scrolls within the page."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence

from falaj.cards.page.figures import figure
from falaj.client.html import escape

Show = Callable[[Any], str]


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[Any]],
    note: str = "",
    show: Optional[Show] = None,
    under: Sequence[str] = (),
) -> str:
    """Return a table; columns of numbers are set to the right.

    `show` gives the HTML of a cell, `under` the HTML below each header, `note` a line below.
    """
    wide = max([len(headers), *(len(row) for row in rows)]) if rows else len(headers)
    sides = [' class="number"' if _is_numeric(rows, place) else "" for place in range(wide)]
    show = show or cell
    parts = ['<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>']
    if headers:
        heads = [
            '<th scope="col"{}>{}{}</th>'.format(
                sides[place],
                escape(headers[place]) if place < len(headers) else "",
                under[place] if place < len(under) else "",
            )
            for place in range(wide)
        ]
        parts.append("<thead><tr>{}</tr></thead>".format("".join(heads)))
    parts.append("<tbody>")
    for row in rows:
        cells: List[str] = []
        for place in range(wide):
            shown = show(row[place]) if place < len(row) else ""
            cells.append("<td{}>{}</td>".format(sides[place], shown))
        parts.append("<tr>{}</tr>".format("".join(cells)))
    parts.append("</tbody></table></div>")
    if note:
        parts.append('<p class="note">{}</p>'.format(escape(note)))
    return "".join(parts)


def cell(value: Any) -> str:
    """Return the HTML of a plain value in a table."""
    if value is None:
        return '<span class="missing">&ndash;</span>'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return escape(figure(value))
    return escape(str(value))


def _is_numeric(rows: Sequence[Sequence[Any]], place: int) -> bool:
    seen = False
    for row in rows:
        value = row[place] if place < len(row) else None
        if isinstance(value, bool) or (value is not None and not _is_number(value)):
            return False
        seen = seen or value is not None
    return seen


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or value in ("nan", "inf", "-inf", "NaN")
