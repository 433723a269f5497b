"""A user's exception as data: their own frames, without the ones that carried the step."""

from __future__ import annotations

import os
import traceback
from typing import Iterator, List, Optional

from falaj.errors import ExceptionWrapper, FalajException
from falaj.model.orders import ErrorInfo
from falaj.redaction import redact

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def describe_exception(error: BaseException, show_values: bool = False) -> ErrorInfo:
    """Return what a person needs to know of `error`; never raises.

    `show_values` adds what the names on the failing line held.
    """
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__", "falaj.errors"):
        name = "{}.{}".format(kind.__module__, name)
    try:
        message = str(error)
    except Exception as second:
        message = "<its message can't be shown: {}>".format(type(second).__name__)
    try:
        shown = traceback.TracebackException.from_exception(error)
        for part in _chain(shown):
            kept = [frame for frame in part.stack if not _is_ours(frame.filename)]
            part.stack = traceback.StackSummary.from_list(kept)
        text = "".join(shown.format())
        if show_values:
            text += _values(error)
        last = shown.stack[-1] if shown.stack else None
        location = "{}:{}".format(last.filename, last.lineno) if last is not None else ""
    except Exception:
        text, location = "{}: {}\n".format(name, message), ""
    tells_all = isinstance(error, FalajException)
    if tells_all:
        text = text.replace("falaj.errors.{}".format(name), name)
    return ErrorInfo(name, _clean(message), _clean(text), location, tells_all)


def _values(error: BaseException) -> str:
    # Imported here: only a failure of a run that asked for it needs it.
    from falaj.runtime.linevalues import values_on_line

    pairs = values_on_line(error.__traceback__, _is_ours)
    lines = ["    {} = {}\n".format(name, value) for name, value in pairs]
    return "".join(["Values on that line:\n", *lines]) if lines else ""


def wrap(info: ErrorInfo) -> ExceptionWrapper:
    """Return the form in which @catch keeps an exception."""
    return ExceptionWrapper(info.message, info.type, info.traceback)


def _chain(
    shown: Optional[traceback.TracebackException],
) -> Iterator[traceback.TracebackException]:
    pending: List[Optional[traceback.TracebackException]] = [shown]
    seen: List[int] = []
    while pending:
        part = pending.pop()
        if part is not None and id(part) not in seen:
            seen.append(id(part))
            yield part
            pending.extend((part.__cause__, part.__context__))


def _is_ours(filename: str) -> bool:
    return os.path.abspath(filename).startswith(_OURS) or filename.startswith("<frozen ")


def _clean(text: str) -> str:
    # Lone surrogates can't be encoded on the way to the records or a terminal.
    return redact(text).encode("utf-8", "backslashreplace").decode("utf-8")
