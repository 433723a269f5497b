"""Passes Ctrl-C on to what this program is waiting for in an event loop."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import Any, Callable, Generator, List

_stops: List[Callable[[], None]] = []
_before: List[Callable[[int, Any], Any]] = []


@contextmanager
def interrupts_call(stop: Callable[[], None]) -> Generator[None, None, None]:
    """Have Ctrl-C call `stop` in this block, and then do what it did before."""
    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or not (_stops or callable(before)):
        yield
        return
    _stops.append(stop)
    if len(_stops) == 1 and callable(before):
        _before[:] = [before]
        signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    finally:
        _stops.remove(stop)
        if not _stops and signal.getsignal(signal.SIGINT) is _interrupted:
            signal.signal(signal.SIGINT, _before[0])


def _interrupted(number: int, frame: Any) -> None:
    for stop in list(_stops):
        stop()
    _before[0](number, frame)
