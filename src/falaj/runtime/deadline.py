"""The first stage of @timeout: the exception, raised inside the step.

A step that does not answer it (native code, an `except` that swallows it) is ended from outside.
"""

from __future__ import annotations

import signal
import sys
from _thread import get_ident
from typing import TYPE_CHECKING, Any, Optional

from falaj.errors import TimeoutException

if TYPE_CHECKING:
    import threading


class Deadline:
    """Raises TimeoutException in the thread that entered it once `seconds` have passed."""

    def __init__(self, seconds: Optional[float], step: str) -> None:
        """Allow `seconds`; None allows any time."""
        self._seconds = seconds
        self._message = "Step {} ran longer than its @timeout of {:g} seconds.".format(
            step, seconds or 0
        )
        self._timer: "Optional[threading.Timer]" = None
        self._previous: Any = None

    def __enter__(self) -> "Deadline":
        if self._seconds is None:
            return self
        threads = sys.modules.get("threading")
        if threads is None or threads.current_thread() is threads.main_thread():
            self._previous = signal.signal(signal.SIGALRM, self._ring)
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
        else:
            target = get_ident()
            timer = threads.Timer(self._seconds, _raise_in, (target, self._message))
            timer.daemon = True
            timer.start()
            self._timer = timer
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        elif self._seconds is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._previous or signal.SIG_DFL)

    def _ring(self, *_: object) -> None:
        raise TimeoutException(self._message)


def _raise_in(thread: int, message: str) -> None:
    import ctypes

    class StepTimeout(TimeoutException):
        def __init__(self) -> None:
            super().__init__(message)

    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    raise_in(ctypes.c_ulong(thread), ctypes.py_object(StepTimeout))
