"""One order under way on this machine: its host, its pipes, and what it has told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from falaj.model.orders import Report
from falaj.runtime.notes import LONGEST
from falaj_control.executors.hosts import HostLink

# Output, errors, report and notes, in the order in which a host gets them.
PIPES = ("o", "e", "r", "n")


@dataclass
class OrderUnderWay:
    """An order that a host has or will get; `pipes` holds those of PIPES that have not ended."""

    number: int
    link: HostLink
    pipes: dict[str, int]
    pid: int | None = None
    reported: bytearray = field(default_factory=bytearray)
    noted: bytearray = field(default_factory=bytearray)


def parse_report(data: bytearray) -> Report | None:
    """Return what a process said of itself, or None where it did not say it to the end."""
    # A process that was killed while it reported leaves a torn line, which is no report.
    if not data:
        return None
    try:
        return Report.from_wire(json.loads(data))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def take_notes(data: bytearray) -> tuple[tuple[str, Any], ...]:
    """Remove the whole lines from `data` and return them as notes: kind and value.

    A line that is no note is left out: whatever a step writes to a file that it does not know
    must not end the run, nor fill the memory.
    """
    end = data.rfind(b"\n") + 1
    lines = bytes(data[:end]).splitlines()
    del data[:end]
    if len(data) > LONGEST:
        data.clear()
    notes: list[tuple[str, Any]] = []
    for line in lines:
        try:
            kind, value = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        notes.append((str(kind), value))
    return tuple(notes)
