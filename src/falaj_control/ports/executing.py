"""Where tasks run: an executor takes orders and tells what becomes of them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from falaj.model.orders import Order, Report


class Placement(NamedTuple):
    """What an order's process needs besides the flow: its environment, and a fresh interpreter.

    Orders with equal `variables` may share a host. A `fresh` one gets an interpreter of its own.
    """

    variables: tuple[tuple[str, str], ...] = ()
    fresh: bool = False


class Started(NamedTuple):
    """The order's process runs."""

    number: int
    pid: int


class Printed(NamedTuple):
    """The order's process wrote some bytes to `stream` (`o` or `e`)."""

    number: int
    stream: str
    data: bytes


class Ended(NamedTuple):
    """The order's process is gone and all that it wrote has been told.

    `report` is its own account, absent where it died; `status` is the exit code, negative for a
    signal; `why` says what went wrong where no process could be started.
    """

    number: int
    report: Report | None
    status: int | None
    why: str


class Signalled(NamedTuple):
    """The person wants to stop (Ctrl-C, a closed terminal, a polite kill)."""

    signal: int


class LauncherGone(NamedTuple):
    """The process that started the run died; nobody waits for it any more."""


Event = Started | Printed | Ended | Signalled | LauncherGone


class Executor(Protocol):
    """Runs orders; used from one thread."""

    def start(self, number: int, order: Order, placement: Placement) -> None:
        """Begin to run an order under a number of the caller's choice."""
        ...

    def signal(self, number: int, signal: int) -> None:
        """Send a signal to the order's process and everything that it started."""
        ...

    def poll(self, seconds: float) -> list[Event]:
        """Wait up to `seconds` for something to happen; return what did, in order."""
        ...

    def close(self, status: int) -> None:
        """End whatever still runs and let the hosts go; the launcher exits with `status`."""
        ...
