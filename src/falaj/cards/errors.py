"""An exception as a component."""

from __future__ import annotations

from typing import Optional

from falaj.cards.component import MetaflowCardComponent, Rendered


class Error(MetaflowCardComponent):
    """An exception."""

    def __init__(self, exception: BaseException, title: Optional[str] = None) -> None:
        """Show `exception` under `title`."""
        self._exception, self._title = exception, title

    def render(self) -> Rendered:
        """Return the exception as a JSON value."""
        text = "{}: {}".format(type(self._exception).__name__, self._exception)
        return {"type": "error", "title": self._title or "Error", "message": text}
