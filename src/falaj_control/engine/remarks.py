"""What user code prints while a run's parameters are settled, shown line by line."""

from __future__ import annotations

from falaj_control.engine.context import Parts


class Remarks:
    """Shows whole lines as they come, and what is left of each stream at the end."""

    def __init__(self, parts: Parts) -> None:
        """Tell the watcher of `parts`, without what is secret."""
        self._parts = parts
        self._partial: dict[str, bytes] = {}

    def take(self, stream: str, data: bytes) -> None:
        """Show the lines that `data` completes."""
        *whole, rest = (self._partial.get(stream, b"") + data).split(b"\n")
        self._partial[stream] = rest
        for line in whole:
            self._show(line)

    def close(self) -> None:
        """Show the last lines, which nothing has ended."""
        for rest in self._partial.values():
            if rest:
                self._show(rest)
        self._partial.clear()

    def _show(self, line: bytes) -> None:
        text = self._parts.secrets.redactor.redact_bytes(line)
        self._parts.watcher.note(text.decode("utf-8", "backslashreplace"))
