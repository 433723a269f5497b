"""Whole values of plain data, read by a process of their own: this one never loads a value."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import falaj
from falaj.store.manifests import Entry

_READ = "import sys; sys.path.insert(0, sys.argv[1]); from falaj.client.plainvalues import main; "
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(falaj.__file__)))


class PlainValues:
    """Asks for values one by one; the process starts with the first."""

    def __init__(self, store: str) -> None:
        """Read from the blobs in the folder `store`."""
        self._store = store
        self._process: subprocess.Popen[str] | None = None

    def text(self, entry: Entry) -> str | None:
        """Return a value as text; None where it is no plain data or can't be read."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(entry) + "\n")
            process.stdin.flush()
        except OSError:
            # It could not start; previews have to do.
            return None
        answer = process.stdout.readline()
        return json.loads(answer) if answer else None

    def close(self) -> None:
        """Let the process end."""
        if self._process is not None:
            self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _READ + "main(sys.argv[2])", _ROOT, self._store],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            # Ctrl-C is for who asks; this ends with its input.
            start_new_session=True,
        )
