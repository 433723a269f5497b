"""What a card tells of an exception."""

from __future__ import annotations

from typing import Any, Dict

from falaj.cards.plain import text_of

_TRACEBACK = 20_000


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
