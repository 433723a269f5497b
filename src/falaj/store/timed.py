"""Calls of code that is not ours with a limit on their time, where the process allows one."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any, Callable, Tuple

_AGAIN_SECONDS = 0.05


class OutOfTime(Exception):
    """A call that was stopped, or not begun, because the time was spent."""


class _Interrupted(BaseException):
    """Raised in the called code; no handler of `Exception` there may eat it."""


class Allowance:
    """An amount of time that several calls share."""

    def __init__(self, seconds: float) -> None:
        """Allow `seconds` in all."""
        self.left = seconds

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return the function's result or raise what it raises; OutOfTime when it takes too long.

        A call can be stopped in the main thread only, and only where no interval timer runs;
        elsewhere the first call may take as long as it likes.
        """
        if self.left <= 0:
            raise OutOfTime
        began = time.perf_counter()
        try:
            if _can_interrupt():
                return _interruptible(self.left, function, arguments)
            return function(*arguments)
        finally:
            self.left -= time.perf_counter() - began


def _can_interrupt() -> bool:
    # Not imported here: what registers hooks for forks makes every task dearer.
    threads = sys.modules.get("threading")
    return (
        hasattr(signal, "setitimer")
        and (threads is None or threads.current_thread() is threads.main_thread())
        and signal.getitimer(signal.ITIMER_REAL)[0] == 0.0
        # A handler that C code has set could not be put back.
        and signal.getsignal(signal.SIGALRM) is not None
    )


def _interruptible(seconds: float, function: Callable[..., Any], arguments: Tuple[Any, ...]) -> Any:
    active = True

    def interrupt(_number: int, _frame: Any) -> None:
        # A signal that comes late must not strike whoever runs then.
        if active:
            raise _Interrupted

    previous = signal.signal(signal.SIGALRM, interrupt)
    try:
        try:
            # Code that eats the first interrupt gets another.
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_SECONDS)
            return function(*arguments)
        finally:
            active = False
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _Interrupted:
        active = False
        raise OutOfTime from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
