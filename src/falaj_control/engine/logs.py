"""What an attempt prints: cut into lines, dated, kept in its log file up to a limit."""

from __future__ import annotations

import os
from collections.abc import Iterator

from falaj.model.loglines import LogLine, format_line
from falaj.redaction import Redactor

# A line is shown and stored once it ends, or once its beginning has waited this long.
PARTIAL_AFTER = 0.5
# Without an end a line is cut here, so that a flood of bytes without newlines stays bounded.
LONGEST = 1 << 16


class LogDrain:
    """The log of one attempt; the file is made when the first line comes."""

    def __init__(self, path: str, most_bytes: int, redactor: Redactor | None = None) -> None:
        """Keep up to `most_bytes` of each stream in the file `path`, without what is secret."""
        self._path = path
        self._redactor = redactor or Redactor()
        self._most = most_bytes
        self._kept = {"o": 0, "e": 0}
        self._partial = {"o": b"", "e": b""}
        self._since = {"o": 0.0, "e": 0.0}
        self._file: int | None = None
        self.broken = ""

    def take(self, stream: str, data: bytes, now: float) -> list[LogLine]:
        """Add printed bytes; return the lines that became whole."""
        *whole, rest = (self._partial[stream] + data).split(b"\n")
        lines = [
            LogLine(now, stream, piece, last)
            for text in whole
            for piece, last in _pieces(self._redactor.redact_bytes(text), ends=True)
        ]
        while len(rest) > LONGEST:
            shown = self._showable(rest[:LONGEST]) or self._showable(rest)
            if not shown:
                break
            text = self._redactor.redact_bytes(rest[:shown])
            lines += [LogLine(now, stream, piece, False) for piece, _ in _pieces(text, ends=False)]
            rest = rest[shown:]
        if rest and not self._partial[stream]:
            self._since[stream] = now
        self._partial[stream] = rest
        return self._store(lines)

    def flush_partial(self, now: float, everything: bool = False) -> list[LogLine]:
        """Return beginnings of lines that have waited long enough, or all of them at the end."""
        lines: list[LogLine] = []
        for stream, rest in self._partial.items():
            if rest and (everything or now - self._since[stream] >= PARTIAL_AFTER):
                shown = len(rest) if everything else self._showable(rest)
                if shown:
                    hide = self._redactor.redact_end if everything else self._redactor.redact_bytes
                    lines.append(LogLine(now, stream, hide(rest[:shown]), False))
                    self._partial[stream] = rest[shown:]
                    self._since[stream] = now
        return self._store(lines)

    @property
    def waits(self) -> bool:
        """Say whether the beginning of a line waits for its end."""
        return bool(self._partial["o"] or self._partial["e"])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _showable(self, rest: bytes) -> int:
        # The end of a line's beginning may be the beginning of a secret.
        return self._redactor.safe_length(rest) if self._redactor.is_active else len(rest)

    def _store(self, lines: list[LogLine]) -> list[LogLine]:
        kept: list[LogLine] = []
        stored = bytearray()
        for line in lines:
            before = self._kept[line.stream]
            self._kept[line.stream] = before + len(line.text) + 1
            if before + len(line.text) < self._most:
                kept.append(line)
                stored += format_line(line)
            elif before <= self._most:
                limit = f"[log cut here: more than {self._most / 1048576:g} MB]".encode()
                self._kept[line.stream] = self._most + 1
                kept.append(line._replace(text=limit, whole=True))
                stored += format_line(kept[-1])
        if stored:
            self._write(bytes(stored))
        return kept

    def _write(self, data: bytes) -> None:
        # A log that can't be written must not end the work that it is about.
        try:
            if self._file is None:
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._file = os.open(self._path, flags, 0o644)
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            self.broken = error.strerror


def _pieces(text: bytes, ends: bool) -> Iterator[tuple[bytes, bool]]:
    while len(text) > LONGEST:
        yield text[:LONGEST], False
        text = text[LONGEST:]
    yield text, ends
