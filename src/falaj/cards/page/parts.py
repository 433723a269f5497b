"""Each type of component as HTML."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, cast

from falaj.cards.page.charts import chart
from falaj.cards.page.code import highlighted
from falaj.cards.page.events import timeline
from falaj.cards.page.facts import artifact_list, fact_list, labelled_curve, labelled_trend
from falaj.cards.page.figures import figure
from falaj.cards.page.graph import graph_svg
from falaj.cards.page.markdown import markdown
from falaj.cards.page.previews import preview_html, type_of
from falaj.cards.page.sanitise import safe_image, sanitised
from falaj.cards.page.tabular import cell, table
from falaj.cards.page.viewers import json_viewer, yaml_viewer
from falaj.client.html import escape

Component = Dict[str, Any]

_NAMED = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,60}\Z")
# Components within components: no card that helps goes deeper.
_DEPTH = 20


class Page:
    """Turns the components of one page into HTML, and knows what the page needs for them."""

    def __init__(self) -> None:
        """Start an empty page."""
        self.has_charts = False
        self._copies = 0
        self._depth = 0

    def html(self, component: Any) -> str:
        """Return the HTML of a component; one that can't be shown leaves a note."""
        if isinstance(component, str):
            component = {"type": "html", "html": component}
        if not isinstance(component, dict):
            return '<div class="part">{}</div>'.format(cell(component))
        described = cast(Component, component)
        make = _MAKERS.get(str(described.get("type")))
        if make is None or self._depth > _DEPTH:
            words = "There is no component of type {!r}.".format(described.get("type"))
            return note(words if make is None else "Too many components within each other.")
        self._depth += 1
        try:
            return make(self, described)
        except Exception as error:
            # One component that is not as it should be must not take the others along.
            return note("This component can't be shown: {}.".format(type(error).__name__))
        finally:
            self._depth -= 1

    def all(self, components: Any) -> str:
        """Return the HTML of a list of components."""
        found = cast(List[Any], components) if isinstance(components, list) else []
        return "".join(self.html(one) for one in found)

    def copy_id(self) -> str:
        """Return a new id for an element whose text can be copied."""
        self._copies += 1
        return "copy-{}".format(self._copies)


def note(text: str) -> str:
    """Return a line that says why something is not shown."""
    return '<p class="part note problem">{}</p>'.format(escape(text))


def _part(kind: str, body: str) -> str:
    return '<div class="part {}">{}</div>'.format(kind, body)


def _markdown(page: Page, one: Component) -> str:
    return _part("markdown", markdown(str(one.get("source", ""))))


def _html(page: Page, one: Component) -> str:
    return _part("html", sanitised(str(one.get("html", ""))))


def _code(page: Page, one: Component) -> str:
    code = str(one.get("data", ""))
    return _part(
        "", '<pre class="code" tabindex="0"><code>{}</code></pre>'.format(highlighted(code))
    )


def _log(page: Page, one: Component) -> str:
    text = escape(str(one.get("data", "")))
    return _part("", '<pre class="log" tabindex="0">{}</pre>'.format(text))


def _table(page: Page, one: Component) -> str:
    rows: List[List[Any]] = one.get("data") or []
    headers = [str(column) for column in one.get("columns") or ()]
    notes: List[str] = []
    if one.get("rows"):
        shown = figure(len(rows))
        notes.append("The first {} of {} rows.".format(shown, figure(one["rows"])))
    if one.get("left_out"):
        notes.append("{} more columns.".format(figure(one["left_out"])))

    def show(value: Any) -> str:
        return page.html(value) if isinstance(value, dict) else cell(value)

    if not headers and not any(rows):
        return _part("", '<p class="note">An empty table.</p>')
    return _part("", table(headers, rows, " ".join(notes), show))


def _image(page: Page, one: Component) -> str:
    label = str(one.get("label") or "")
    source = safe_image(str(one.get("src") or ""))
    if source is None:
        return note(str(one.get("problem") or "This is no image that a card can show."))
    caption = "<figcaption>{}</figcaption>".format(escape(label)) if label else ""
    return _part(
        "figure",
        '<figure><img src="{}" alt="{}">{}</figure>'.format(source, escape(label), caption),
    )


