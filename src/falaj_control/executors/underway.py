"""One order under way on this machine: its host, its pipes, and what it has reported."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from falaj.model.orders import Report
from falaj_control.executors.hosts import HostLink


@dataclass
class OrderUnderWay:
    """An order that a host has or will get; `pipes` are `o`, `e` and `r` until they end."""

    number: int
    link: HostLink
    pipes: dict[str, int]
    pid: int | None = None
    reported: bytearray = field(default_factory=bytearray)


def parse_report(data: bytearray) -> Report | None:
    """Return what a process said of itself, or None where it did not say it to the end."""
    # A process that was killed while it reported leaves a torn line, which is no report.
    if not data:
        return None
    try:
        return Report.from_wire(json.loads(data))
    except (ValueError, KeyError, TypeError):
        return None
