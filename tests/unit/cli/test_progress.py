"""What the watchers show of a run, on pipes and on terminals."""

import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
import threading
from collections.abc import Callable
from typing import Any

import pytest

from falaj.model.orders import ErrorInfo
from falaj_control.cli import wording
from falaj_control.cli.live import LiveWatcher
from falaj_control.cli.progress import PlainWatcher, choose_watcher
from falaj_control.cli.terminal import Output
from falaj_control.ports.watching import RunOutcome, StepProgress, TaskTag

TERMINAL = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
TASK = TaskTag(412, "start", 1, 0, "", 812)
ROCK = TaskTag(412, "body", 3, 1, "rock", None)
TRACEBACK = 'Traceback (most recent call last):\n  File "flow.py", line 12\nValueError: boom\n'
ERROR = ErrorInfo("ValueError", "boom", TRACEBACK, "flow.py:12")
STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ", re.MULTILINE)
RESUME = "python flow.py resume"


def outcome(state: str = "succeeded", **changes: Any) -> RunOutcome:
    ended = RunOutcome(412, "GenreStats", state, "", 1.23, None, None, 0, "")
    return ended._replace(**changes)


FAILED = outcome(
    "failed",
    failed_task=ROCK,
    error=ERROR,
    reason="ValueError: boom (flow.py:12)",
    resume_command=RESUME,
)


class Plain:
    """A plain watcher and what it wrote."""

    def __init__(self, quiet: bool = False) -> None:
        self._output, self._errors = io.StringIO(), io.StringIO()
        self.watcher = PlainWatcher(Output(self._output, {}), Output(self._errors, {}), quiet)

    @property
    def output(self) -> str:
        text = self._output.getvalue()
        assert len(STAMP.findall(text)) == text.count("\n")
        return STAMP.sub("", text)

    @property
    def errors(self) -> str:
        return self._errors.getvalue()


def test_a_run_in_a_pipe_is_one_line_per_event() -> None:
    plain = Plain()
    watcher = plain.watcher
    watcher.run_started("GenreStats", 412, None)
    watcher.task_started(TASK, "its inputs are ready")
    watcher.task_line(TASK, "o", "hello \x1b[31mred", 1_790_000_000.5)
    watcher.task_line(TASK, "e", "warning", 1_790_000_000.6)
    watcher.progress((StepProgress("start", 1, 0, 1, 0, 0, 0),))
    watcher.task_ended(TASK, "succeeded", "", None, 0.5)
    watcher.note("something")
    watcher.run_ended(outcome())
    watcher.close()
    assert plain.output.splitlines() == [
        "Workflow starting (run-id 412):",
        "[412/start/1 (pid 812)] Task is starting: its inputs are ready.",
        "[412/start/1 (pid 812)] hello \x1b[31mred",
        "[412/start/1 (pid 812)] warning",
        "[412/start/1 (pid 812)] Task finished successfully.",
        "something",
        'Done! GenreStats/412 succeeded in 1.2 s. Read it with Run("GenreStats/412").data',
    ]
    assert plain.errors.startswith("Falaj ")
    assert "executing GenreStats for user:" in plain.errors


def test_lines_carry_the_time_at_which_they_were_printed() -> None:
    stream = io.StringIO()
    PlainWatcher(Output(stream, {}), Output(None, {})).task_line(TASK, "o", "x", 0.25)
    assert stream.getvalue().startswith(wording.moment(0.25))
    assert ".250 [412/start/1 (pid 812)] x\n" in stream.getvalue()


def test_a_resumed_run_says_of_which() -> None:
    plain = Plain()
    plain.watcher.run_started("GenreStats", 413, 412)
    assert plain.output == "Workflow starting (run-id 413), resuming run 412:\n"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("failed", "Task failed: ValueError: boom (flow.py:12)"),
        ("retrying", "Task failed and will be tried again: ValueError: boom (flow.py:12)"),
        ("tolerated", "Task failed, which this step tolerates: ValueError: boom (flow.py:12)"),
        ("lost", "Task lost: ValueError: boom (flow.py:12)"),
    ],
)
def test_a_failed_attempt_is_told_in_one_line(state: str, said: str) -> None:
    plain = Plain()
    plain.watcher.task_started(ROCK, "")
    plain.watcher.task_ended(ROCK, state, "", ERROR, 0.1)
    assert plain.output.splitlines() == [
        "[412/body/3] Task is starting (try 2).",
        f"[412/body/3] {said}",
    ]


