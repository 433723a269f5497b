"""What every executor must do: checks on real tasks, each in a process of its own.

    python -m falaj_control.testing.executors MODULE:FACTORY

runs them all. A test runs one with `run_check(name, "MODULE:FACTORY")`, for each name of CHECKS.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence

from falaj_control.ports.executing import (
    Ended,
    LauncherGone,
    Noted,
    Placement,
    Printed,
    Signalled,
    Started,
)
from falaj_control.testing.bench import Bench, is_digest

# Seconds after which a check has failed, whatever it waits for.
_LONGEST = 100
_FOREVER = "print('waits', flush=True); time.sleep(3600)"


def a_task_starts_prints_and_ends(bench: Bench) -> None:
    """Started, then what it prints to both streams, then one end with the report."""
    number = bench.begin("print('to out'); print('to err', file=sys.stderr)")
    report = bench.report_of(number)
    assert report["outcome"] == "succeeded", report
    assert is_digest(report["manifest"]), report
    assert report["transition"].targets == ("end",), report
    assert bench.end_of(number).status == 0, bench.end_of(number)
    bench.settle()
    events = bench.of(number)
    assert isinstance(events[0], Started), events
    assert isinstance(events[-1], Ended), events
    assert sum(isinstance(one, Ended) for one in events) == 1, events
    printed = [one for one in events if isinstance(one, Printed)]
    for stream, text in (("o", b"to out"), ("e", b"to err")):
        assert text in b"".join(one.data for one in printed if one.stream == stream), printed


def a_long_output_is_told_whole(bench: Bench) -> None:
    """What is printed just before the end is told before the end, to the last byte."""
    number = bench.begin("print('x' * 300000)")
    bench.end_of(number)
    told = b"".join(one.data for one in bench.of(number) if isinstance(one, Printed))
    assert told == b"x" * 300000 + b"\n", len(told)


def a_failing_task_reports_its_error(bench: Bench) -> None:
    """An exception of the step is in the report, and the executor does not take it for its own."""
    report = bench.report_of(bench.begin("raise ValueError('no luck')"))
    assert report["outcome"] == "failed", report
    assert (report["error"].type, report["error"].message) == ("ValueError", "no luck"), report


def a_task_that_dies_ends_without_a_report(bench: Bench) -> None:
    """The status of a process that was killed is the signal's number, negative."""
    end = bench.end_of(bench.begin("os.kill(os.getpid(), signal.SIGKILL)"))
    assert end.report is None, end
    assert end.status == -signal.SIGKILL, end


def a_task_that_exits_tells_its_status(bench: Bench) -> None:
    """A process that leaves without a report has its exit code told."""
    end = bench.end_of(bench.begin("os._exit(7)"))
    assert (end.report, end.status) == (None, 7), end


def notes_come_in_order(bench: Bench) -> None:
    """What a task tells while it runs comes whole, in order, before its end."""
    number = bench.begin("[tell('bench', position) for position in range(100)]")
    bench.end_of(number)
    notes = [note for one in bench.of(number) if isinstance(one, Noted) for note in one.notes]
    assert [value for kind, value in notes if kind == "bench"] == list(range(100)), notes


def a_signal_ends_a_task(bench: Bench) -> None:
    """A signal goes to the order's process; one for an order that is over does nothing."""
    number = bench.begin(_FOREVER)
    bench.await_event(Printed, number)
    bench.executor.signal(number, signal.SIGKILL)
    assert bench.end_of(number).status == -signal.SIGKILL, bench.end_of(number)
    bench.executor.signal(number, signal.SIGKILL)
    bench.executor.signal(12345, signal.SIGTERM)
    assert bench.report_of(bench.begin("pass"))["outcome"] == "succeeded"


def many_orders_end_once_each(bench: Bench) -> None:
    """Orders may be started faster than they end; none is lost or told twice."""
    numbers = [bench.begin(f"print({position})") for position in range(20)]
    for number in numbers:
        assert bench.report_of(number)["outcome"] == "succeeded"
    bench.settle()
    for number in numbers:
        assert sum(isinstance(one, Ended) for one in bench.of(number)) == 1, bench.of(number)


def tasks_run_at_the_same_time(bench: Bench) -> None:
    """Two orders run beside each other: each waits for what the other one leaves."""
    work = (
        "open(os.path.join({folder!r}, {mine!r}), 'w').close()\n"
        "while not os.path.exists(os.path.join({folder!r}, {other!r})): time.sleep(0.01)"
    )
    pairs = (("a", "b"), ("b", "a"))
    orders = [work.format(folder=bench.folder, mine=one, other=two) for one, two in pairs]
    for number in [bench.begin(order) for order in orders]:
        assert bench.report_of(number)["outcome"] == "succeeded"


