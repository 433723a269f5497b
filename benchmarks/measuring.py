"""Timing processes, and taking turns so that both sides see the same machine."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from places import LIMITS, WORK, Side

_SHOWN_OF_A_FAILURE = 3000


class Failed(Exception):
    """A measured process did not do its work."""


class Spread(NamedTuple):
    """The middle and the ends of several measurements."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    """Return the middle and the ends of `values`."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(over: Sequence[float], under: Sequence[float]) -> Spread:
    """Return how many times `under` goes into `over`, pair by pair."""
    return spread([one / other for one, other in zip(over, under, strict=True)])


def interleave(
    repeats: int, *measures: Callable[[], float], warm_up: bool = True
) -> list[list[float]]:
    """Take each measurement `repeats` times in turn, A B A B, after a round that is dropped."""
    taken: list[list[float]] = [[] for _ in measures]
    if warm_up:
        for measure in measures:
            measure()
    for _ in range(repeats):
        for values, measure in zip(taken, measures, strict=True):
            values.append(measure())
    return taken


def timed(
    command: Sequence[str],
    variables: Mapping[str, str],
    expected: int = 0,
    meanwhile: Callable[[int], None] | None = None,
) -> float:
    """Run a process to its end and return its wall time in seconds.

    `meanwhile` is called with its process id again and again while it runs.
    """
    WORK.mkdir(exist_ok=True)
    path = WORK / "output.txt"
    with path.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=dict(variables), cwd=WORK, stdout=output, stderr=subprocess.STDOUT
        )
        while meanwhile is not None and process.poll() is None:
            meanwhile(process.pid)
            time.sleep(0.2)
        process.wait()
        seconds = time.perf_counter() - began
    if process.returncode != expected:
        shown = path.read_text(errors="replace")[-_SHOWN_OF_A_FAILURE:]
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{shown}")
    return seconds


def asked(command: Sequence[str], variables: Mapping[str, str]) -> Any:
    """Run a process that prints one line of JSON and return its value."""
    done = subprocess.run(
        list(command), env=dict(variables), cwd=WORK, capture_output=True, text=True
    )
    if done.returncode:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def flow_time(
    side: Side, purpose: str, flow: str, *arguments: str, expected: int = 0, **variables: str
) -> float:
    """Return the wall time of `python flow.py ARGUMENTS`."""
    command = [side.python, str(side.flows / flow), *arguments]
    return timed(command, side.variables(purpose, **variables), expected)


def limit(side: Side, *arguments: str) -> Any:
    """Return what `limits.py` measures when it is told `arguments`."""
    return asked([side.python, str(LIMITS), *arguments], side.variables("limits"))


class ControlWatch:
    """Follows the peak memory of a run's control process, a child of the one that is timed."""

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self.peak_bytes = 0
        self._pid: int | None = None

    def __call__(self, launcher: int) -> None:
        """Look once."""
        if self._pid is None:
            self._pid = _control_of(launcher)
        if self._pid is None:
            return
        try:
            status = Path(f"/proc/{self._pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.peak_bytes = max(self.peak_bytes, int(line.split()[1]) * 1024)


def _control_of(launcher: int) -> int | None:
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            parent = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[1]
            command = Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == launcher and b"falaj_control" in command:
            return int(name)
    return None