def _progress(page: Page, one: Component) -> str:
    most, value = one.get("max"), one.get("value")
    label, unit = str(one.get("label") or "Progress"), str(one.get("unit") or "")
    known = isinstance(most, (int, float)) and isinstance(value, (int, float)) and most > 0
    share = min(max(float(cast(float, value)) / float(cast(float, most)), 0.0), 1.0) if known else 0
    words = figure(value) + (" / " + figure(most) if known else "") + (" " + unit if unit else "")
    details = one.get("details")
    return _part(
        "progress",
        '<div class="progress-head"><span>{0}</span><span class="muted">{1}</span></div>'
        '<div class="track{4}" role="progressbar" aria-label="{0}" aria-valuetext="{1}">'
        '<div style="width:{2:.2f}%"></div></div>{3}'.format(
            escape(label),
            escape(words),
            share * 100,
            '<p class="note">{}</p>'.format(escape(str(details))) if details else "",
            "" if known else " unknown",
        ),
    )


def _value_box(page: Page, one: Component) -> str:
    theme = str(one.get("theme") or "default")
    parts = [
        '<p class="box-{}">{}</p>'.format(name, escape(figure(one[field])))
        for name, field in (
            ("title", "title"),
            ("value", "value"),
            ("subtitle", "subtitle"),
            ("change", "change_indicator"),
        )
        if one.get(field) not in (None, "")
    ]
    kind = "theme-" + theme if _NAMED.match(theme) else ""
    return '<div class="part box {}">{}</div>'.format(kind, "".join(parts))


def _chart(page: Page, one: Component) -> str:
    page.has_charts = True
    return _part("chart", chart(one))


def _artifact(page: Page, one: Component) -> str:
    preview: Dict[str, Any] = one.get("preview") or {}
    name = str(one.get("name") or "")
    head = "<p class='artifact-name'><code>{}</code> <span class='chip'>{}</span></p>".format(
        escape(name), escape(type_of(preview))
    )
    text = one.get("text")
    if isinstance(text, str):
        body = '<pre class="text" tabindex="0">{}</pre>'.format(escape(text))
    else:
        body = preview_html(preview)
    return _part("artifact", (head if name else "") + body)


def _error(page: Page, one: Component) -> str:
    title = str(one.get("title") or one.get("name") or "Error")
    message = str(one.get("message") or "")
    name = str(one.get("name") or "")
    words = "{}: {}".format(name, message) if name and message else message or name
    trace = one.get("traceback")
    body = '<p class="error-title">{}</p>'.format(escape(title))
    if words and words != title:
        body += '<p class="error-message">{}</p>'.format(escape(words))
    if trace:
        body += (
            '<details><summary>Traceback</summary><pre class="log" tabindex="0">{}</pre>'
            "</details>".format(escape(str(trace)))
        )
    return '<div class="part error" role="alert">{}</div>'.format(body)


def _json(page: Page, one: Component) -> str:
    return _part("viewer", json_viewer(one, page.copy_id()))


def _yaml(page: Page, one: Component) -> str:
    return _part("viewer", yaml_viewer(one, page.copy_id()))


def _graph(page: Page, one: Component) -> str:
    return _part("", graph_svg(one["graph"], str(one["marked"]), one["states"]))


def _artifacts(page: Page, one: Component) -> str:
    return _part("artifacts", artifact_list(one["items"]))


def _facts(page: Page, one: Component) -> str:
    return _part("", fact_list(one["rows"]))


def _curve(page: Page, one: Component) -> str:
    return labelled_curve(one)


def _trend(page: Page, one: Component) -> str:
    return labelled_trend(one)


def _events(page: Page, one: Component) -> str:
    return timeline(one, page.html)


def _section(page: Page, one: Component) -> str:
    body = page.all(one.get("contents"))
    title = escape(str(one.get("title") or ""))
    if one.get("folded") is None:
        return '<section class="part"><h2>{}</h2>{}</section>'.format(title, body)
    opened = "" if one["folded"] else " open"
    return (
        '<section class="part"><details class="folding"{}><summary><h2>{}</h2></summary>{}'
        "</details></section>".format(opened, title, body)
    )


def _row(page: Page, one: Component) -> str:
    return '<div class="part row">{}</div>'.format(page.all(one.get("contents")))


_MAKERS: Dict[str, Callable[[Page, Component], str]] = {
    "markdown": _markdown,
    "html": _html,
    "pythonCode": _code,
    "log": _log,
    "table": _table,
    "image": _image,
    "progressBar": _progress,
    "valueBox": _value_box,
    "vegaChart": _chart,
    "artifact": _artifact,
    "error": _error,
    "jsonViewer": _json,
    "yamlViewer": _yaml,
    "eventsTimeline": _events,
    "graph": _graph,
    "artifacts": _artifacts,
    "facts": _facts,
    "curve": _curve,
    "trend": _trend,
    "section": _section,
    "row": _row,
}
