"""What an attempt of a task, with all the processes that it started, has used of the machine."""

from __future__ import annotations

from typing import Any, List, NamedTuple, Optional, Sequence

from falaj.client.figures import Used, used
from falaj.client.frames import frame
from falaj.client.html import grid
from falaj.client.taskfacts import TaskFacts


class Sample(NamedTuple):
    """One look at the processes of an attempt.

    `time` is in seconds since it began, `cpu` the processors that were busy since the sample
    before, `memory` and `gpu_memory` are in bytes; the latter is None where no GPU is visible.
    """

    time: float
    cpu: float
    memory: int
    gpu_memory: Optional[int]


class Profile:
    """What one attempt has used.

    `wall` and `cpu` are seconds; `peak_memory`, `read_bytes` and `written_bytes` bytes, the last
    two to and from the disk; `peak_gpu_memory` is None where no GPU is visible.
    """

    def __init__(self, used: Used) -> None:
        """Put together what the attempt told at its end and what was sampled before."""
        usage, sampled = used.usage, used.sampled
        self.wall: float = usage.get("wall", used.seconds)
        self.cpu: float = max(usage.get("cpu", 0.0), sampled.get("cpu", 0.0))
        self.peak_memory = _most("memory", used)
        self.read_bytes = _most("read", used)
        self.written_bytes = _most("written", used)
        rows: Sequence[Any] = sampled.get("series", ())
        self.series: List[Sample] = [Sample(*row) for row in rows]
        gpu = [one.gpu_memory for one in self.series if one.gpu_memory is not None]
        self.peak_gpu_memory: Optional[int] = max(gpu, default=None)

    def to_pandas(self) -> Any:
        """Return the series as a pandas DataFrame."""
        return frame(self.series, Sample._fields)

    def __repr__(self) -> str:
        return "<Profile: {}>".format(self.in_a_line())

    def in_a_line(self) -> str:
        """Return the gist: `3.21 s, 5.90 s of CPU, 1.2 GB at most, read 0 B, wrote 4.1 MB`."""
        parts = [
            "{:.2f} s".format(self.wall),
            "{:.2f} s of CPU".format(self.cpu),
            "{} at most".format(shown_bytes(self.peak_memory)),
            "read {}".format(shown_bytes(self.read_bytes)),
            "wrote {}".format(shown_bytes(self.written_bytes)),
        ]
        if self.peak_gpu_memory is not None:
            parts.append("{} of GPU memory".format(shown_bytes(self.peak_gpu_memory)))
        return ", ".join(parts)

    def _repr_html_(self) -> str:
        names = ("wall", "CPU", "peak memory", "read", "written")
        sizes = (self.peak_memory, self.read_bytes, self.written_bytes)
        times = ["{:.2f} s".format(self.wall), "{:.2f} s".format(self.cpu)]
        return grid("Profile", names, [times + [shown_bytes(size) for size in sizes]])


def profile_of(task: TaskFacts) -> Optional[Profile]:
    """Return what the attempt that is looked at used; None until it has ended."""
    source = task.source
    found = used(task.access.reader, source.run, source.id, task.current_attempt())
    return None if found is None else Profile(found)


def shown_bytes(size: float) -> str:
    """Return a size as people say it, in powers of 1,000: `0 B`, `4.1 MB`."""
    unit = "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    return "{:.{}f} {}".format(size, 0 if unit == "B" else 1, unit)


def _most(name: str, used: Used) -> int:
    return int(max(used.usage.get(name, 0.0), used.sampled.get(name, 0.0)))
