"""A clock of the day that jumps: CHAOS_CLOCK names a file that holds the seconds to add."""

import os
import time

_real = time.time


def follow():
    """Replace `time.time`; monotonic time stays."""
    time.time = _shifted


def _shifted():
    try:
        with open(os.environ["CHAOS_CLOCK"]) as file:
            return _real() + float(file.read() or 0)
    except (OSError, ValueError):
        return _real()
