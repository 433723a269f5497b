"""What the default card tells of a task: facts, artifacts, curves."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from falaj.cards.page.figures import figure, size, span
from falaj.cards.page.plots import curve, trend
from falaj.cards.page.previews import line_of, preview_html, thumbnail, type_of
from falaj.client.html import escape

# Width and height: two of them stand side by side on a page.
_PLOT = (480, 72)


def fact_list(rows: Sequence[Sequence[Any]]) -> str:
    """Return names and values side by side."""
    shown = "".join(
        "<div><dt>{}</dt><dd>{}</dd></div>".format(escape(str(name)), escape(str(value)))
        for name, value in rows
    )
    return '<dl class="facts">{}</dl>'.format(shown)


def artifact_list(items: Sequence[Dict[str, Any]]) -> str:
    """Return artifacts, a line each that unfolds: name, type, size and preview."""
    return "".join(map(_artifact, items))


def _artifact(item: Dict[str, Any]) -> str:
    preview: Dict[str, Any] = item.get("preview") or {}
    kind = type_of(preview) or str(item.get("type", "")).rpartition(".")[2]
    stored = item.get("size")
    body = preview_html(preview) if preview else '<p class="note">There is no preview.</p>'
    return (
        '<details class="line"><summary><code class="name">{}</code>'
        '<span class="chip">{}</span><span class="gist">{}</span>'
        '<span class="thumb">{}</span><span class="muted size">{}</span></summary>'
        '<div class="unfolded">{}</div></details>'.format(
            escape(str(item.get("name", ""))),
            escape(kind),
            escape(line_of(preview)),
            thumbnail(preview),
            escape(size(stored)) if isinstance(stored, (int, float)) else "",
            body,
        )
    )


def labelled_curve(one: Dict[str, Any]) -> str:
    """Return a curve over seconds with its name and its largest value."""
    points = _points(one)
    top = max((y for _, y in points), default=0.0)
    peak = size(top) if one.get("unit") == "bytes" else "{} {}".format(figure(top), one["unit"])
    label = "{}, at most {}".format(one["title"], peak)
    ends = (span(points[0][0]), span(points[-1][0])) if points else ("", "")
    return _captioned(label, curve(points, *_PLOT, label), ends)


def labelled_trend(one: Dict[str, Any]) -> str:
    """Return the line of a metric with its name, its last value and the ends of its axis."""
    points = _points(one)
    label = "{}: {}".format(one["title"], figure(points[-1][1]) if points else "no number")
    over = str(one.get("over", ""))
    ends = tuple("{} {}".format(over, figure(x)) for x, _ in (points[:1] + points[-1:]))
    return _captioned(label, trend(points, *_PLOT, label), ends)


def _points(one: Dict[str, Any]) -> List[Tuple[float, float]]:
    return [(float(x), float(y)) for x, y in one["points"]]


def _captioned(label: str, plot: str, ends: Sequence[str]) -> str:
    axis = "".join("<span>{}</span>".format(escape(end)) for end in ends)
    return (
        '<figure class="part curve"><figcaption>{}</figcaption>{}<div class="ends">{}</div>'
        "</figure>".format(escape(label), plot, axis if plot else "")
    )
