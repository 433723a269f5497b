"""The timeline of events as HTML."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List

from falaj.cards.page.figures import figure, moment, span
from falaj.client.html import escape

_NAMED = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,60}\Z")
# What an event is called, by the first of these that it has.
_TITLES = ("title", "event", "action", "name", "message")


def timeline(one: Dict[str, Any], show: Callable[[Any], str]) -> str:
    """Return a timeline; `show` gives the HTML of a payload."""
    events: List[Dict[str, Any]] = one.get("events") or []
    stats: Dict[str, Any] = one.get("stats") or {}
    first = stats.get("first_event")
    items = "".join(_event(event, first, show) for event in events)
    return '<section class="part timeline">{}{}<ol>{}</ol>{}</section>'.format(
        "<h3>{}</h3>".format(escape(str(one["title"]))) if one.get("title") else "",
        '<p class="note">{}</p>'.format(escape(_summary(stats, len(events)))),
        items,
        "" if events else '<p class="note">No events.</p>',
    )


def _summary(stats: Dict[str, Any], shown: int) -> str:
    total = stats.get("total_events", shown)
    words = ["{} event{}".format(figure(total), "" if total == 1 else "s")]
    if isinstance(total, int) and total > shown:
        words.append("the latest {} shown".format(figure(shown)))
    if stats.get("total_runtime_seconds"):
        words.append("over {}".format(span(stats["total_runtime_seconds"])))
    if stats.get("finished"):
        words.append("finished")
    return " · ".join(words)


def _event(event: Dict[str, Any], first: Any, show: Callable[[Any], str]) -> str:
    facts: Dict[str, Any] = dict(event.get("metadata") or {})
    at = facts.pop("timestamp", event.get("received_at"))
    key = next((name for name in _TITLES if facts.get(name)), None)
    title = str(facts.pop(key)) if key else "Event"
    classes = ["event"]
    for field, prefix in (("style_theme", "theme-"), ("priority", "priority-")):
        value = str(event.get(field) or "")
        classes += [prefix + value] if _NAMED.match(value) else []
    rows = "".join(
        "<div><dt>{}</dt><dd>{}</dd></div>".format(escape(str(name)), escape(figure(value)))
        for name, value in facts.items()
    )
    payloads: Dict[str, Any] = event.get("payloads") or {}
    folded = "".join(
        "<details><summary>{}</summary>{}</details>".format(escape(str(name)), show(payload))
        for name, payload in payloads.items()
    )
    return '<li class="{}"><div class="event-head"><strong>{}</strong>{}</div>{}{}</li>'.format(
        " ".join(classes),
        escape(title),
        '<span class="muted">{}</span>'.format(escape(_when(at, first))),
        '<dl class="facts small">{}</dl>'.format(rows) if rows else "",
        folded,
    )


def _when(at: Any, first: Any) -> str:
    if not isinstance(at, (int, float)):
        return str(at)
    words = moment(at)
    if isinstance(first, (int, float)) and at - first >= 0.001:
        words += "  +" + span(at - first)
    return words
