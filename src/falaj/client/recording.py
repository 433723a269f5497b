"""Looking for what is only about to be recorded."""

from __future__ import annotations

import os
import time
from typing import Callable, Optional, Sequence, TypeVar

from falaj.errors import FalajNotFound
from falaj.home import SPIN_FOLDER, TASK_VARIABLE

# Seconds. The start of a task is recorded together with others', at most a moment after it.
_WAIT = 10.0
_AGAIN = 0.01

_T = TypeVar("_T")


def when_recorded(parts: Sequence[str], look_up: Callable[[], _T]) -> _T:
    """Return what `look_up` finds; where `parts` name the task that runs here, or its step, wait.

    Raises FalajNotFound where anything else is not there.
    """
    limit: Optional[float] = None
    while True:
        try:
            return look_up()
        except FalajNotFound:
            here = os.environ.get(TASK_VARIABLE, "").split("/")
            # What is spun has records of its own, and a path there.
            here = here[1:] if here[0] == SPIN_FOLDER else here
            if list(parts) != here[: len(parts)]:
                raise
            now = time.monotonic()
            limit = now + _WAIT if limit is None else limit
            if now > limit:
                raise
        time.sleep(_AGAIN)
