"""The chart library that a card with charts needs, put into the page when the card is opened.

Stored cards hold only a mark in its place, and so stay small. The files come from npm at the
versions of `VEGA`; `make charts` fetches them, and a test compares their digests.
"""

from __future__ import annotations

import os
from typing import Dict, List

from falaj.cards.page.script import source_hash

MARK = "<!--falaj:vega-->"

# File -> npm package, version, path within it, SHA-256. In the order in which they are loaded.
VEGA: Dict[str, Dict[str, str]] = {
    "vega.min.js": {
        "package": "vega",
        "version": "6.4.0",
        "path": "build/vega.min.js",
        "sha256": "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f",
    },
    "vega-lite.min.js": {
        "package": "vega-lite",
        "version": "6.5.0",
        "path": "build/vega-lite.min.js",
        "sha256": "83e215e84e308ee8688fa6503ba0f1cf8a3c05c0d61df2841a0b92bf86809e00",
    },
    "vega-embed.min.js": {
        "package": "vega-embed",
        "version": "7.3.0",
        "path": "build/vega-embed.min.js",
        "sha256": "b1455caba2fb1a72fb46025ba0ba1316e2dbc7f0dd40a3f6040172bf9c08ba91",
    },
}
_POLICY = "script-src "


def complete(html: str) -> str:
    """Return a card's page with the chart library inside, where it has charts.

    Where Falaj runs inside a step's own environment the library is not at hand; charts then stay a
    line of text.
    """
    if MARK not in html:
        return html
    try:
        scripts = [_read(name) for name in VEGA]
    except OSError:
        return html
    allowed = "".join(source_hash(script) + " " for script in scripts)
    # The policy stands at the head of the page, before anything that a user wrote.
    head, policy, rest = html.partition(_POLICY)
    if MARK in head:
        # A page of a user's own card class has no such policy.
        head, policy, rest, allowed = "", "", html, ""
    before, _, after = rest.partition(MARK)
    inside = "".join("<script>{}</script>\n".format(script) for script in scripts)
    return "".join((head, policy, allowed, before, inside, after))


def folder() -> str:
    """Return the folder of the library's files."""
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "vega")


def licences() -> List[str]:
    """Return the names of the files that hold the library's licences."""
    return sorted(name for name in os.listdir(folder()) if name.startswith("LICENSE"))


def _read(name: str) -> str:
    with open(os.path.join(folder(), name), encoding="utf-8") as file:
        return file.read()
