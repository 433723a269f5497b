"""What a task tells control while it runs: one JSON line per note, through a pipe of its own.

A note is with control once it is written, so it outlives whatever happens to the task. The pipe
of the report can't carry notes: the kernel kills the task when that one is stirred.
"""

from __future__ import annotations

import json
import os
from typing import Any

# A line up to this size is written whole, also where a child of the step writes at the same time.
LONGEST = 4096
_pipe = -1


def open_notes(pipe: int) -> None:
    """Send the notes of this process, and of its forks, to `pipe`."""
    global _pipe
    _pipe = pipe


def tell(kind: str, value: Any) -> bool:
    """Send a note, whose `value` is JSON; say whether anybody hears notes here.

    Raises ValueError for one that is too long to be written whole: what is large goes to the
    store, and the note names its digest.
    """
    if _pipe < 0:
        return False
    line = json.dumps([kind, value], separators=(",", ":")).encode() + b"\n"
    if len(line) > LONGEST:
        raise ValueError("a note of {} bytes is longer than {}".format(len(line), LONGEST))
    try:
        os.write(_pipe, line)
    except OSError:
        # The step closed files that were not its own, or control is gone.
        return False
    return True
