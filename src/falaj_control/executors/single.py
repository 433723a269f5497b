"""One order without a run, for a command that needs what only the flow's process has."""

from __future__ import annotations

import signal
import time

from falaj.model.orders import Order, Report
from falaj_control.executors.hosts import HostLink, Interpreter
from falaj_control.executors.local import LocalExecutor
from falaj_control.ports.executing import Ended, LauncherGone, Placement, Signalled, Started

_NUMBER = 1
# Seconds that a fresh interpreter may take to import the flow, before the order's time begins.
_START = 60.0


def carry_out_alone(
    launcher: HostLink,
    interpreter: Interpreter,
    falaj_root: str,
    order: Order,
    seconds: float,
    placement: Placement,
) -> tuple[Report | None, str]:
    """Have an order done where `placement` says; return its report, or why there is none."""
    executor = LocalExecutor(launcher, interpreter, falaj_root, True)
    executor.start(_NUMBER, order, placement)
    limit, why = time.monotonic() + _START + seconds, ""
    while True:
        for event in executor.poll(max(0.0, limit - time.monotonic())):
            match event:
                case Started():
                    limit = time.monotonic() + seconds
                case Signalled() | LauncherGone():
                    why = "it was interrupted"
                    executor.signal(_NUMBER, signal.SIGKILL)
                case Ended():
                    died = event.why or f"its process ended with status {event.status}"
                    return event.report, why or ("" if event.report is not None else died)
                case _:
                    pass
        if time.monotonic() >= limit:
            why = f"it took longer than {seconds:g} seconds"
            limit = time.monotonic() + 1.0
            executor.signal(_NUMBER, signal.SIGKILL)
