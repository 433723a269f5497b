"""What the names on a failing line held, for a person who asked to see it."""

from __future__ import annotations

import linecache
import re
import reprlib
from types import FrameType, TracebackType
from typing import Any, Callable, Dict, List, Optional, Tuple

from falaj.redaction import redact, redact_bytes

_NAMES = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_MOST_NAMES = 12
_ABSENT = object()


class _Short(reprlib.Repr):
    """As the library's, but what it cuts in two can't be the value of a secret."""

    def repr_str(self, x: str, level: int) -> str:
        return super().repr_str(redact(x), level)

    def repr_instance(self, x: Any, level: int) -> str:
        if isinstance(x, (bytes, bytearray)):
            x = redact_bytes(bytes(x))
        try:
            shown = redact(repr(x))
        except Exception:
            return super().repr_instance(x, level)
        return super().repr_instance(_Shown(shown), level)


class _Shown:
    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


_SHORT = _Short()
_SHORT.maxstring = _SHORT.maxother = 120
_SHORT.maxlevel = 3


def values_on_line(
    trace: Optional[TracebackType], is_foreign: Callable[[str], bool]
) -> List[Tuple[str, str]]:
    """Return (name, short repr) for the names on the last failing line that is not foreign.

    Attributes are followed as far as that runs no code of the user's beyond reading them; a name
    that has no value there is left out.
    """
    frame: Optional[FrameType] = None
    line = 0
    while trace is not None:
        if not is_foreign(trace.tb_frame.f_code.co_filename):
            frame, line = trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next
    if frame is None:
        return []
    source = linecache.getline(frame.f_code.co_filename, line)
    found: Dict[str, str] = {}
    for name in _NAMES.findall(source):
        if len(found) < _MOST_NAMES and name not in found:
            value = _value_of(name, frame)
            if value is not _ABSENT and not callable(value):
                found[name] = _shown(value)
    return list(found.items())


def _value_of(name: str, frame: FrameType) -> Any:
    first, *attributes = name.split(".")
    value = frame.f_locals.get(first, frame.f_globals.get(first, _ABSENT))
    for attribute in attributes:
        # Only what is set on the object itself: a property could do anything.
        value = getattr(value, "__dict__", {}).get(attribute, _ABSENT)
    return value


def _shown(value: Any) -> str:
    try:
        text = _SHORT.repr(value)
    except Exception as error:
        return "<can't be shown: {}>".format(type(error).__name__)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
