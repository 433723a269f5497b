"""One look at the machine's processes: what those of each task have used and hold just now."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(NamedTuple):
    """One process: CPU seconds with those of the children that it waited for, and its memory."""

    pid: int
    parent: int
    session: int
    cpu: float
    resident: int


class Use(NamedTuple):
    """What the processes of a task have used since it began, and the memory that they hold."""

    cpu: float
    memory: int
    read: int
    written: int
    pids: tuple[int, ...]


def look(roots: Collection[int]) -> dict[int, Use]:
    """Return what the processes below each of `roots` use; those that are gone are left out."""
    table = {process.pid: process for process in _processes()}
    trees: dict[int, list[Process]] = {root: [] for root in roots if root in table}
    owners: dict[int, int] = {root: root for root in trees}
    for process in table.values():
        owner = _owner(process, table, owners)
        if owner:
            trees[owner].append(process)
    return {root: _use(processes) for root, processes in trees.items()}


def _processes() -> Iterator[Process]:
    try:
        names = os.listdir("/proc")
    except OSError:
        return
    for name in names:
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb", buffering=0) as file:
                fields = file.read(4096).rpartition(b")")[2].split()
        except OSError:
            continue
        if len(fields) > 21:
            cpu = sum(map(int, fields[11:15])) * _TICK
            yield Process(int(name), int(fields[1]), int(fields[3]), cpu, int(fields[21]) * _PAGE)


def _owner(process: Process, table: dict[int, Process], owners: dict[int, int]) -> int:
    """Return the root that `process` is below, 0 for none; `owners` keeps what is known."""
    way: list[int] = []
    at: Process | None = process
    owner = 0
    while at is not None:
        known = owners.get(at.pid)
        if known is None and at.session != at.pid and owners.get(at.session) == at.session:
            known = at.session
        if known is not None:
            owner = known
            break
        # A table that is read while it changes might have a circle.
        owners[at.pid] = 0
        way.append(at.pid)
        at = table.get(at.parent)
    for pid in way:
        owners[pid] = owner
    return owner


def _use(processes: list[Process]) -> Use:
    read = written = 0
    for process in processes:
        more = _disk(process.pid)
        read, written = read + more[0], written + more[1]
    return Use(
        sum(process.cpu for process in processes),
        _memory(processes),
        read,
        written,
        tuple(process.pid for process in processes),
    )


def _memory(processes: list[Process]) -> int:
    """Return the memory that the processes hold together.

    Of one process that is what it has resident. Several share pages, above all after a fork, so
    each one's part of these counts, which the kernel works out in some 10 ms for each GB. The part
    of processes outside is missing then; no task holds less than its largest process.
    """
    largest = max((process.resident for process in processes), default=0)
    if sum(1 for process in processes if process.resident) < 2:
        return largest
    return max(largest, sum(_proportional(process) for process in processes))


def _proportional(process: Process) -> int:
    try:
        with open(f"/proc/{process.pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        # It has changed its user or has just ended.
        pass
    return 0


def _disk(pid: int) -> tuple[int, int]:
    """Return the bytes that a process, with children it waited for, has read and written."""
    try:
        with open(f"/proc/{pid}/io", "rb", buffering=0) as file:
            found = dict(line.split(b": ") for line in file.read(4096).splitlines())
        return int(found[b"read_bytes"]), int(found[b"write_bytes"])
    except (OSError, ValueError, KeyError):
        return 0, 0
