"""What the kernel is asked about processes: whose child it is, and that none outlives its task."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from typing import Any, Dict, FrozenSet, List, NamedTuple, Optional, Set

_PR_SET_CHILD_SUBREAPER = 36
_libc: Any = None


def prepare() -> None:
    """Load what `adopt_orphans` needs, before the first fork."""
    global _libc
    if _libc is None and sys.platform == "linux":
        try:
            import ctypes

            _libc = ctypes.CDLL(None)
        except (ImportError, OSError):
            _libc = None


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, instead of process 1."""
    prepare()
    if _libc is not None:
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_reader(pipe: int) -> None:
    """Have the kernel kill this process's group once nobody reads `pipe` any more.

    Control reads it and a living host ends its tasks itself when control dies; this is for the
    case that both are killed at once. Call it off before writing, which stirs the pipe as well.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_WRONLY | os.O_ASYNC)
        # The kernel tells it once, when it happens.
        watch = select.poll()
        watch.register(pipe, 0)
        if watch.poll(0):
            os.kill(os.getpid(), signal.SIGKILL)


def outlive_reader(pipe: int) -> None:
    """Call `die_with_reader` off."""
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_WRONLY)


class ProcessEntry(NamedTuple):
    """One process of the machine."""

    pid: int
    parent: int
    group: int
    session: int
    zombie: bool


def all_processes() -> Dict[int, ProcessEntry]:
    """Return the machine's processes by id (empty where there is no /proc)."""
    entries: Dict[int, ProcessEntry] = {}
    try:
        names = os.listdir("/proc")
    except OSError:
        return entries
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open("/proc/{}/stat".format(name), "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        pid = int(name)
        parent, group, session = (int(field) for field in fields[1:4])
        entries[pid] = ProcessEntry(pid, parent, group, session, fields[0] == b"Z")
    return entries


def children_of(parent: int) -> "FrozenSet[int]":
    """Return the children of a process of this program's (none where the kernel does not tell)."""
    try:
        with open("/proc/{0}/task/{0}/children".format(parent)) as file:
            return frozenset(int(pid) for pid in file.read().split())
    except (OSError, ValueError):
        return frozenset()


def tree_of(root: int, entries: Optional[Dict[int, ProcessEntry]] = None) -> List[int]:
    """Return `root` with its descendants and all of its session, `root` first."""
    entries = all_processes() if entries is None else entries
    children: Dict[int, List[int]] = {}
    for entry in entries.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found = [root]
    found.extend(pid for pid, entry in entries.items() if entry.session == root and pid != root)
    seen: Set[int] = set(found)
    position = 0
    while position < len(found):
        for child in children.get(found[position], ()):
            if child not in seen:
                seen.add(child)
                found.append(child)
        position += 1
    return found


def kill_tree(root: int, number: int = signal.SIGKILL) -> None:
    """Signal a task's process with everything it started, also what left its session."""
    entries = all_processes()
    pids = tree_of(root, entries)
    told: Set[int] = set()
    try:
        # The group in one call: were this process killed half-way, what is left of the group would
        # have lost the task, through which it is found.
        os.killpg(root, number)
        if number != signal.SIGKILL:
            # A handler of the step's own hears it once.
            told = {pid for pid, entry in entries.items() if entry.group == root}
    except OSError:
        pass
    for pid in pids:
        if pid in told:
            continue
        try:
            os.kill(pid, number)
        except OSError:
            pass


def marked_with(whole: str, beginning: str) -> List[int]:
    """Return the processes started with the variable `whole` and one that begins as the other."""
    found: List[int] = []
    for pid in all_processes():
        try:
            with open("/proc/{}/environ".format(pid), "rb") as file:
                variables = file.read().split(b"\0")
        except OSError:
            continue
        begins = os.fsencode(beginning)
        if os.fsencode(whole) in variables and any(one.startswith(begins) for one in variables):
            found.append(pid)
    return found


def began_at(pid: int) -> Optional[float]:
    """Return when a live process started, in seconds since the epoch to about a second, or None."""
    try:
        with open("/proc/{}/stat".format(pid), "rb") as file:
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        with open("/proc/stat") as file:
            boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    except (OSError, StopIteration, ValueError):
        return None
    return boot + ticks / os.sysconf("SC_CLK_TCK")
