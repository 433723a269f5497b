"""Whether the process that holds a run's lease still lives."""

from __future__ import annotations

import os
import socket
from typing import Any, Dict, Mapping, Optional

SILENCE_SECONDS = 15.0


def process_lease() -> Dict[str, Any]:
    """Describe this process so that others can tell later whether it still lives."""
    pid = os.getpid()
    return {
        "host": socket.gethostname(),
        "boot": boot_id(),
        "pid": pid,
        "started": process_started(pid),
    }


def is_lost(lease: Mapping[str, Any], heard_at: float, now: float) -> bool:
    """Say whether the holder of `lease`, last heard of at `heard_at`, is gone.

    On the holder's own machine its process decides, so that a clock that jumps or a laptop that
    sleeps loses no run; elsewhere only silence can tell.
    """
    if lease.get("host") != socket.gethostname():
        return now - heard_at > SILENCE_SECONDS
    if lease.get("boot") != boot_id():
        return True
    started = process_started(int(lease["pid"]))
    return started is None or started != lease.get("started")


def process_started(pid: int) -> Optional[str]:
    """Return a token for when a live process started (it tells reused ids apart), or None."""
    try:
        with open("/proc/{}/stat".format(pid), "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None if os.path.isdir("/proc/self") else _alive_without_proc(pid)
    # Field 3 is the state, 22 the start time in ticks since boot (proc(5)).
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def _alive_without_proc(pid: int) -> Optional[str]:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "alive"
    except OSError:
        return None
    return "alive"


def boot_id() -> str:
    """Return what names this start of the machine, empty where the system does not tell."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    except OSError:
        return ""
