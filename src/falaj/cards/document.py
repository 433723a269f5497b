"""A card's page: self-contained HTML that runs no script but its own and loads nothing."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Union

from falaj.cards.assets import MARK
from falaj.cards.page.facts import fact_list
from falaj.cards.page.parts import Page
from falaj.cards.page.script import SCRIPT, source_hash
from falaj.cards.page.style import style_sheet
from falaj.cards.plain import text_of
from falaj.client.html import escape
from falaj.model.states import TITLES

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {}; "
    "base-uri 'none'; form-action 'none'"
)


def render_document(
    title: str,
    components: Sequence[Union[Dict[str, Any], str]],
    facts: Mapping[str, Any],
) -> str:
    """Return the page of a card.

    `components` are what `render()` of components gave: dicts, or strings of HTML, which are shown
    without whatever could do something. `facts`, all optional: `pathspec`, `state` (as recorded),
    `rows` (pairs of name and value), `note` (a line at the page's end). Where there is a chart the
    page holds a mark that `falaj.cards.assets.complete` replaces by the chart library.
    """
    page = Page()
    body = "".join(page.html(component) for component in components)
    text = "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy" content="{}">'.format(
                _POLICY.format(source_hash(SCRIPT))
            ),
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            "<title>{}</title>".format(escape(text_of(title))),
            "<style>{}</style></head>".format(style_sheet()),
            "<body><main>",
            _head(title, facts),
            '<div class="body">{}</div>'.format(body),
            _foot(facts),
            "</main>",
            MARK if page.has_charts else "",
            "<script>{}</script>".format(SCRIPT),
            "</body></html>\n",
        )
    )
    # Surrogates can't be stored, and zeros are dropped by browsers.
    return text_of(text).replace("\x00", "�")


def _head(title: str, facts: Mapping[str, Any]) -> str:
    parts: List[str] = ['<header class="card-head">']
    if facts.get("pathspec"):
        path = " / ".join(str(facts["pathspec"]).split("/"))
        parts.append('<p class="path">{}</p>'.format(escape(path)))
    state = str(facts.get("state") or "")
    pill = ""
    if state:
        kind = " is-" + state if state.isidentifier() else ""
        pill = '<span class="state{}">{}</span>'.format(kind, escape(TITLES.get(state, state)))
    parts.append('<div class="title"><h1>{}</h1>{}</div>'.format(escape(text_of(title)), pill))
    if facts.get("rows"):
        parts.append(fact_list(facts["rows"]))
    return "".join([*parts, "</header>"])


def _foot(facts: Mapping[str, Any]) -> str:
    note = facts.get("note")
    return "<footer>{}</footer>".format(escape(str(note))) if note else ""
