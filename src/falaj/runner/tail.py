"""Shows what is appended to a file, in whole lines, on this process's own output."""

from __future__ import annotations

import codecs
import sys
from typing import Any

_READ = 1 << 20


class Tail:
    """Follows one file; `name` says where to: `stdout` or `stderr`."""

    def __init__(self, path: str, name: str) -> None:
        """Begin at the file's start."""
        self._path = path
        self._name = name
        self._position = 0
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def show(self, ended: bool) -> None:
        """Write what has been appended; once it has `ended`, also a line without its end."""
        text = self._rest
        with open(self._path, "rb") as file:
            file.seek(self._position)
            while True:
                data = file.read(_READ)
                text += self._decoder.decode(data)
                if not data:
                    break
            self._position = file.tell()
        whole = len(text) if ended else text.rfind("\n") + 1
        self._rest = text[whole:]
        if whole:
            # Looked up now: a notebook's cell, or a test, puts its own in place.
            write_text(getattr(sys, self._name), text[:whole])


def write_text(stream: Any, text: str) -> None:
    """Write text at once; what the stream's encoding can't say is written as escapes."""
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding))
    stream.flush()
