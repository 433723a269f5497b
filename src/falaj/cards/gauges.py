"""Components that show one figure: progress bars and value boxes."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional, Union

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import scalar, text_of

THEMES = ("default", "success", "warning", "danger", "bg-gradient-indigo-purple")
THEME_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]*\Z")
_MOST = 1e15


class ProgressBar(MetaflowCardComponent):
    """How far something has come; `update(new_value)` moves it."""

    type = "progressBar"
    REALTIME_UPDATABLE = True

    def __init__(
        self,
        max: int = 100,
        label: Optional[str] = None,
        value: int = 0,
        unit: Optional[str] = None,
        metadata: Optional[str] = None,
    ) -> None:
        """Show `value` out of `max` (0 where the end is not known), counted in `unit`."""
        self._max = max
        self._label = label
        self._value = value
        self._unit = unit
        self._metadata = metadata

    def update(self, new_value: int, metadata: Optional[str] = None) -> None:
        """Show another value and, where it is given, other text beside it."""
        self._value = new_value
        if metadata is not None:
            self._metadata = metadata

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        return self._described(
            max=scalar(self._max),
            value=scalar(self._value),
            label=_text(self._label),
            unit=_text(self._unit),
            details=_text(self._metadata),
        )


class ValueBox(MetaflowCardComponent):
    """One figure, large, with a title, words below it and how it has changed.

    Arguments are checked: TypeError and ValueError say what is wrong with them.
    """

    type = "valueBox"
    REALTIME_UPDATABLE = True
    VALID_THEMES = frozenset(THEMES)

    def __init__(
        self,
        title: Optional[str] = None,
        value: Union[str, int, float] = "",
        subtitle: Optional[str] = None,
        theme: Optional[str] = None,
        change_indicator: Optional[str] = None,
    ) -> None:
        """Show `value`; `theme` is one of VALID_THEMES."""
        self._fields: Dict[str, Any] = {"value": _checked_value(value)}
        self._set(title, subtitle, theme, change_indicator)

    def update(
        self,
        title: Optional[str] = None,
        value: Optional[Union[str, int, float]] = None,
        subtitle: Optional[str] = None,
        theme: Optional[str] = None,
        change_indicator: Optional[str] = None,
    ) -> None:
        """Change what is given, and leave the rest as it is."""
        if value is not None:
            self._fields["value"] = _checked_value(value)
        self._set(title, subtitle, theme, change_indicator)

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        return self._described(**self._fields)

    def _set(
        self,
        title: Optional[str],
        subtitle: Optional[str],
        theme: Optional[str],
        change_indicator: Optional[str],
    ) -> None:
        checked = {
            "title": _checked_text("title", title, 200),
            "subtitle": _checked_text("subtitle", subtitle, 300),
            "theme": _checked_theme(theme),
            "change_indicator": _checked_text("change_indicator", change_indicator, 200),
        }
        self._fields.update((name, text) for name, text in checked.items() if text is not None)


def _text(value: Any) -> Optional[str]:
    return text_of(value) if value else None


def _checked_text(name: str, value: Any, limit: int) -> Optional[str]:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError("{} is a string, not {}.".format(name, type(value).__name__))
    if not value.strip():
        raise ValueError("{} is empty; leave it out, or pass None.".format(name))
    if len(value) > limit:
        raise ValueError("{} has {} characters; at most {} fit.".format(name, len(value), limit))
    return text_of(value)


def _checked_theme(theme: Any) -> Optional[str]:
    checked = _checked_text("theme", theme, 200)
    if checked is not None and not THEME_NAME.match(checked):
        raise ValueError(
            "There can be no theme {!r}. Themes are {}.".format(theme, ", ".join(THEMES))
        )
    return checked


def _checked_value(value: Any) -> Any:
    shown = scalar(value)
    if value is None or not (isinstance(value, str) or isinstance(shown, (int, float))):
        if isinstance(value, float):
            return shown
        raise TypeError("value is a string or a number, not {}.".format(type(value).__name__))
    if isinstance(value, str):
        # Metaflow's own default, for a box that gets its value by update().
        return _checked_text("value", value, 100) if value else ""
    if abs(shown) > _MOST:
        raise ValueError("value is beyond 1e15; pass it as a string, written as you want it.")
    return shown