def test_a_failed_run_ends_with_the_traceback_the_sentence_and_what_to_do() -> None:
    plain = Plain()
    plain.watcher.run_ended(FAILED)
    assert plain.output == "Workflow failed.\n"
    assert plain.errors == (
        TRACEBACK + "\nGenreStats/412 failed after 1.2 s in step body for rock (412/body/3): "
        "ValueError: boom (flow.py:12)\n"
        "Resume with: python flow.py resume\n"
    )


def test_an_error_that_tells_all_needs_no_traceback() -> None:
    plain = Plain()
    error = ErrorInfo("InvalidNext", "There is no artifact x.", TRACEBACK, "flow.py:12", True)
    plain.watcher.run_ended(FAILED._replace(error=error, reason=""))
    assert "Traceback" not in plain.errors
    assert plain.errors.startswith("There is no artifact x.\n")


def test_tolerated_failures_are_counted() -> None:
    plain = Plain()
    plain.watcher.run_ended(outcome("tolerated", tolerated=2))
    assert "succeeded with tolerated failures" in plain.output
    assert "2 failures were tolerated, as declared." in plain.output


def test_quiet_leaves_failures_and_the_end() -> None:
    plain = Plain(quiet=True)
    watcher = plain.watcher
    watcher.run_started("GenreStats", 412, None)
    watcher.task_started(TASK, "")
    watcher.task_line(TASK, "o", "hello", 1.0)
    watcher.task_ended(TASK, "succeeded", "", None, 0.5)
    watcher.note("something")
    assert (plain.output, plain.errors) == ("", "")
    watcher.task_ended(ROCK, "failed", "", ERROR, 0.5)
    watcher.run_ended(FAILED)
    assert plain.output.count("\n") == 2
    assert RESUME in plain.errors


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "quiet", "live"),
    [
        (Terminal(), TERMINAL, False, True),
        (Terminal(), TERMINAL, True, False),
        (Terminal(), {**TERMINAL, "NO_COLOR": "1"}, False, False),
        (Terminal(), {"TERM": "dumb"}, False, False),
        (io.StringIO(), TERMINAL, False, False),
    ],
)
def test_the_live_table_is_for_terminals_that_can_draw(
    stream: Any, environ: dict[str, str], quiet: bool, live: bool
) -> None:
    watcher = choose_watcher(Output(stream, environ), Output(None, environ), quiet)
    assert isinstance(watcher, LiveWatcher) is live


def test_a_plain_watcher_on_a_terminal_neutralises_what_tasks_print() -> None:
    stream = Terminal()
    watcher = PlainWatcher(Output(stream, {"TERM": "dumb"}), Output(None, {}))
    watcher.task_line(TASK, "o", "\x1b[31mred\x1b[2J", 1.0)
    assert stream.getvalue().endswith("] red\\x1b[2J\n")


class Screen:
    """A real terminal's two ends; everything that was written to it."""

    def __init__(self, columns: int = 80, lines: int = 24, **environ: str) -> None:
        self._reader, writer = pty.openpty()
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
        self._stream = open(writer, "w", encoding="utf-8", newline="")
        self.output = Output(self._stream, {**TERMINAL, **environ})
        self.seen = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._reader, 1 << 16)
            except OSError:
                return
            if not data:
                return
            self.seen += data

    def close(self) -> str:
        self._stream.close()
        self._thread.join(10)
        os.close(self._reader)
        return self.seen.decode("utf-8", "replace")


STEPS = (
    StepProgress("start", 1, 0, 1, 0, 0, 0),
    StepProgress("body", 20, 4, 7, 1, 2, 3),
    StepProgress("end", 0, 0, 0, 0, 0, 0),
)


def drawn(watcher: LiveWatcher, act: Callable[[], None] = lambda: None, wait: bool = True) -> None:
    """Run a whole run by a watcher, waiting for the table's first drawing."""
    watcher.run_started("GenreStats", 412, None)
    watcher.progress(STEPS)
    watcher.task_started(ROCK, "")
    watcher.task_line(ROCK, "o", "before", 1.0)
    if wait:
        wait_for_table(watcher)
    act()
    watcher.task_ended(ROCK, "retrying", "", ERROR, 0.1)
    watcher.run_ended(FAILED)


