"""What the default card tells of a task: facts, artifacts, curves."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from falaj.cards.page.figures import figure, size
from falaj.cards.page.plots import curve
from falaj.cards.page.previews import line_of, preview_html, thumbnail, type_of
from falaj.client.html import escape


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
    """Return a curve with its name and its largest value."""
    points: List[Tuple[float, float]] = [(float(x), float(y)) for x, y in one["points"]]
    top = max((y for _, y in points), default=0.0)
    peak = size(top) if one.get("unit") == "bytes" else "{} {}".format(figure(top), one["unit"])
    label = "{}, at most {}".format(one["title"], peak)
    return '<figure class="curve"><figcaption>{}</figcaption>{}</figure>'.format(
        escape(label), curve(points, 480, 64, label)
    )
