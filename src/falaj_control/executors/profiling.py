"""Samples what the processes of tasks use, seldom enough to cost next to nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from falaj_control.executors.gpus import GpuMemory
    from falaj_control.executors.processtable import Use

FIRST = 0.1
SLOWEST = 2.0
MOST_POINTS = 200
# Looking takes at most this part of the time.
_COST = 0.05


class Watched:
    """What has been seen of one task; times are seconds since it began."""

    def __init__(self, began: float) -> None:
        """Begin with nothing seen."""
        self.began = began
        self.due = FIRST
        self.cpu = 0.0
        self.read = self.written = self.memory = 0
        self._points: list[list[Any]] = []
        # How many samples make a point, and how many the last one has.
        self._stride = 1
        self._merged = 0

    def add(self, at: float, use: Use, gpu: int | None) -> None:
        """Take in a sample."""
        self.due = at + min(max(at, FIRST), SLOWEST)
        self.cpu = max(self.cpu, use.cpu)
        self.memory = max(self.memory, use.memory)
        self.read, self.written = max(self.read, use.read), max(self.written, use.written)
        point = [at, self.cpu, use.memory, gpu]
        if self._points and self._merged < self._stride:
            self._points[-1] = _merge(self._points[-1], point)
            self._merged += 1
            return
        if len(self._points) == MOST_POINTS:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [_merge(one, other) for one, other in pairs]
            self._stride *= 2
        self._points.append(point)
        self._merged = 1

    def profile(self) -> dict[str, Any] | None:
        """Return what has been seen as JSON values; None where nothing was."""
        if not self._points:
            return None
        series: list[list[Any]] = []
        before = (0.0, 0.0)
        for at, cpu, memory, gpu in self._points:
            share = (cpu - before[1]) / max(at - before[0], 1e-3)
            series.append([round(at, 3), round(share, 3), memory, gpu])
            before = (at, cpu)
        return {
            "cpu": round(self.cpu, 3),
            "memory": self.memory,
            "read": self.read,
            "written": self.written,
            "series": series,
        }


def _merge(one: list[Any], later: list[Any]) -> list[Any]:
    gpus = [gpu for gpu in (one[3], later[3]) if gpu is not None]
    return [later[0], later[1], max(one[2], later[2]), max(gpus, default=None)]


def _look(roots: Collection[int]) -> dict[int, Use]:
    # Imported here: many runs are over before the first look.
    from falaj_control.executors.processtable import look

    return look(roots)


def _find_gpus() -> GpuMemory | None:
    from falaj_control.executors.gpus import gpu_memory

    return gpu_memory()


class Profiler:
    """Watches the processes of tasks under way, all of them in one look."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        look: Callable[[Collection[int]], dict[int, Use]] = _look,
        find_gpus: Callable[[], GpuMemory | None] = _find_gpus,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        """Watch nothing yet; `look` tells what the processes below some others use.

        `spent` is the processor time of this thread: a busy machine makes no look dearer.
        """
        self._clock = clock
        self._spent = spent
        self._look = look
        self._find_gpus = find_gpus
        self._gpus: GpuMemory | None = None
        self._has_looked = False
        self._watched: dict[int, Watched] = {}
        # When to look next, and until when to leave it be for what the last look has cost.
        self._next = self._rest_until = 0.0

    def began(self, pid: int) -> None:
        """Watch the task whose process is `pid` from now on."""
        now = self._clock()
        first = max(now + FIRST, self._rest_until)
        self._next = min(self._next, first) if self._watched else first
        self._watched[pid] = Watched(now)

    def ended(self, pid: int | None) -> dict[str, Any] | None:
        """Stop watching a task; return what was seen of it, None for one that was too short."""
        watched = self._watched.pop(pid, None) if pid is not None else None
        return None if watched is None else watched.profile()

    def wait(self, seconds: float) -> float:
        """Return how long to wait at most, of `seconds`, until it is time to look."""
        if not self._watched:
            return seconds
        return min(seconds, max(self._next - self._clock(), 0.0))

    def run_once(self) -> None:
        """Look, where it is time to."""
        now = self._clock()
        if not self._watched or now < self._next:
            return
        ready = [pid for pid, one in self._watched.items() if now >= one.began + one.due]
        if ready:
            before = self._spent()
            self._sample(ready, now)
            took = self._spent() - before
            self._rest_until = now + max(FIRST, took / _COST)
        soonest = min(one.began + one.due for one in self._watched.values())
        self._next = max(soonest, self._rest_until)

    def _sample(self, pids: list[int], now: float) -> None:
        if not self._has_looked:
            self._has_looked = True
            self._gpus = self._find_gpus()
        for pid, use in self._look(pids).items():
            gpu = self._gpus(use.pids) if self._gpus is not None else None
            watched = self._watched[pid]
            watched.add(now - watched.began, use, gpu)
        for pid in pids:
            # One that is gone already ends in a moment.
            watched = self._watched[pid]
            if now >= watched.began + watched.due:
                watched.due += SLOWEST
