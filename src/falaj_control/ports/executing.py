"""Where tasks run: an executor takes orders and tells what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from falaj.model.orders import Order, Report


class HostPlace(NamedTuple):
    """An environment that hosts run in: its interpreter, and where that finds Falaj.

    `prefix` is the environment's folder, `version` its Python's, `falaj` the zip that holds the
    package; `paths` are folders of the user's own code that travels with the run. `steps` are
    those that run there: what they import first of all, their host imports once for all tasks.
    """

    key: str
    python: str
    version: str
    prefix: str
    falaj: str
    paths: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


class Placement(NamedTuple):
    """What an order's process needs besides the flow: variables, an environment, freshness.

    Orders with equal `variables` and `place` may share a host; a place of None is the launching
    environment. A `fresh` one gets an interpreter of its own.
    """

    variables: tuple[tuple[str, str], ...] = ()
    place: HostPlace | None = None
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


class Noted(NamedTuple):
    """The order's process told something while it ran: notes of (kind, JSON value), in order."""

    number: int
    notes: tuple[tuple[str, Any], ...]


class Ended(NamedTuple):
    """The order's process is gone and all that it wrote has been told.

    `report` is its own account, absent where it died; `status` is the exit code, negative for a
    signal; `why` says what went wrong where no process could be started. `usage` is what the
    kernel says that a process without a report has used, `profile` what was sampled meanwhile of
    it and of all that it started.
    """

    number: int
    report: Report | None
    status: int | None
    why: str
    usage: Mapping[str, float] | None = None
    profile: Mapping[str, Any] | None = None


class Signalled(NamedTuple):
    """The person wants to stop (Ctrl-C, a closed terminal, a polite kill)."""

    signal: int


class LauncherGone(NamedTuple):
    """The process that started the run died; nobody waits for it any more."""


Event = Started | Printed | Noted | Ended | Signalled | LauncherGone


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

    def warm(self, placement: Placement) -> None:
        """Get ready for orders with this placement that are going to come."""
        ...

    def wake(self) -> None:
        """Let a `poll` under way return at once; may be called from any thread."""
        ...

    def close(self, status: int) -> None:
        """End whatever still runs and let the hosts go; the launcher exits with `status`."""
        ...


class ExecutorContext(NamedTuple):
    """What an executor of another package is made with, once for each run.

    `local` makes the executor of this machine, which also tells of signals and of the launcher's
    death. Call it once: give it the orders that are to run here, and pass on all of its events.
    `file` is the flow's, `home` and `cache` are the folders of the settings.
    """

    local: Callable[[], Executor]
    flow: str
    file: str
    home: str
    cache: str
