"""`parallel_map`: a function over many values in forked processes, for use inside of a step."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import tempfile
import time
import traceback
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar

from falaj.errors import FalajException

Value = TypeVar("Value")
Answer = TypeVar("Answer")


class MulticoreException(FalajException):
    """A process of `parallel_map` failed; the message has its traceback."""

    headline = "A parallel process failed"


def parallel_map(
    func: Callable[[Value], Answer],
    iterable: Iterable[Value],
    max_parallel: Optional[int] = None,
    dir: Optional[str] = None,
) -> List[Answer]:
    """Return `func` of every value, in the order of the values.

    Each call has a forked process of its own, at most `max_parallel` (the number of processors) at
    a time; results come back as pickles in the folder `dir`. Raises MulticoreException where a
    call fails; calls under way are ended then.
    """

    def numbered(pair: Tuple[int, Value]) -> Tuple[int, Answer]:
        return pair[0], func(pair[1])

    found = parallel_imap_unordered(numbered, enumerate(iterable), max_parallel, dir)
    return [answer for _, answer in sorted(found, key=lambda pair: pair[0])]


def parallel_imap_unordered(
    func: Callable[[Value], Answer],
    iterable: Iterable[Value],
    max_parallel: Optional[int] = None,
    dir: Optional[str] = None,
) -> Iterator[Answer]:
    """Yield `func` of every value as each is done; see `parallel_map`."""
    if max_parallel is not None and max_parallel < 1:
        raise FalajException("max_parallel is at least 1, not {}.".format(max_parallel))
    most = max_parallel or _processors()
    values = iter(iterable)
    with tempfile.TemporaryDirectory(prefix="parallel-", dir=dir) as folder:
        running: Dict[int, str] = {}
        try:
            more = True
            count = 0
            while running or more:
                while more and len(running) < most:
                    try:
                        value = next(values)
                    except StopIteration:
                        more = False
                        break
                    path = os.path.join(folder, str(count))
                    running[_start(func, value, path)] = path
                    count += 1
                if running:
                    yield _next_answer(running)
        finally:
            _end(running)


def _processors() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


def _start(func: Callable[[Any], Any], value: Any, path: str) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        answer = func(value)
        with open(path, "wb") as file:
            pickle.dump(answer, file, protocol=pickle.HIGHEST_PROTOCOL)
        status = 0
    except BaseException as error:
        with open(path + ".error", "w", encoding="utf-8", errors="backslashreplace") as told:
            told.write(_failure(error))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: what the step set up for its own end is not this process's to run.
        os._exit(status)


def _failure(error: BaseException) -> str:
    """Return the error in a line, and its traceback from where the function was called."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    shown = traceback.TracebackException(type(error), error, trace)
    lines = "".join(shown.format_exception_only()).splitlines()
    # Of a syntax error the place comes first.
    summary = next((line for line in lines if line and line[0] != " "), type(error).__name__)
    return summary if trace is None else "{}\n{}".format(summary, "".join(shown.format()))


def _next_answer(running: Dict[int, str]) -> Any:
    pid, status = _wait_for_any(running)
    path = running.pop(pid)
    if status == 0:
        with open(path, "rb") as file:
            answer = pickle.load(file)
        # A wide map must not fill the disk.
        os.unlink(path)
        return answer
    if os.path.exists(path + ".error"):
        with open(path + ".error", encoding="utf-8") as file:
            raise MulticoreException("A call failed: {}".format(file.read().rstrip()))
    if os.WIFSIGNALED(status):
        how = "was killed by signal {}".format(os.WTERMSIG(status))
    else:
        how = "ended with status {}".format(os.WEXITSTATUS(status))
    raise MulticoreException("The process of a call {}.".format(how))


def _wait_for_any(running: Dict[int, str]) -> Tuple[int, int]:
    # Only children of our own are reaped: the step may have others, and wait for them itself.
    pause = 0.0005
    while True:
        for pid in running:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return pid, status
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def _end(running: Dict[int, str]) -> None:
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    for pid in running:
        os.waitpid(pid, 0)