def variables_are_set(bench: Bench) -> None:
    """The variables of a placement are in the task's environment, and in no other's."""
    work = "print(os.environ.get('BENCH', 'none'))"
    for placement, value in ((Placement((("BENCH", "here"),)), b"here"), (Placement(), b"none")):
        bench.executor.warm(placement)
        number = bench.begin(work, placement)
        bench.end_of(number)
        told = b"".join(one.data for one in bench.of(number) if isinstance(one, Printed))
        assert told.strip() == value, (told, placement)


def a_fresh_interpreter_imports_anew(bench: Bench) -> None:
    """An order that asks for it gets an interpreter of its own, which imports the flow."""
    told: set[bytes] = set()
    for placement in (Placement(), Placement((), None, True), Placement((), None, True)):
        number = bench.begin("print(IMPORTED_BY)", placement)
        bench.end_of(number)
        told.add(b"".join(one.data for one in bench.of(number) if isinstance(one, Printed)))
    assert len(told) == 3, told


def a_poll_can_be_woken(bench: Bench) -> None:
    """`wake` from another thread ends a poll that has nothing to tell."""
    bench.end_of(bench.begin("pass"))
    bench.settle()
    waker = threading.Timer(0.2, bench.executor.wake)
    waker.start()
    bench.executor.poll(10 * _LONGEST)
    waker.join()


def a_person_who_stops_is_heard(bench: Bench) -> None:
    """Ctrl-C at the launcher is told, and the task goes on until the engine decides."""
    number = bench.begin(_FOREVER)
    bench.await_event(Printed, number)
    assert bench.launcher.pid is not None
    os.kill(bench.launcher.pid, signal.SIGINT)
    assert bench.await_event(Signalled).signal == signal.SIGINT
    assert not any(isinstance(one, Ended) for one in bench.of(number)), bench.of(number)


def the_death_of_the_launcher_is_told(bench: Bench) -> None:
    """When the process that started the run dies, the engine hears of it, and of its tasks."""
    number = bench.begin(_FOREVER)
    bench.await_event(Printed, number)
    assert bench.launcher.pid is not None
    os.kill(bench.launcher.pid, signal.SIGKILL)
    bench.await_event(LauncherGone)
    assert bench.end_of(number).report is None


def nothing_outlives_the_close(bench: Bench) -> None:
    """Closing ends the tasks that still run: a pipe that one of them holds is let go."""
    pipe = os.path.join(bench.folder, "pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    number = bench.begin(f"held = open({pipe!r}, 'w'); " + _FOREVER)
    bench.await_event(Printed, number)
    os.set_blocking(reader, True)
    bench.executor.close(1)
    assert os.read(reader, 1) == b""


CHECKS: dict[str, Callable[[Bench], None]] = {
    check.__name__: check
    for check in (
        a_task_starts_prints_and_ends,
        a_long_output_is_told_whole,
        a_failing_task_reports_its_error,
        a_task_that_dies_ends_without_a_report,
        a_task_that_exits_tells_its_status,
        notes_come_in_order,
        a_signal_ends_a_task,
        many_orders_end_once_each,
        tasks_run_at_the_same_time,
        variables_are_set,
        a_fresh_interpreter_imports_anew,
        a_poll_can_be_woken,
        a_person_who_stops_is_heard,
        the_death_of_the_launcher_is_told,
        nothing_outlives_the_close,
    )
}


def run_check(name: str, target: str, python: str = sys.executable) -> None:
    """Run one check, in an interpreter of its own, on the executor MODULE:FACTORY or `local`.

    Raises AssertionError with all that it printed.
    """
    command = [python, "-m", __spec__.name, target, name]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LONGEST, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{name} did not end within {_LONGEST} seconds") from error
    if done.returncode:
        raise AssertionError(f"{name} failed for {target}:\n{done.stdout}{done.stderr}")


def main(arguments: Sequence[str]) -> int:
    """Run the checks that are named, or all of them, on the executor; return the exit status."""
    target, *names = arguments or [""]
    unknown = [name for name in names if name not in CHECKS]
    if not target or unknown:
        print(f"Give MODULE:FACTORY, or local, and any of these checks: {', '.join(CHECKS)}.")
        return 2
    if len(names) == 1:
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(target, folder)
            try:
                CHECKS[names[0]](bench)
            finally:
                bench.executor.close(0)
        return 0
    failed = 0
    for name in names or CHECKS:
        try:
            run_check(name, target)
            print(f"ok      {name}")
        except AssertionError as error:
            failed += 1
            print(f"FAILED  {name}\n{error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
