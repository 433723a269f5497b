"""The component that lists events as they happen."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Optional

from falaj.cards.component import MetaflowCardComponent, describe
from falaj.cards.gauges import THEME_NAME, ValueBox
from falaj.cards.images import Image
from falaj.cards.plain import plain, text_of
from falaj.cards.values import Artifact
from falaj.cards.viewers import JSONViewer, YAMLViewer
from falaj.cards.writing import Markdown, PythonCode

_PAYLOADS = (ValueBox, Image, Markdown, Artifact, PythonCode, JSONViewer, YAMLViewer)


class EventsTimeline(MetaflowCardComponent):
    """Events with their times, the latest first; `update(event_data)` adds one.

    Those beyond `max_events` are counted but not kept.
    """

    type = "eventsTimeline"
    REALTIME_UPDATABLE = True
    VALID_THEMES = frozenset(
        "default success warning error info primary secondary tool_call ai_response".split()
    )

    def __init__(self, title: Optional[str] = None, max_events: int = 100) -> None:
        """Start without events."""
        self._title = title
        self._max_events = max_events
        self._events: List[Dict[str, Any]] = []
        self._count = 0
        self._first: Optional[float] = None
        self._latest: Optional[float] = None
        self._finished = False

    def update(
        self,
        event_data: Dict[str, Any],
        style_theme: Optional[str] = None,
        priority: Optional[str] = None,
        payloads: Optional[Dict[str, Any]] = None,
        finished: Optional[bool] = None,
    ) -> None:
        """Add an event: names and plain values, `timestamp` (seconds since 1970) among them or now.

        `style_theme` is one of VALID_THEMES, `priority` one of low, normal, high, critical;
        `payloads` are components by name, folded away below the event.
        """
        if style_theme is not None and not THEME_NAME.match(style_theme):
            raise ValueError(
                "There can be no theme {!r}. Themes are {}.".format(
                    style_theme, ", ".join(sorted(self.VALID_THEMES))
                )
            )
        for name, payload in (payloads or {}).items():
            if not isinstance(payload, _PAYLOADS):
                kinds = ", ".join(kind.__name__ for kind in _PAYLOADS)
                raise TypeError(
                    "The payload {!r} is {}; an event takes {}.".format(
                        name, type(payload).__name__, kinds
                    )
                )
        now = time.time()
        event = {
            "metadata": {"timestamp": now, **event_data},
            "payloads": dict(payloads or {}),
            "event_id": "event_{}".format(self._count),
            "received_at": now,
            "style_theme": style_theme,
            "priority": priority,
        }
        self._count += 1
        self._latest = now
        if self._first is None:
            self._first = now
        if finished is not None:
            self._finished = finished
        self._events.insert(0, event)
        del self._events[self._max_events :]

    def get_stats(self) -> Dict[str, Any]:
        """Return how many events there were, when, and how many come in a minute."""
        stats: Dict[str, Any] = {
            "total_events": self._count,
            "displayed_events": len(self._events),
            "last_update": self._latest,
            "first_event": self._first,
            "finished": self._finished,
        }
        if self._first is not None and self._latest is not None and self._latest > self._first:
            seconds = self._latest - self._first
            stats["events_per_minute"] = round(self._count / seconds * 60, 1)
            stats["total_runtime_seconds"] = round(seconds, 1)
        return stats

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        return self._described(
            title=None if self._title is None else text_of(self._title),
            events=[_rendered(event) for event in self._events],
            stats=self.get_stats(),
            config={"show_stats": True, "show_relative_time": True, "max_events": self._max_events},
        )


def _rendered(event: Dict[str, Any]) -> Dict[str, Any]:
    payloads = {text_of(name): describe(one) for name, one in event["payloads"].items()}
    kept = {name: value for name, value in event.items() if value is not None}
    return dict(kept, metadata=plain(event["metadata"]), payloads=payloads)
