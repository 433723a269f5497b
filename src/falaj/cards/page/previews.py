"""Previews of artifacts as HTML: a line, a small plot, and all that they hold."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, cast

from falaj.cards.page.figures import figure, size
from falaj.cards.page.plots import histogram, numbers, sparkline
from falaj.cards.page.tabular import table
from falaj.cards.page.trees import leaf, tree
from falaj.client.html import escape

Preview = Dict[str, Any]

_LINE = 100
_MEASURES = (
    ("min", "min"),
    ("max", "max"),
    ("mean", "mean"),
    ("distinct", "distinct"),
    ("nulls", "missing"),
    ("nan", "NaN"),
)


def type_of(preview: Preview) -> str:
    """Return the type's short name: `DataFrame` for `pandas.core.frame.DataFrame`."""
    return str(preview.get("type", "")).rpartition(".")[2]


def line_of(preview: Preview) -> str:
    """Return the gist of a value in one line of text."""
    text = " ".join(str(preview.get("repr", "")).split())
    return text if len(text) <= _LINE else text[:_LINE] + "…"


def thumbnail(preview: Preview) -> str:
    """Return a plot that fits in a line, where the value is one of numbers."""
    found = preview.get("histogram")
    if isinstance(found, dict):
        return histogram(cast(Dict[str, Any], found), 96, 24)
    return sparkline(_series(preview), 96, 24)


def size_of(preview: Preview) -> str:
    """Return what the value takes in memory, as far as that is known."""
    count = preview.get("size")
    return size(count) if isinstance(count, (int, float)) and count > 0 else ""


def preview_html(preview: Preview) -> str:
    """Return all that a preview holds."""
    parts = [_facts(preview)]
    if isinstance(preview.get("rows"), list):
        parts.append(_frame(preview))
    elif isinstance(preview.get("histogram"), dict):
        parts.append(_distribution(cast(Dict[str, Any], preview["histogram"])))
        parts.append(_elements(preview))
    elif isinstance(preview.get("items"), dict):
        parts.append('<div class="tree">{}</div>'.format(tree(preview["items"])))
    elif isinstance(preview.get("elements"), list):
        parts.append(_elements(preview))
    elif isinstance(preview.get("text"), str):
        parts.append(_text(preview["text"], preview.get("len")))
    elif preview.get("repr"):
        parts.append(_text(str(preview["repr"]), None))
    for mark, words in (
        ("truncated", "Parts of the preview were left out because of their size."),
        ("out_of_time", "Parts of the preview were left out because of the time they took."),
        ("incomplete", "The value answered with an exception; the preview is not whole."),
    ):
        if preview.get(mark):
            parts.append('<p class="note">{}</p>'.format(words))
    return "".join(parts)


def _facts(preview: Preview) -> str:
    facts = [("type", str(preview.get("type", "")))]
    shape = preview.get("shape")
    if isinstance(shape, list):
        facts.append(("shape", " by ".join(figure(one) for one in cast(List[Any], shape)) or "()"))
    elif isinstance(preview.get("len"), int):
        facts.append(("length", figure(preview["len"])))
    if preview.get("dtype"):
        facts.append(("dtype", str(preview["dtype"])))
    if size_of(preview):
        facts.append(("in memory", size_of(preview)))
    statistics = preview.get("statistics")
    if isinstance(statistics, dict):
        known = cast(Dict[str, Any], statistics)
        facts += [(word, figure(known[name])) for name, word in _MEASURES if name in known]
    if isinstance(preview.get("sampled"), int):
        facts.append(("statistics of", "{} sampled".format(figure(preview["sampled"]))))
    shown = "".join(
        "<div><dt>{}</dt><dd>{}</dd></div>".format(escape(name), escape(value))
        for name, value in facts
    )
    return '<dl class="facts small">{}</dl>'.format(shown)


def _frame(preview: Preview) -> str:
    schema: List[Dict[str, Any]] = preview.get("schema") or []
    rows: List[List[Any]] = preview["rows"]
    statistics: List[Dict[str, Any]] = _list(preview.get("statistics"))
    known = {str(one.get("name")): one for one in statistics}
    wide = len(rows[0]) if rows else len(schema)
    headers = [str(one.get("name", "")) for one in schema[:wide]]
    under = [_under(one, known.get(str(one.get("name")))) for one in schema[:wide]]
    count = preview.get("len")
    notes: List[str] = []
    if isinstance(count, int) and count > len(rows):
        notes.append("The first {} of {} rows.".format(len(rows), figure(count)))
    if preview.get("columns_left_out"):
        notes.append("{} more columns.".format(figure(preview["columns_left_out"])))
    return table(headers, rows, " ".join(notes), under=under) + _measures(statistics)


def _under(column: Dict[str, Any], known: Optional[Dict[str, Any]]) -> str:
    plot = histogram(known["histogram"], 88, 22) if known and known.get("histogram") else ""
    return '<span class="dtype">{}</span>{}'.format(escape(str(column.get("dtype", ""))), plot)


def _measures(statistics: List[Dict[str, Any]]) -> str:
    names = [(name, word) for name, word in _MEASURES if any(name in one for one in statistics)]
    if not names:
        return ""
    rows = [[one.get("name"), *(one.get(name) for name, _ in names)] for one in statistics]
    shown = table(["column", *(word for _, word in names)], rows)
    return "<details><summary>Statistics of the columns</summary>{}</details>".format(shown)


def _distribution(found: Dict[str, Any]) -> str:
    return (
        '<div class="distribution">{}<div class="ends"><span>{}</span><span>{}</span></div></div>'
    ).format(
        histogram(found, 360, 72),
        escape(figure(found.get("low"))),
        escape(figure(found.get("high"))),
    )


def _elements(preview: Preview) -> str:
    elements = _list(preview.get("elements"))
    if not elements:
        return ""
    plot = "" if preview.get("histogram") else sparkline(_series(preview), 360, 56)
    if any(isinstance(one, (dict, list)) for one in elements):
        return '{}<div class="tree">{}</div>'.format(plot, tree(elements))
    more = elements[-1] if _tells_of_more(elements) else None
    shown = ", ".join(leaf(one) for one in elements[: -1 if more else None])
    rest = ', <span class="muted">{}</span>'.format(escape(more)) if more else ""
    return '{}<p class="values">{}{}</p>'.format(plot, shown, rest)


def _tells_of_more(elements: List[Any]) -> bool:
    # What was left out is told in words at the end.
    return bool(elements) and isinstance(elements[-1], str) and elements[-1].startswith("… ")


def _series(preview: Preview) -> List[float]:
    """Return the value's first numbers where all that is shown of it are numbers."""
    elements = _list(preview.get("elements"))
    if _tells_of_more(elements):
        elements = elements[:-1]
    if not elements and isinstance(preview.get("items"), dict):
        elements = list(cast(Dict[str, Any], preview["items"]).values())
    return numbers(elements) if len(elements) > 2 else []


def _text(text: str, length: Any) -> str:
    more = isinstance(length, int) and length > len(text)
    note = '<p class="note">The first {} of {} characters.</p>'.format(
        figure(len(text)), figure(length)
    )
    return '<pre class="text" tabindex="0">{}</pre>{}'.format(escape(text), note if more else "")


def _list(value: Any) -> List[Any]:
    return cast(List[Any], value) if isinstance(value, list) else []
