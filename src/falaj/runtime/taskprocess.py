"""A task's own process: from the fork, or a fresh interpreter, to its last breath."""

from __future__ import annotations

import atexit
import io
import json
import os
import signal
import sys
import threading
import traceback
from typing import Any, List, Mapping, NoReturn

from falaj.model.graph import FlowDescription
from falaj.model.orders import SNAPSHOT, ErrorInfo, Order, Report
from falaj.runtime import processes
from falaj.runtime.execute import execute
from falaj.runtime.snapshot import take_snapshot

_RESET = ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM", "SIGPIPE")


def become_task(host: int, files: List[int], inherited: List[int]) -> None:
    """Turn a freshly forked child of `host` into a task's process with its own output.

    `files` are stdout, stderr and report; `inherited` are the host's own, to be closed.
    """
    os.setsid()
    processes.die_with_parent(host)
    processes.adopt_orphans()
    for file in inherited:
        os.close(file)
    atexit._clear()
    redirect_output(files)


def redirect_output(files: List[int]) -> None:
    """Make `files` the process's stdout and stderr, /dev/null its stdin; reset its signals."""
    for name in _RESET:
        number = getattr(signal, name)
        signal.signal(
            number, signal.SIG_IGN if name == "SIGPIPE" else signal.SIG_DFL
        )
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.close(files[0])
    os.close(files[1])
    sys.stdout = _stream(sys.stdout, 1)
    sys.stderr = _stream(sys.stderr, 2)


def _stream(stream: Any, file: int) -> Any:
    # Handlers that libraries made at import keep writing to the very object that they saw.
    if isinstance(stream, io.TextIOWrapper):
        try:
            if stream.fileno() == file:
                stream.reconfigure(errors="backslashreplace", line_buffering=True)
                return stream
        except (OSError, ValueError):
            pass
    raw = open(file, "wb", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True)


def run_task(
    flow_class: type, description: FlowDescription, wire_order: Mapping[str, Any], report_file: int
) -> NoReturn:
    """Execute an order, wait for what the step left running, report, and end the process."""
    try:
        order = Order.from_wire(wire_order)
        if order.kind == SNAPSHOT:
            report = take_snapshot(description, order)
        else:
            report = execute(flow_class, description, order)
            _finish_up()
    except BaseException as error:
        text = traceback.format_exc()
        report = Report(
            "failed", None, None, ErrorInfo(type(error).__name__, str(error), text, ""), "", {}
        )
    _flush()
    data = json.dumps(report.to_wire(), separators=(",", ":")).encode()
    while data:
        data = data[os.write(report_file, data) :]
    os._exit(0)


def _finish_up() -> None:
    # What a script's end does: wait for its threads, then run its exit handlers.
    main = threading.main_thread()
    for thread in threading.enumerate():
        if thread is not main and thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
