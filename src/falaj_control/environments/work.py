"""The making of one environment as a piece of work: it tells how it goes and can be cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class ToolOutput(NamedTuple):
    """What a tool printed and how it ended; a negative status is the signal that ended it."""

    status: int
    out: str
    err: str


class Cancelled(Exception):
    """The work is not wanted any more."""


class Work:
    """Runs tools for one preparation, in a thread of its own; `cancel` comes from another."""

    def __init__(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Tell progress, a short line each, to `tell`."""
        self.tell = tell
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """End the tool under way, and refuse further ones."""
        with self._guard:
            self._cancelled = True
            if self._process is not None:
                _kill_group(self._process)

    def check(self) -> None:
        """Raise Cancelled once the work has been cancelled."""
        if self._cancelled:
            raise Cancelled

    def run(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        cwd: str,
        feed: str = "",
        keep_open: Sequence[int] = (),
        tell_lines: bool = False,
        clean: Callable[[str], str] = str.strip,
    ) -> ToolOutput:
        """Run a tool to its end; `feed` is its input.

        The files `keep_open` stay open in the tool: a file lock among them is then held until the
        tool has ended, even where this process is killed first. With `tell_lines` each line of its
        stderr is told as progress, after `clean` has taken out what is secret. Raises Cancelled,
        and OSError where the tool can't be started.
        """
        with self._guard:
            if self._cancelled:
                raise Cancelled
            # A session of its own, so that what the tool starts in turn (a compiler) ends with it.
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=dict(environ),
                pass_fds=tuple(keep_open),
                start_new_session=True,
            )
            self._process = process
        errors: list[str] = []
        reader = threading.Thread(
            target=self._listen, args=(process, errors, clean if tell_lines else None)
        )
        reader.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(feed.encode())
                process.stdin.close()
            except BrokenPipeError:
                # It ended without reading; its message says why.
                pass
            out = process.stdout.read().decode("utf-8", "replace")
            process.stdout.close()
            status = process.wait()
            reader.join()
        finally:
            with self._guard:
                self._process = None
        self.check()
        return ToolOutput(status, out, "".join(errors))

    def _listen(
        self,
        process: subprocess.Popen[bytes],
        errors: list[str],
        clean: Callable[[str], str] | None,
    ) -> None:
        assert process.stderr is not None
        for raw in process.stderr:
            line = raw.decode("utf-8", "replace")
            errors.append(line)
            if clean is not None and line.strip():
                self.tell(clean(line).strip())
        process.stderr.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        # It has ended meanwhile.
        pass
