"""Writing to a stream that may be a terminal, a pipe, full, or gone, without ever failing."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Mapping
from typing import TextIO

_COLOUR_OR_CONTROL = re.compile("\x1b\\[[0-9;:]*m|[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_RESET = "\x1b[0m"
_CAN_NOT_DRAW = frozenset(("", "dumb", "unknown"))
_GONE = frozenset((errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.ESHUTDOWN))


class Output:
    """A stream that takes any text and goes silent, instead of failing, once it can't be written.

    It serves where a text file is expected, so that libraries that draw inherit its manners.
    """

    def __init__(self, stream: TextIO | None, environ: Mapping[str, str] | None = None) -> None:
        """Write to `stream`; None stands for a stream that was closed before we started."""
        environ = os.environ if environ is None else environ
        self._stream = stream
        self.is_terminal = _is_terminal(stream)
        can_draw = environ.get("TERM", "") not in _CAN_NOT_DRAW
        self.has_colours = self.is_terminal and can_draw and not environ.get("NO_COLOR")
        self._says_unicode = _says_unicode(environ)

    @property
    def encoding(self) -> str:
        """What may be drawn with: the stream's encoding, or less where the locale says so."""
        return self._encoding if self._says_unicode else "ascii"

    @property
    def is_open(self) -> bool:
        """Whether what is written still goes anywhere."""
        return self._stream is not None

    def isatty(self) -> bool:
        """Say whether this is a terminal."""
        return self.is_terminal

    def fileno(self) -> int:
        """Return the file's number; raises OSError where there is none."""
        if self._stream is None:
            raise OSError(errno.EBADF, "the stream is closed")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write text; what the encoding can't say is written as backslash escapes."""
        if self._stream is not None:
            try:
                self._write(self._stream, text)
            except (OSError, ValueError) as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Hand all that was written to the system."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._give_up(error)

    def line(self, text: str = "") -> None:
        """Write one line and flush it."""
        self.write(text + "\n")
        self.flush()

    def shown(self, text: str) -> str:
        """Return foreign text as it may be shown here.

        On a terminal it can change no more than its colours.
        """
        return neutralised(text, self.has_colours) if self.is_terminal else text

    def shown_lines(self, text: str) -> list[str]:
        """Return foreign text of several lines, each as it may be shown here."""
        return [self.shown(line) for line in text.rstrip("\n").split("\n")]

    def painted(self, text: str, codes: str) -> str:
        """Return text in a colour (SGR `codes`) where this stream has colours."""
        return f"\x1b[{codes}m{text}{_RESET}" if self.has_colours else text

    @property
    def _encoding(self) -> str:
        return getattr(self._stream, "encoding", None) or "utf-8"

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = self._encoding
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def _give_up(self, error: Exception) -> None:
        stream, self._stream = self._stream, None
        if stream is None or stream not in (sys.stdout, sys.stderr):
            return
        if isinstance(error, OSError) and error.errno in _GONE:
            # What is still buffered is flushed when the interpreter leaves; it must not fail then.
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, stream.fileno())
            os.close(sink)
        elif stream is sys.stdout:
            sys.stdout = open(os.devnull, "w")
        else:
            sys.stderr = open(os.devnull, "w")


def neutralised(text: str, colours: bool) -> str:
    """Return one line of foreign text with its control characters made visible.

    Colour sequences stay where `colours` is true, else they go. Of what a carriage return
    overwrites (a progress bar), the last state is shown, as a terminal would.
    """
    if "\r" in text:
        text = text.rstrip("\r").rpartition("\r")[2]
    coloured = False

    def visible(match: re.Match[str]) -> str:
        nonlocal coloured
        found = match.group()
        if len(found) > 1:
            coloured = colours
            return found if colours else ""
        return f"\\x{ord(found):02x}"

    safe = _COLOUR_OR_CONTROL.sub(visible, text)
    return safe + _RESET if coloured else safe


def _says_unicode(environ: Mapping[str, str]) -> bool:
    # The interpreter may have been told to write UTF-8 whatever the terminal can show.
    for variable in ("LC_ALL", "LC_CTYPE", "LANG"):
        locale = environ.get(variable)
        if locale:
            return "utf" in locale.lower()
    return True


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False
