"""Viewers of JSON and YAML as HTML."""

from __future__ import annotations

import json
import re
from typing import Any, Dict

from falaj.cards.page.trees import tree
from falaj.client.html import escape

_HEIGHT = re.compile(r"\d{1,5}(?:\.\d{1,3})?(?:px|rem|em|vh|pt|cm)\Z")
_YAML_KEY = re.compile(r"([ ]*(?:- )*)((?:\"(?:[^\"\\]|\\.)*\"|[^\s\"'#:][^:]{0,200})):(?=\s|\Z)")


def json_viewer(one: Dict[str, Any], copied: str) -> str:
    """Return a viewer of JSON; `copied` is the id of the text that its button copies."""
    text = str(one.get("json_string", ""))
    try:
        body = '<div class="tree">{}</div>'.format(tree(json.loads(text)))
    except (ValueError, RecursionError):
        body = "<pre>{}</pre>".format(escape(text))
    return _viewer(one, text, body, copied)


def yaml_viewer(one: Dict[str, Any], copied: str) -> str:
    """Return a viewer of YAML; `copied` is the id of the text that its button copies."""
    text = str(one.get("yaml_string", ""))
    lines = (_line(line) for line in text.splitlines())
    return _viewer(one, text, "<pre>{}</pre>".format("\n".join(lines)), copied)


def _viewer(one: Dict[str, Any], text: str, body: str, copied: str) -> str:
    height = str(one.get("max_height") or "")
    style = ' style="max-height:{}"'.format(height) if _HEIGHT.match(height) else ""
    title = escape(str(one.get("title") or ""))
    button = ""
    if one.get("show_copy_button"):
        button = (
            '<button type="button" data-copy="{0}">Copy</button>'
            '<pre id="{0}" class="to-copy">{1}</pre>'.format(copied, escape(text))
        )
    inner = '{}<div class="viewed" tabindex="0"{}>{}</div>'.format(button, style, body)
    if one.get("collapsible"):
        return "<details open><summary>{}</summary>{}</details>".format(title, inner)
    return '<p class="viewer-title">{}</p>{}'.format(title, inner)


def _line(line: str) -> str:
    found = _YAML_KEY.match(line)
    if found is None:
        return escape(line)
    key = '<span class="k-name">{}</span>'.format(escape(found.group(2)))
    return escape(found.group(1)) + key + escape(line[found.end(2) :])
