"""The form of one line in an attempt's log file."""

from __future__ import annotations

from typing import NamedTuple, Optional

STDOUT = "o"
STDERR = "e"


class LogLine(NamedTuple):
    """Bytes that a task printed at `at` (seconds since the epoch) on one stream.

    `whole` is false where no newline followed: a prompt, a progress bar, the last words of a
    killed process. Such pieces join with what comes next on their stream.
    """

    at: float
    stream: str
    text: bytes
    whole: bool


def format_line(line: LogLine) -> bytes:
    """Return the stored form: time, stream letter (capital where not whole), text, newline."""
    letter = line.stream if line.whole else line.stream.upper()
    return b"%.6f %s %s\n" % (line.at, letter.encode(), line.text)


def parse_line(stored: bytes) -> Optional[LogLine]:
    """Return the line that `format_line` wrote, or None for a torn or foreign one."""
    at, _, rest = stored.rstrip(b"\n").partition(b" ")
    letter, _, text = rest.partition(b" ")
    stream = letter.decode("ascii", "replace").lower()
    if stream not in (STDOUT, STDERR):
        return None
    try:
        return LogLine(float(at), stream, text, letter.islower())
    except ValueError:
        return None
