"""An exception as a component."""

from __future__ import annotations

from typing import Any, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import text_of

_TRACEBACK = 20_000


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


def describe_exception(exception: Any) -> Dict[str, Any]:
    """Return name, message and traceback of an exception, as far as it has them."""
    if not isinstance(exception, BaseException):
        return {"message": text_of(exception)}
    # Imported here: hardly any task needs it.
    import traceback

    kind = type(exception)
    text = "".join(traceback.format_exception(kind, exception, exception.__traceback__))
    return {
        "name": kind.__name__,
        "message": text_of(exception),
        # The end of a traceback says what happened.
        "traceback": text_of(text)[-_TRACEBACK:],
    }
