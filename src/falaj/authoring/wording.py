"""How a mistake in a flow's source is told: its place, and the name that was probably meant."""

from __future__ import annotations

import os
import sys
from typing import Iterable, NamedTuple, NoReturn, Tuple

from falaj.errors import DecoratorError

_PACKAGE = __name__.rpartition(".")[0] + "."


class Problem(NamedTuple):
    """One thing to mend in a flow: a sentence, and the file and line it is about."""

    message: str
    file: str
    line: int

    def __str__(self) -> str:
        return told(self.file, self.line, self.message)


def caller_place() -> Tuple[str, int]:
    """Return file and line of the innermost running frame outside of this package."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def _is_ours(module: object) -> bool:
    return isinstance(module, str) and module.startswith(_PACKAGE)


def full_path(file: str) -> str:
    """Return an absolute path; notebooks and interactive sessions name their cells, not files."""
    return file if not file or file.startswith("<") else os.path.abspath(file)


def told(file: str, line: int, message: str) -> str:
    """Return the message behind its place, as `file:line: message`."""
    place = shown_place(file, line)
    return "{}: {}".format(place, message) if place else message


def shown_place(file: str, line: int) -> str:
    """Return `file:line`, relative to the working directory for files below it."""
    if not file:
        return ""
    shown = file
    if os.path.isabs(file):
        below = os.path.join(os.getcwd(), "")
        if file.startswith(below):
            shown = file[len(below) :]
    return "{}:{}".format(shown, line) if line else shown


def failing_line(error: BaseException, file: str, otherwise: Tuple[str, int]) -> Tuple[str, int]:
    """Return file and line of the innermost frame of `error` in `file`, or else `otherwise`."""
    place = otherwise
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            place = file, trace.tb_lineno
        trace = trace.tb_next
    return place


def near_miss(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean `x`?)` for the name of `known` that is like `name`, or nothing."""
    # Loaded only once a mistake is certain: every flow would pay for it otherwise.
    from difflib import get_close_matches

    folded = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return " (did you mean `{}`?)".format(folded[close[0]]) if close else ""


def listed(names: Iterable[str], word: str = "and") -> str:
    """Return the names in backticks as an English list."""
    quoted = ["`{}`".format(name) for name in names]
    if len(quoted) < 2:
        return "".join(quoted)
    return "{} {} {}".format(", ".join(quoted[:-1]), word, quoted[-1])


def refuse(decorator: str, argument: str, wanted: str, value: object) -> NoReturn:
    """Raise the DecoratorError, without a place, that says what an argument takes."""
    raise DecoratorError("@{}: `{}` takes {}, not {!r}.".format(decorator, argument, wanted, value))
