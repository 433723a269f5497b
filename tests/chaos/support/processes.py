"""What a run left on this machine: its processes, found by a mark in their environment."""

import os
import signal
import time

MARK = "CHAOS_MARK"


def marked(mark: str) -> dict[int, str]:
    """Return the command lines of the living processes that carry `mark`, by id."""
    wanted = f"{MARK}={mark}".encode()
    found: dict[int, str] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if wanted not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{name}/stat", "rb") as file:
                if file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X"):
                    continue
            with open(f"/proc/{name}/cmdline", "rb") as file:
                found[int(name)] = file.read().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
    return found


def wait_until_none(mark: str, seconds: float = 10.0) -> dict[int, str]:
    """Wait until no process carries `mark`; return those that still do."""
    limit = time.monotonic() + seconds
    while True:
        left = marked(mark)
        if not left or time.monotonic() > limit:
            return left
        time.sleep(0.02)


def kill_marked(mark: str) -> None:
    """End what a test left behind."""
    for pid in marked(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
