"""A card's page as HTML."""

from __future__ import annotations

import html
import json
from typing import Any, Dict, List, Union


def render_document(
    title: str, components: "List[Union[Dict[str, Any], str]]", facts: "Dict[str, Any]"
) -> str:
    """Return the page; charts' libraries are left to `falaj.cards.assets.complete`."""
    parts = [one if isinstance(one, str) else _shown(one) for one in components]
    parts += ["<p>{}</p>".format(html.escape(str(fact))) for fact in facts.items()]
    head = "<!doctype html><meta charset=utf-8><title>{}</title>".format(html.escape(title))
    return "{}<h1>{}</h1>{}".format(head, html.escape(title), "".join(parts))


def _shown(component: "Dict[str, Any]") -> str:
    text = component.get("text") or component.get("message")
    shown = text if isinstance(text, str) else json.dumps(component)
    return "<pre>{}</pre>".format(html.escape(shown))
