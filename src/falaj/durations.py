"""`profile`: how long a part of a step took."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import Dict, Generator, Optional


@contextmanager
def profile(
    label: str, stats_dict: Optional[Dict[str, float]] = None
) -> Generator[None, None, None]:
    """Measure a block, as in `with profile("fit"):`.

    The milliseconds are added to `stats_dict[label]` where one is given, else they are printed.
    """
    if stats_dict is None:
        _tell("{} starting".format(label))
    started = time.monotonic()
    try:
        yield
    finally:
        took = 1000 * (time.monotonic() - started)
        if stats_dict is None:
            _tell("{} completed in {:.0f}ms".format(label, took))
        else:
            stats_dict[label] = stats_dict.get(label, 0) + took


def _tell(text: str) -> None:
    sys.stdout.write("PROFILE: {}\n".format(text))
