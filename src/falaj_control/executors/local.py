"""The executor of this machine: hosts that fork tasks, and the pipes through which these speak."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from falaj.model.orders import CARD, EXIT_UNREPORTED, ErrorInfo, Order
from falaj.runtime import wire
from falaj.runtime.processes import kill_tree
from falaj_control.executors.hosts import HostLink, Interpreter, exit_code
from falaj_control.executors.pool import HostPool
from falaj_control.executors.profiling import Profiler
from falaj_control.executors.underway import PIPES, OrderUnderWay, parse_report, take_notes
from falaj_control.ports.executing import (
    Ended,
    Event,
    LauncherGone,
    Noted,
    Placement,
    Printed,
    Signalled,
    Started,
)

_READ = 1 << 16
# Seconds that a process takes at most from closing its files to its end.
_LAST_BREATH = 0.3
# No signal has this number.
_WAKE = b"\0"
# A process that a task left behind may hold its pipe open; what it writes later is dropped.
_LAST_READS = 64


class LocalExecutor:
    """Runs orders in forks of the launcher, or of further hosts where placement asks for them."""

    def __init__(
        self, launcher: HostLink, interpreter: Interpreter, falaj_root: str, forks_anyway: bool
    ) -> None:
        """Use the launcher's connection; start further hosts with `interpreter`.

        A host that says that forking it isn't safe is forked only if `forks_anyway`.
        """
        self._forks_anyway = forks_anyway
        self._launcher = launcher
        self._selector = selectors.DefaultSelector()
        self._processes: dict[int, OrderUnderWay] = {}
        self._events: list[Event] = []
        self._profiler = Profiler()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _woken)
        self._pool = HostPool(launcher, interpreter, falaj_root, self._watch_host)
        self._watch(self._wake_read, self._take_signals)
        self._watch_host(launcher)

    def start(self, number: int, order: Order, placement: Placement) -> None:
        """Begin to run an order; see the port."""
        pipes: dict[str, int] = {}
        theirs: list[int] = []
        try:
            link = self._pool.link_for(placement)
            for name in PIPES:
                pipes[name], write = os.pipe()
                theirs.append(write)
                os.set_blocking(pipes[name], False)
        except OSError as error:
            # Too many open files or processes: the order fails, the run ends in good order.
            self._refuse(number, f"can't start: {error.strerror}", (*pipes.values(), *theirs))
            return
        if link.receiver.closed:
            # It died among the very events that this order follows from.
            self._refuse(number, "its host died", (*pipes.values(), *theirs))
            return
        process = OrderUnderWay(number, link, pipes)
        self._processes[number] = process
        link.running.add(number)
        kind = wire.CARD if order.kind == CARD else wire.ORDER
        link.send(wire.pack(kind, number, order.to_wire()), theirs)
        self._update_interest(link)

    def _refuse(self, number: int, why: str, files: Iterable[int]) -> None:
        for file in files:
            os.close(file)
        self._events.append(Ended(number, None, None, why))

    def signal(self, number: int, signal: int) -> None:
        """Signal an order's process with everything it started; see the port."""
        process = self._processes.get(number)
        if process is None:
            return
        if process.pid is not None:
            kill_tree(process.pid, signal)
        elif process.link.pid is not None:
            # Its host is still importing the flow.
            kill_tree(process.link.pid, signal)

    def poll(self, seconds: float) -> list[Event]:
        """Wait for something to happen; see the port."""
        for key, _ in self._selector.select(0 if self._events else self._profiler.wait(seconds)):
            key.data()
        self._profiler.run_once()
        events, self._events = self._events, []
        return events

    def warm(self, placement: Placement) -> None:
        """Have a host started for what is to come; see the port."""
        self._pool.warm(placement)

    def wake(self) -> None:
        """Let a poll under way return; see the port."""
        try:
            os.write(self._wake_write, _WAKE)
        except BlockingIOError:
            # So much waits to be read that the poll returns anyway.
            pass

    def close(self, status: int) -> None:
        """End what still runs and let the hosts go; see the port."""
        for process in list(self._processes.values()):
            if process.pid is not None:
                kill_tree(process.pid)
        for link in {id(link): link for link in self._all_hosts()}.values():
            if link.closed:
                continue
            link.drop_outgoing()
            link.connection.setblocking(True)
            try:
                link.connection.sendall(wire.pack(wire.EXIT, 0, status))
            except OSError:
                continue
            if link.pid is not None:
                link.exit_status()

    def _all_hosts(self) -> list[HostLink]:
        once = [process.link for process in self._processes.values()]
        return [*self._pool, *once]

    def _host_ready(self, link: HostLink, hazard: str) -> None:
        key = self._pool.retire(link) if hazard and not self._forks_anyway else None
        if key is None:
            link.now_ready()
            self._pool.warm_next()
            return
        # Its imports started threads or the like: each of its tasks gets an interpreter instead.
        orders = link.take_held()
        for number, (data, files) in zip(sorted(link.running), orders, strict=True):
            process = self._processes[number]
            link.running.discard(number)
            try:
                process.link = self._pool.start(key, once=True)
            except OSError as error:
                for file in files:
                    os.close(file)
                self._ended(number, None, f"can't start: {error.strerror}")
                continue
            process.link.running.add(number)
            process.link.send(data, files)
        link.ready = True
        link.send(wire.pack(wire.EXIT, 0, 0), [])

    def _watch(self, file: int, handle: Callable[[], object]) -> None:
        self._selector.register(file, selectors.EVENT_READ, handle)

    def _watch_host(self, link: HostLink) -> None:
        self._watch(link.connection.fileno(), lambda: self._hear(link))
        self._update_interest(link)

    def _update_interest(self, link: HostLink) -> None:
        file = link.connection.fileno()
        key = self._selector.get_map().get(file)
        if key is None:
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.has_outgoing else 0)
        if key.events != wanted:
            self._selector.modify(file, wanted, key.data)

    def _hear(self, link: HostLink) -> None:
        link.push()
        try:
            link.receiver.receive()
        except BlockingIOError:
            pass
        for message in link.receiver.messages():
            self._understand(link, message)
        if link.receiver.closed:
            self._host_gone(link)
        else:
            self._update_interest(link)

    def _understand(self, link: HostLink, message: wire.Message) -> None:
        if message.kind == wire.FORKED:
            process = self._processes.get(message.number)
            if process is not None:
                process.pid = int(message.json()["pid"])
                self._profiler.began(process.pid)
                # Not before: what a task prints is about a task that has started.
                for name, read in process.pipes.items():
                    self._watch(read, partial(self._read, process, name))
                self._events.append(Started(message.number, process.pid))
        elif message.kind == wire.EXITED:
            said = message.json()
            status = said["status"]
            why = str(said.get("why", ""))
            code = None if status is None else exit_code(status)
            self._ended(message.number, code, why, said.get("usage"))
        elif message.kind == wire.SIGNALLED:
            self._events.append(Signalled(int(message.json()["signal"])))
        elif message.kind == wire.READY:
            self._host_ready(link, str(message.json()["fork_unsafe"]))
        elif message.kind == wire.FAILED:
            link.failure = ErrorInfo(*message.json()).traceback

    def _host_gone(self, link: HostLink) -> None:
        self._selector.unregister(link.connection.fileno())
        if link is self._launcher:
            self._events.append(LauncherGone())
        self._pool.forget(link)
        pids = [self._processes[number].pid for number in link.running]
        # A host that is itself a task may have lost its connection by the step's own doing.
        is_deaf = link.pid in pids and not link.has_ended(_LAST_BREATH)
        for pid in pids:
            if pid is not None:
                kill_tree(pid)
        status = link.exit_status()
        if is_deaf:
            status = EXIT_UNREPORTED
        why = link.failure and f"{link.name} could not import the flow:\n{link.failure}"
        for number in list(link.running):
            once = self._processes[number].pid == link.pid
            self._ended(number, status if once else None, why or ("" if once else "its host died"))
        link.close()

    def _read(self, process: OrderUnderWay, name: str) -> bool:
        file = process.pipes.get(name)
        if file is None:
            # Closed by what was handled just before.
            return False
        try:
            data = os.read(file, _READ)
        except BlockingIOError:
            return False
        if not data:
            self._close_pipe(process, name)
            return False
        if name == "r":
            process.reported += data
        elif name == "n":
            process.noted += data
            self._events.append(Noted(process.number, take_notes(process.noted)))
        else:
            # What it told before it printed this is heard before it: a note may say what is secret.
            self._read(process, "n")
            self._events.append(Printed(process.number, name, data))
        return True

    def _close_pipe(self, process: OrderUnderWay, name: str) -> None:
        file = process.pipes.pop(name)
        if file in self._selector.get_map():
            self._selector.unregister(file)
        os.close(file)

    def _ended(
        self, number: int, status: int | None, why: str, usage: Mapping[str, float] | None = None
    ) -> None:
        process = self._processes.pop(number, None)
        if process is None:
            return
        process.link.running.discard(number)
        for name in list(process.pipes):
            for _ in range(_LAST_READS):
                if name not in process.pipes or not self._read(process, name):
                    break
            if name in process.pipes:
                self._close_pipe(process, name)
        report, profile = parse_report(process.reported), self._profiler.ended(process.pid)
        self._events.append(Ended(number, report, status, why, usage, profile))

    def _take_signals(self) -> None:
        try:
            numbers = os.read(self._wake_read, 4096)
        except BlockingIOError:
            return
        self._events.extend(Signalled(number) for number in numbers if number != _WAKE[0])


def _woken(_number: int, _frame: object) -> None:
    """Do nothing: the number is on its way through the wake-up pipe."""
