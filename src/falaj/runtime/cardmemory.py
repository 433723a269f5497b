"""How much memory rendering a card may take, so that no card takes the machine."""

from __future__ import annotations

import os
import resource

# Bytes on top of what the process has when it begins, and the part of the machine's memory that
# is the most. Any page that a browser opens is made with far less.
MOST = 4 << 30
_PART = 2


def limit_memory(most: int = MOST) -> None:
    """Have this process refused what it asks for beyond the limit; a refusal is a MemoryError.

    Where the system can't tell or limit it, nothing is limited.
    """
    try:
        page = os.sysconf("SC_PAGE_SIZE")
        allowed = min(most, page * os.sysconf("SC_PHYS_PAGES") // _PART)
        # What was only reserved before, as GPUs' drivers do by the terabyte, counts here, too.
        with open("/proc/self/statm", encoding="ascii") as file:
            total = int(file.read().split()[0]) * page + allowed
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or total < hard:
            resource.setrlimit(resource.RLIMIT_AS, (total, hard))
    except (OSError, ValueError):
        pass
