"""Components that show nested data as JSON or YAML."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import plain, text_of

_MOST = 1_000_000


class _Viewer(MetaflowCardComponent):
    REALTIME_UPDATABLE = True

    def __init__(
        self,
        data: Any,
        collapsible: bool = True,
        max_height: Optional[str] = None,
        show_copy_button: bool = True,
        title: Optional[str] = None,
    ) -> None:
        """Show `data`, at most `max_height` high (`300px`, `20rem`), under `title`."""
        self._data = data
        self._collapsible = collapsible
        self._max_height = max_height
        self._show_copy_button = show_copy_button
        self._title = title

    def update(self, data: Any) -> None:
        """Show other data."""
        self._data = data

    def _viewed(self, otherwise: str, **text: str) -> Dict[str, Any]:
        return self._described(
            collapsible=bool(self._collapsible),
            show_copy_button=bool(self._show_copy_button),
            title=text_of(self._title or otherwise),
            max_height=text_of(self._max_height) if self._max_height else None,
            **{name: _shortened(value) for name, value in text.items()},
        )


class JSONViewer(_Viewer):
    """Nested data as JSON that folds; a string that holds JSON is read first."""

    type = "jsonViewer"

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        data = _parsed(self._data, self._data)
        text = json.dumps(plain(data), indent=2, ensure_ascii=False)
        return self._viewed("JSON", json_string=text)


class YAMLViewer(_Viewer):
    """Nested data as YAML; a string that holds JSON is read first, any other is shown as it is."""

    type = "yamlViewer"

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        # Imported here: a flow file that imports components shall not pay for it.
        from falaj.cards.yamltext import yaml_text

        none = object()
        data = _parsed(self._data, none)
        text = text_of(self._data) if data is none else yaml_text(plain(data))
        return self._viewed("YAML", yaml_string=text)


def _parsed(data: Any, otherwise: Any) -> Any:
    if not isinstance(data, str):
        return data
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return otherwise


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST else text[:_MOST] + "\n…"
