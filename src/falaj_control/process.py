"""The control process: it hears what flow there is, does what the command line asks, and ends."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from typing import NoReturn

import falaj
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order, Report
from falaj.runtime import wire
from falaj_control.cli.flow_commands import run_flow_command
from falaj_control.executors.hosts import HostLink
from falaj_control.ports.requests import RunRequest
from falaj_control.ports.watching import Watcher

# The launcher's own exit status where it must tell one: it died or said nothing.
_NO_LAUNCHER = 70
_LAST_WORDS = 1.0


def main(file: int) -> NoReturn:
    """Serve the launcher at the other end of the connection `file`, then exit."""
    # A closed terminal or pipe must not end the work; whoever writes sees the error instead.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    connection = socket.socket(fileno=file)
    connection.set_inheritable(False)
    receiver = wire.Receiver(connection)
    try:
        message = receiver.wait()
        if message.kind == wire.ASK:
            # Imported here: most flows are what their source says.
            from falaj_control.cli.beforehand import shape_from

            answer = shape_from(**message.json())
            connection.sendall(wire.pack(wire.ANSWER, 0, answer))
            message = receiver.wait()
        hello = message.json()
    except (EOFError, OSError):
        os._exit(_NO_LAUNCHER)
    link = HostLink(connection, receiver, None)
    root = os.path.dirname(os.path.dirname(os.path.abspath(falaj.__file__)))
    raw = hello["description"]
    description = None if raw is None else FlowDescription.from_wire(raw)

    def start(request: RunRequest, watcher: Watcher) -> int:
        # Imported here: most commands start nothing.
        from falaj_control.launching import launcher_from
        from falaj_control.wiring import make_start

        return make_start(launcher_from(hello, link, root))(request, watcher)

    def carry_out_order(order: Order, seconds: float, inside: bool) -> tuple[Report | None, str]:
        # Imported here: most commands give no order.
        from falaj_control.launching import carry_out, launcher_from

        if description is None:
            return None, "the flow is not valid"
        return carry_out(launcher_from(hello, link, root), description, order, seconds, inside)

    status = run_flow_command(
        description,
        hello["problems"],
        hello["arguments"],
        hello["program"],
        start,
        hello["siblings"],
        lambda: _is_interrupted(connection, receiver),
        hello["fault"],
        carry_out_order,
    )
    # A reader who pauses and whose run was stopped by hand must not hold this process.
    flushing = threading.Thread(target=_flush, daemon=True)
    flushing.start()
    flushing.join(_LAST_WORDS)
    try:
        connection.setblocking(True)
        connection.sendall(wire.pack(wire.EXIT, 0, status))
    except OSError:
        pass
    os._exit(status)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            # Closed, or never there.
            pass


def _is_interrupted(connection: socket.socket, receiver: wire.Receiver) -> bool:
    """Say whether the person wants to stop a command that waits, or has gone."""
    connection.setblocking(False)
    try:
        receiver.receive()
    except BlockingIOError:
        return False
    return receiver.closed or any(m.kind == wire.SIGNALLED for m in receiver.messages())
