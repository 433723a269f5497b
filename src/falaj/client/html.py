"""Client objects as small tables for notebooks; every text is escaped."""

from __future__ import annotations

from typing import List, Sequence, Tuple

Row = Tuple[str, str]

_CELL = "text-align:left;padding:2px 12px 2px 0;vertical-align:top"
_COLOURS = (
    ("succeeded", "#1a7f37"),
    ("reused", "#1a7f37"),
    ("running", "#0969da"),
    ("waiting", "#9a6700"),
    ("failed", "#cf222e"),
    ("lost", "#cf222e"),
    ("cancelled", "#6e7781"),
)


def escape(text: str) -> str:
    """Return text that is safe between tags and in quoted attributes."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("'", "&#x27;")


def table(heading: str, rows: Sequence[Row], children: Sequence[Row], more: bool) -> str:
    """Return a heading, facts as name and value, and children as name and status.

    `more` says that there are children beyond those given.
    """
    parts: List[str] = [
        '<div style="font-family:sans-serif;font-size:13px">',
        "<strong><code>{}</code></strong>".format(escape(heading)),
        '<table style="border-collapse:collapse;margin:4px 0">',
    ]
    for name, value in rows:
        parts.append(
            '<tr><th scope="row" style="{0};font-weight:600">{1}</th>'
            '<td style="{0}">{2}</td></tr>'.format(_CELL, escape(name), _coloured(value))
        )
    parts.append("</table>")
    if children:
        parts.append('<table style="border-collapse:collapse;margin:4px 0">')
        for name, status in children:
            parts.append(
                '<tr><td style="{0}"><code>{1}</code></td><td style="{0}">{2}</td></tr>'.format(
                    _CELL, escape(name), _coloured(status)
                )
            )
        if more:
            parts.append('<tr><td style="{}">and more</td><td></td></tr>'.format(_CELL))
        parts.append("</table>")
    parts.append("</div>")
    return "".join(parts)


def _coloured(text: str) -> str:
    for start, colour in _COLOURS:
        if text.startswith(start):
            return '<span style="color:{}">{}</span>'.format(colour, escape(text))
    return escape(text)


def grid(heading: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a heading and rows of texts under the names of their columns."""
    parts = [
        '<div style="font-family:sans-serif;font-size:13px">',
        "<strong><code>{}</code></strong>".format(escape(heading)),
        '<table style="border-collapse:collapse;margin:4px 0"><tr>',
    ]
    parts += [
        '<th scope="col" style="{};font-weight:600">{}</th>'.format(_CELL, escape(name))
        for name in columns
    ]
    parts.append("</tr>")
    for row in rows:
        cells = ['<td style="{}">{}</td>'.format(_CELL, _coloured(cell)) for cell in row]
        parts.append("<tr>{}</tr>".format("".join(cells)))
    parts.append("</table></div>")
    return "".join(parts)
