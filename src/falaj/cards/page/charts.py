"""Charts as elements that the page's script draws."""

from __future__ import annotations

import json
from typing import Any, Dict, List, cast

from falaj.client.html import escape

# A browser draws no more in a bearable time.
MOST_CHARACTERS = 10_000_000
_OWN_WIDTH = frozenset("concat hconcat vconcat facet repeat".split())


def chart(one: Dict[str, Any]) -> str:
    """Return the place of a chart, with its specification; a note where it can't be drawn."""
    spec: Dict[str, Any] = dict(one["spec"])
    options: Dict[str, Any] = one.get("options") or {}
    remote = [address for address in _addresses(spec) if not address.startswith("data:")]
    if remote:
        return (
            '<p class="note problem">The chart takes its data from {}. A card loads nothing from '
            "elsewhere; put the data into the specification.</p>".format(escape(remote[0]))
        )
    text = json.dumps(_as_wide_as_the_page(spec), allow_nan=False, separators=(",", ":"))
    if len(text) > MOST_CHARACTERS:
        return (
            '<p class="note problem">The chart has {:,} characters of data; up to {:,} are drawn. '
            "Let it show a summary or a sample.</p>".format(len(text), MOST_CHARACTERS)
        )
    controls = ' data-controls="yes"' if options.get("actions", True) else ""
    title = spec.get("description") or spec.get("title")
    return (
        '<div class="vega" role="group" aria-label="{}" data-spec="{}"{}>'
        '<p class="note">The chart is drawn when the card is opened with Falaj.</p></div>'.format(
            escape(title if isinstance(title, str) else "Chart"), escape(text), controls
        )
    )


def _as_wide_as_the_page(spec: Dict[str, Any]) -> Dict[str, Any]:
    encoding: Any = spec.get("encoding") or {}
    several = _OWN_WIDTH & set(spec) or {"row", "column", "facet"} & set(encoding)
    is_lite = "vega-lite" in str(spec.get("$schema", "vega-lite"))
    if "width" in spec or several or not is_lite:
        return spec
    return dict(spec, width="container")


def _addresses(value: Any) -> List[str]:
    """Return the addresses that a specification would load data from."""
    found: List[str] = []
    waiting: List[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            pairs = cast(Dict[str, Any], one)
            data = pairs.get("data")
            several: List[Any] = cast(List[Any], data) if isinstance(data, list) else [data]
            for source in several:
                if isinstance(source, dict):
                    address = cast(Dict[str, Any], source).get("url")
                    found += [address] if isinstance(address, str) else []
            # Values are rows, and long.
            waiting += [item for key, item in pairs.items() if key not in ("values", "datasets")]
        elif isinstance(one, list):
            waiting += cast(List[Any], one)
    return found
