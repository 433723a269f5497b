"""Nested JSON values as lists that fold."""

from __future__ import annotations

import json
from itertools import islice
from typing import Any, Dict, Iterable, List, Tuple, cast

from falaj.client.html import escape

# Beyond these a browser gets slow, and no reader gets wiser.
_NODES = 3_000
_DEPTH = 40
_TEXT = 2_000


def tree(value: Any, opened: int = 2) -> str:
    """Return a JSON value as HTML whose first `opened` levels are unfolded."""
    return _Tree(opened).node("", value, 0)


class _Tree:
    def __init__(self, opened: int) -> None:
        self._opened = opened
        self._left = _NODES

    def node(self, label: str, value: Any, depth: int) -> str:
        self._left -= 1
        if isinstance(value, dict) and value:
            pairs = cast(Dict[str, Any], value)
            inner = ((json.dumps(key, ensure_ascii=False) + ": ", pairs[key]) for key in pairs)
            return self._folded(label, "{", "}", len(pairs), inner, depth)
        if isinstance(value, list) and value:
            items = cast(List[Any], value)
            return self._folded(label, "[", "]", len(items), (("", one) for one in items), depth)
        return '<div class="leaf">{}{}</div>'.format(_label(label), leaf(value))

    def _folded(
        self,
        label: str,
        opens: str,
        closes: str,
        count: int,
        inner: Iterable[Tuple[str, Any]],
        depth: int,
    ) -> str:
        words = "{:,} {}".format(count, ("key" if opens == "{" else "item") + "s" * (count != 1))
        parts: List[str] = []
        if depth < _DEPTH:
            for name, item in islice(inner, count):
                if self._left <= 0:
                    break
                parts.append(self.node(name, item, depth + 1))
        if len(parts) < count:
            more = "… {:,} more".format(count - len(parts))
            parts.append('<div class="leaf muted">{}</div>'.format(more))
        return (
            "<details{}><summary>{}<span>{}</span> <span class='muted'>{}</span></summary>"
            '<div class="branch">{}</div><div class="leaf end">{}</div></details>'.format(
                " open" if depth < self._opened else "",
                _label(label),
                opens,
                words,
                "".join(parts),
                closes,
            )
        )


def leaf(value: Any) -> str:
    """Return a JSON value without children as HTML."""
    if isinstance(value, str):
        shown = value if len(value) <= _TEXT else value[:_TEXT] + "…"
        return '<span class="k-string">{}</span>'.format(
            escape(json.dumps(shown, ensure_ascii=False))
        )
    kind = "k-keyword" if value is None or isinstance(value, bool) else "k-number"
    return '<span class="{}">{}</span>'.format(kind, escape(json.dumps(value)))


def _label(text: str) -> str:
    return '<span class="k-name">{}</span>'.format(escape(text)) if text else ""
