"""A task's own process: from the fork, or a fresh interpreter, to its last breath."""

from __future__ import annotations

import atexit
import io
import json
import os
import signal
import sys
import traceback
from importlib import import_module
from typing import Any, List, Mapping, NoReturn, Optional, Set

from falaj.errors import FalajBug
from falaj.model.graph import FlowDescription
from falaj.model.orders import (
    CARD,
    EXIT_UNREPORTED,
    HOOK,
    SNAPSHOT,
    TRAVEL,
    ErrorInfo,
    Order,
    Report,
)
from falaj.runtime import processes
from falaj.runtime.execute import execute
from falaj.runtime.notes import open_notes
from falaj.runtime.snapshot import take_snapshot

# How many files come with an order: stdout, stderr, report and notes.
FILES = 4
# The signals that a host handles, which mean to a task what they mean to any program.
HOST_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
_prepared: List[Any] = []
# What the process's mask of signals was before its fork, until it is a task.
_waiting: List[Set[int]] = []
# The functions below the public ones, which turn numbers into enum members: that alone touches
# some 50 pages of memory, each of which a fresh child has to copy.
_signals: Any = import_module("_signal")
_exit_handlers: Any = atexit


def prepare_streams() -> None:
    """Make stdout and stderr, before any fork, what tasks need: live, and never failing on text.

    Handlers that libraries made at import keep writing to the very objects that they saw.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            try:
                stream.reconfigure(errors="backslashreplace", line_buffering=True)
                if stream.fileno() == (1 if stream is sys.stdout else 2):
                    _prepared.append(stream)
            except (OSError, ValueError):
                # Closed, or not a file: the task gets a stream of its own.
                continue


def fork_task() -> int:
    """Fork as `os.fork` does; in the child the host's signals wait until it has become a task.

    It would hear them as the host does, who would be told of a signal that was never meant for it.
    """
    before = _signals.pthread_sigmask(_signals.SIG_BLOCK, HOST_SIGNALS)
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid == 0:
            _waiting.append(before)
        else:
            _signals.pthread_sigmask(_signals.SIG_SETMASK, before)
    return pid


def become_task(files: List[int], inherited: List[int]) -> None:
    """Turn a fork of a host, or a fresh interpreter, into a task's process.

    `files` are stdout, stderr, report and notes; `inherited` are the host's own, to be closed.
    """
    os.setsid()
    processes.adopt_orphans()
    for file in inherited:
        os.close(file)
    _exit_handlers._clear()
    for number in HOST_SIGNALS:
        if _signals.getsignal(number) is not _signals.SIG_IGN:
            _signals.signal(number, _signals.SIG_DFL)
    # A Ctrl-C that came before the task left the host's session was for the host: it is dropped.
    _signals.signal(signal.SIGINT, _signals.SIG_IGN)
    _signals.signal(signal.SIGINT, _signals.default_int_handler)
    processes.die_with_reader(files[2])
    open_notes(files[3])
    _redirect_output(files)
    while _waiting:
        _signals.pthread_sigmask(_signals.SIG_SETMASK, _waiting.pop())


def _redirect_output(files: List[int]) -> None:
    """Make `files` the process's stdout and stderr, and /dev/null its stdin."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, standard in ((nothing, 0), (files[0], 1), (files[1], 2)):
        os.dup2(file, standard)
        if file != standard:
            os.close(file)
    if sys.stdout not in _prepared:
        sys.stdout = _stream(1)
    if sys.stderr not in _prepared:
        sys.stderr = _stream(2)


def _stream(file: int) -> io.TextIOWrapper:
    raw = open(file, "wb", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True)


def run_task(
    flow_class: type,
    description: Optional[FlowDescription],
    wire_order: Mapping[str, Any],
    report_file: int,
) -> NoReturn:
    """Execute an order, wait for what the step left running, report, and end the process."""
    own = os.getpid()
    try:
        before = _threads()
        order = Order.from_wire(wire_order)
        if description is None:
            raise FalajBug("a flow that is not valid was ordered to run")
        if order.kind == SNAPSHOT:
            report = take_snapshot(description, order, flow_class)
        elif order.kind == TRAVEL:
            # Imported here: few runs have code that travels.
            from falaj.runtime.travelling import pack_travellers

            report = pack_travellers(description, order, flow_class)
        elif order.kind == CARD:
            # Imported here: most tasks have no cards.
            from falaj.runtime.cardorder import render_card

            report = render_card(flow_class, description, order)
        else:
            report = _called(flow_class, description, order)
            if os.getpid() != own:
                # A child that the step forked came back out of it; only the step itself reports.
                _flush()
                os._exit(0 if report.outcome == "succeeded" else 1)
            _finish_up(before)
    except BaseException as error:
        text = traceback.format_exc()
        report = Report(
            "failed", None, None, ErrorInfo(type(error).__name__, str(error), text, ""), "", {}
        )
    _flush()
    data = json.dumps(report.to_wire(), separators=(",", ":")).encode()
    try:
        processes.outlive_reader(report_file)
        while data:
            data = data[os.write(report_file, data) :]
    except OSError:
        # The step has closed files that were not its own, or control is gone.
        os._exit(EXIT_UNREPORTED)
    os._exit(0)


def _called(flow_class: type, description: FlowDescription, order: Order) -> Report:
    if order.kind == HOOK:
        # Imported here: few flows have exit hooks.
        from falaj.runtime.hooks import call_hook

        return call_hook(flow_class, order)
    return execute(flow_class, description, order)


def _finish_up(before: List[Any]) -> None:
    # What a script's end does: wait for its threads, then run its exit handlers; the step's own,
    # not those of libraries that the flow imports.
    threading = sys.modules.get("threading")
    # The step may be the first to import threading, which then lists this very thread as new.
    current = None if threading is None else threading.current_thread()
    for thread in _threads():
        if thread not in before and thread is not current and not thread.daemon:
            thread.join()
    _exit_handlers._run_exitfuncs()


def _threads() -> List[Any]:
    threading = sys.modules.get("threading")
    return [] if threading is None else [*threading.enumerate(), threading.main_thread()]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