def wait_for_table(watcher: LiveWatcher) -> None:
    first = watcher.first_drawing
    assert first.wait(20)


def test_a_terminal_shows_lines_above_a_table_of_the_steps() -> None:
    screen = Screen()
    watcher = LiveWatcher(screen.output, first_drawn_after=0.0)
    drawn(watcher, lambda: watcher.task_line(ROCK, "e", "after \x1b[2J", 1.0))
    text = screen.close()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)
    assert "body/3 rock | before" in plain
    assert "body/3 rock | after \\x1b[2J" in plain
    assert "Task failed and will be tried again" in plain
    assert re.search(r"body +\S* *11/20 +4 running  1 failed  2 retried  3 reused", plain)
    assert "12/21" in plain
    assert "Resume with: python flow.py resume" in plain
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1


def test_a_run_that_is_over_at_once_loads_nothing_to_draw() -> None:
    screen = Screen()
    watcher = LiveWatcher(screen.output, first_drawn_after=60.0)
    drawn(watcher, wait=False)
    text = screen.close()
    assert "before" in text
    assert "11/20" not in text
    assert "\x1b[?25l" not in text


@pytest.mark.parametrize(("columns", "lines"), [(1, 1), (10, 3), (20, 6), (500, 2)])
def test_odd_sizes_do_not_break_the_drawing(columns: int, lines: int) -> None:
    screen = Screen(columns, lines)
    watcher = LiveWatcher(screen.output, first_drawn_after=0.0)
    drawn(watcher, lambda: watcher.task_line(ROCK, "o", "x" * 300 + " \ud83d ü", 1.0))
    assert not watcher.is_broken
    text = screen.close()
    assert "\\ud83d ü" in text
    assert "Resume with" in text


def test_a_terminal_without_unicode_gets_a_plain_bar() -> None:
    screen = Screen(LC_ALL="C")
    watcher = LiveWatcher(screen.output, first_drawn_after=0.0)
    drawn(watcher)
    assert not watcher.is_broken
    assert screen.close().isascii()


def test_a_drawing_that_fails_leaves_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    from falaj_control.cli import table

    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(table.PinnedTable, "draw", fail)
    screen = Screen()
    watcher = LiveWatcher(screen.output, first_drawn_after=0.0)
    drawn(watcher)
    assert watcher.is_broken
    assert "before" in screen.close()


def test_a_terminal_that_is_gone_does_not_stop_the_run() -> None:
    reader, writer = pty.openpty()
    stream = open(writer, "w", encoding="utf-8", newline="")
    watcher = LiveWatcher(Output(stream, TERMINAL), first_drawn_after=0.0)
    watcher.run_started("GenreStats", 412, None)
    wait_for_table(watcher)
    os.close(reader)
    for _ in range(50):
        watcher.task_line(TASK, "o", "x", 1.0)
    watcher.run_ended(FAILED)
    watcher.close()
    # What is left in the buffer can go nowhere.
    with open(os.devnull, "wb") as sink:
        os.dup2(sink.fileno(), stream.fileno())
    stream.close()


def test_many_lines_are_all_shown_in_order() -> None:
    screen = Screen(columns=100)
    watcher = LiveWatcher(screen.output, first_drawn_after=0.0)

    def talk() -> None:
        for number in range(12_000):
            watcher.task_line(TASK, "o", f"line {number};", 1.0)

    drawn(watcher, talk)
    numbers = [int(one) for one in re.findall(r"line (\d+);", screen.close())]
    assert numbers == list(range(12_000))


def test_steps_that_do_not_fit_make_room_for_those_that_tell_more() -> None:
    from falaj_control.cli.table import table_rows

    steps = tuple(StepProgress(f"s{n}", 1, int(n == 8), int(n != 8), 0, 0, 0) for n in range(10))
    rows = table_rows("GenreStats/412", steps, 1.0, 3)
    assert [row.name for row in rows] == ["GenreStats/412", "  s0", "  s1", "  s8"]
    assert rows[-1].said.plain == "1 running  (and 7 more steps)"


def test_drawing_is_not_loaded_before_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys, falaj_control.cli.progress; "
        "print('rich' in sys.modules, 'click' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"False", b"False"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.00 s"),
        (0.042, "0.04 s"),
        (1.23, "1.2 s"),
        (9.97, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (7620, "2 h 07 min"),
    ],
)
def test_durations_are_told_as_people_say_them(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text
