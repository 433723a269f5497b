"""The host: a process that has imported one flow file and forks a process for each order.

It reads orders from control and tells when each order's process started and ended. When control
dies it ends all tasks, so that nothing runs unsupervised.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, NoReturn, Optional, Sequence

from falaj.model.graph import FlowDescription
from falaj.runtime import processes, wire
from falaj.runtime.taskprocess import FILES, become_task, fork_task, prepare_streams, run_task

if TYPE_CHECKING:
    from falaj.runtime.preloading import Preloaded

# A stray that left its task's session is looked for this often, and once more at the end.
_STRAYS_EVERY = 1.0
_LAST_REAP = 5.0
# Control's connection closes a moment before its children are handed to us.
_LAST_ORPHANS = 0.3


class ControlDied(Exception):
    """Control's end of the connection closed without a word."""


class Host:
    """Serves one connection to control until it is told to leave."""

    def __init__(
        self,
        connection: socket.socket,
        receiver: wire.Receiver,
        flow_class: type,
        description: Optional[FlowDescription],
    ) -> None:
        """Serve orders for `flow_class` that come over `connection`."""
        self._connection = connection
        self._receiver = receiver
        self._flow_class = flow_class
        self._description = description
        self._orders: Dict[int, int] = {}
        self._others: Dict[int, int] = {}
        self._wake_read, self._wake_write = os.pipe()
        for end in (self._wake_read, self._wake_write):
            os.set_blocking(end, False)
        self._swept_at = 0.0
        self._sweep = False
        self._helpers: FrozenSet[int] = frozenset()
        self._preloaded: Optional[Preloaded] = None
        self._renders_cards = False

    def preload(self, steps: Sequence[str]) -> None:
        """Import what these steps import first, once for all of their tasks."""
        if steps:
            # Imported here: the launcher, and a host for a single task, have nothing to preload.
            from falaj.runtime.preloading import preload

            self._preloaded = preload(self._flow_class, steps)

    def serve(self) -> int:
        """Handle orders until control says to leave; return the exit status it gives.

        Raises ControlDied, after ending all tasks, where control vanished.
        """
        # What the flow file started when it was imported lives as long as the run.
        self._helpers = processes.children_of(os.getpid())
        processes.adopt_orphans()
        prepare_streams()
        self._watch_signals()
        gc.collect()
        gc.freeze()
        poll = select.poll()
        poll.register(self._connection, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        try:
            status = self._handle_messages()
            while status is None:
                for file, _ in poll.poll(1000 if self._orders or self._sweep else None):
                    if file == self._wake_read:
                        self._drain_wakeups()
                    else:
                        self._receiver.receive()
                self._reap()
                status = self._handle_messages()
                if status is None and self._receiver.closed:
                    self._kill_orphans_of_control()
                    raise ControlDied
            return status
        finally:
            self._end_all()

    def status_of(self, pid: int) -> Optional[int]:
        """Return the wait status of a child that is no task's, where it was reaped here."""
        return self._others.get(pid)

    def serve_one(self) -> NoReturn:
        """Take a single order and become its task, for steps that must not be forked."""
        while True:
            for message in self._receiver.messages():
                if message.kind in (wire.ORDER, wire.CARD):
                    processes.prepare()
                    # Control takes the end of the connection for the end of the task, so a child
                    # that the step forks must not hold it open.
                    os.register_at_fork(after_in_child=self._connection.close)
                    self._send(wire.FORKED, message.number, {"pid": os.getpid()})
                    prepare_streams()
                    files = self._receiver.take_files(FILES)
                    become_task(files, [])
                    run_task(self._flow_class, self._description, message.json(), files[2])
                os._exit(0)
            if self._receiver.closed:
                raise ControlDied
            self._receiver.receive()

    def _handle_messages(self) -> Optional[int]:
        for message in self._receiver.messages():
            if message.kind == wire.ORDER:
                self._fork(message)
            elif message.kind == wire.CARD:
                self._get_ready_for_cards()
                self._fork(message)
            elif message.kind == wire.EXIT:
                return int(message.json())
        return None

    def _fork(self, message: wire.Message) -> None:
        files = self._receiver.take_files(FILES)
        _flush_own_output()
        try:
            pid = fork_task()
        except OSError as error:
            # No memory or too many processes: the order fails, the host lives on.
            text = "can't fork: {}".format(error.strerror)
            self._send(wire.EXITED, message.number, {"status": None, "why": text})
            _close(files)
            return
        if pid == 0:
            try:
                become_task(files, self._inherited_files())
                order = message.json()
                if self._preloaded is not None:
                    self._preloaded.repeat_output(order["step"])
                run_task(self._flow_class, self._description, order, files[2])
            finally:
                os._exit(70)
        self._orders[pid] = message.number
        _close(files)
        self._send(wire.FORKED, message.number, {"pid": pid})

    def _get_ready_for_cards(self) -> None:
        """Import what renders cards, once for all of them: it is most of what a card costs."""
        if not self._renders_cards:
            self._renders_cards = True
            try:
                from falaj.runtime import cardorder

                cardorder.get_ready()
            except Exception:
                # The card's own process fails in the same way, and tells of it.
                return
            # A collection in a child would have it copy all that was just imported.
            gc.collect()
            gc.freeze()

    def _inherited_files(self) -> List[int]:
        signal.set_wakeup_fd(-1)
        return [self._connection.fileno(), self._wake_read, self._wake_write]

    def _reap(self) -> None:
        while True:
            try:
                pid, status, used = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            self._others[pid] = status
            number = self._orders.pop(pid, None)
            if number is not None:
                del self._others[pid]
                try:
                    os.killpg(pid, signal.SIGKILL)
                except OSError:
                    pass
                self._sweep = True
                # A process that ended well has told by itself what it used.
                told = {"status": status, "usage": _usage(used)} if status else {"status": status}
                self._send(wire.EXITED, number, told)
        if self._sweep and time.monotonic() - self._swept_at > _STRAYS_EVERY:
            self._kill_strays()

    def _kill_strays(self) -> None:
        # Orphans of a live task are adopted by that task, so an unknown child of ours is a
        # process that a dead task left behind.
        self._sweep = False
        self._swept_at = time.monotonic()
        entries = processes.all_processes()
        for entry in entries.values():
            if entry.parent == os.getpid() and self._is_stray(entry):
                processes.kill_tree(entry.pid)

    def _is_stray(self, entry: processes.ProcessEntry) -> bool:
        # Control and whatever the flow file itself started share our session; tasks never do.
        known = entry.pid in self._orders or entry.pid in self._helpers or entry.zombie
        return not known and entry.session != os.getsid(0)

    def _end_all(self) -> None:
        for pid in list(self._orders):
            processes.kill_tree(pid)
        limit = time.monotonic() + _LAST_REAP
        while self._orders and time.monotonic() < limit:
            self._reap_quietly()
            time.sleep(0.002)
        # Also where no task was ours: those of fresh interpreters leave their strays to us.
        self._kill_strays()

    def _kill_orphans_of_control(self) -> None:
        # Tasks in fresh interpreters are control's children, and ours once it is quite gone.
        limit = time.monotonic() + _LAST_ORPHANS
        while time.monotonic() < limit:
            self._kill_strays()
            time.sleep(0.05)

    def _reap_quietly(self) -> None:
        for pid in list(self._orders):
            try:
                done, _ = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                done = pid
            if done:
                del self._orders[pid]
                self._sweep = True

    def _send(self, kind: int, number: int, value: Any) -> None:
        try:
            self._connection.sendall(wire.pack(kind, number, value))
        except OSError:
            # Control has gone; the closed connection is noticed by the loop.
            pass

    def _watch_signals(self) -> None:
        try:
            signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
            signal.signal(signal.SIGCHLD, _woken)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, _woken)
        except ValueError:
            # Not the main thread (a notebook's worker, a test): the loop polls instead.
            self._sweep = True

    def _drain_wakeups(self) -> None:
        try:
            numbers = os.read(self._wake_read, 4096)
        except BlockingIOError:
            return
        for number in numbers:
            if number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._send(wire.SIGNALLED, 0, {"signal": number})


def _woken(_number: int, _frame: Any) -> None:
    """Do nothing: the number is on its way through the wake-up pipe."""


def _usage(used: Any) -> Dict[str, float]:
    return {
        "cpu": round(used.ru_utime + used.ru_stime, 6),
        "memory": used.ru_maxrss * 1024.0,
        "read": used.ru_inblock * 512.0,
        "written": used.ru_oublock * 512.0,
    }


def _close(files: List[int]) -> None:
    for file in files:
        os.close(file)


def _flush_own_output() -> None:
    # What is still buffered would be printed by every child as well.
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
