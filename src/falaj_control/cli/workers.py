"""Processes that do for a command what control never does itself: run the user's code."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from typing import Any

from falaj_control.cli.context import CommandContext

_LOOK_EVERY = 0.05


class TookTooLong(Exception):
    """A worker that was ended because its time was over."""


def run_worker(
    line: CommandContext, program: str, request: dict[str, Any], seconds: float | None = None
) -> int:
    """Run the Python text `program` with `request` as JSON on its stdin; return its exit status.

    Raises TookTooLong after `seconds`. It does not outlive the wait, however that ends.
    """
    paths = [path for path in sys.path if path]
    worker = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths)),
        # Ctrl-C is for who waits.
        start_new_session=True,
    )
    try:
        _tell(worker, request)
        return _status(line, worker, seconds)
    finally:
        worker.kill()
        worker.wait()


def _tell(worker: subprocess.Popen[bytes], request: dict[str, Any]) -> None:
    assert worker.stdin is not None
    try:
        with worker.stdin as file:
            file.write(json.dumps(request).encode())
    except BrokenPipeError:
        # It has ended, which its exit status tells.
        pass


def _status(line: CommandContext, worker: subprocess.Popen[bytes], seconds: float | None) -> int:
    limit = math.inf if seconds is None else time.monotonic() + seconds
    while True:
        left = limit - time.monotonic()
        if left <= 0:
            raise TookTooLong
        try:
            return worker.wait(min(left, _LOOK_EVERY))
        except subprocess.TimeoutExpired:
            if line.interrupted():
                raise KeyboardInterrupt from None
