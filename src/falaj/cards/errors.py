"""An exception as a component."""

from __future__ import annotations

from typing import Any, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import text_of
from falaj.cards.tracebacks import describe_exception


class Error(MetaflowCardComponent):
    """An exception with its traceback: `Error(exception, title="Could not fetch")`."""

    type = "error"

    def __init__(self, exception: Any, title: Optional[str] = None) -> None:
        """Show `exception`, or its text where it is no exception, under `title`."""
        self._exception = exception
        self._title = title

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        title = None if self._title is None else text_of(self._title)
        return self._described(title=title, **describe_exception(self._exception))
