"""Streams of every temper, and foreign text on a terminal."""

import errno
import io
import os
import subprocess
import sys
from typing import Any

import pytest

from falaj_control.cli.terminal import Output, neutralised

TERMINAL = {"TERM": "xterm-256color"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Failing(io.StringIO):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.tries = 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise OSError(self.number, "no")


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EBADF, errno.ENOSPC, errno.EIO])
def test_a_stream_that_fails_is_left_alone(number: int) -> None:
    stream = Failing(number)
    output = Output(stream, {})
    output.line("one")
    output.line("two")
    assert stream.tries == 1
    assert not output.is_open


def test_a_stream_that_was_closed_is_left_alone() -> None:
    stream = io.StringIO()
    output = Output(stream, {})
    stream.close()
    output.line("one")
    assert not output.is_open
    Output(None, {}).line("nobody hears")
    assert not Output(stream, TERMINAL).is_terminal


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_any_text_can_be_written(encoding: str) -> None:
    raw = io.BytesIO()
    output = Output(io.TextIOWrapper(raw, encoding=encoding), {})
    output.line("\ud83d \udc80 Üb € \U0001f41f")
    output.line("next")
    assert raw.getvalue().splitlines()[1:] == [b"next"]
    assert b"\\ud83d" in raw.getvalue()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (TERMINAL, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
        ({**TERMINAL, "NO_COLOR": "1"}, False),
        ({**TERMINAL, "NO_COLOR": ""}, True),
    ],
)
def test_only_a_terminal_that_can_and_may_has_colours(
    environ: dict[str, str], expected: bool
) -> None:
    assert Output(Terminal(), environ).has_colours is expected
    assert not Output(io.StringIO(), environ).has_colours


def test_the_locale_says_what_may_be_drawn() -> None:
    assert Output(io.StringIO(), {"LANG": "C"}).encoding == "ascii"
    assert Output(io.StringIO(), {"LANG": "C", "LC_ALL": "en_GB.UTF-8"}).encoding == "utf-8"
    assert Output(io.StringIO(), {}).encoding == "utf-8"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext ü", "plain\ttext ü"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m\x1b[0m"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b[2J gone", "\\x1b[2J gone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J\x00\x7f", "\\x9b2J\\x00\\x7f"),
        (" 10%\r 50%\r100%", "100%"),
        (" 10%\r 50%\r", " 50%"),
        ("a\nb", "a\\x0ab"),
    ],
)
def test_foreign_text_changes_nothing_but_colours(text: str, shown: str) -> None:
    assert neutralised(text, colours=True) == shown


def test_colours_go_where_there_are_none() -> None:
    assert neutralised("\x1b[1;31mred\x1b[m", colours=False) == "red"


def test_a_pipe_gets_text_as_it_is() -> None:
    assert Output(io.StringIO(), TERMINAL).shown("\x1b[2J") == "\x1b[2J"
    assert Output(Terminal(), TERMINAL).shown("\x1b[2J") == "\\x1b[2J"


def _python(code: str, **options: Any) -> "subprocess.CompletedProcess[bytes]":
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        stderr=subprocess.PIPE,
        check=False,
        **options,
    )


def test_a_reader_that_leaves_does_not_fail_the_program() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import sys; from falaj_control.cli.terminal import Output; output = Output(sys.stdout); "
        "[output.line('x' * 99) for _ in range(999)]; print('left over')"
    )
    done = _python(code, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_does_not_fail_the_program() -> None:
    code = (
        "import sys; from falaj_control.cli.terminal import Output; output = Output(sys.stdout); "
        "output.line('x'); output.line('y')"
    )
    with open("/dev/full", "wb") as full:
        done = _python(code, stdout=full)
    assert (done.returncode, done.stderr) == (0, b"")
