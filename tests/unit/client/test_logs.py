"""Log files read whole, by line and as they grow."""

from datetime import datetime
from pathlib import Path

import pytest

from falaj.client import Task
from falaj.client.logs import read_from, read_log
from falaj.errors import FalajException
from falaj.model.loglines import LogLine, format_line

LINES = [
    LogLine(1.5, "o", b"one", True),
    LogLine(2.0, "e", b"oops \xff", True),
    LogLine(3.0, "o", b"50%", False),
    LogLine(3.5, "e", b"meanwhile", True),
    LogLine(4.0, "o", b" 100%", True),
    LogLine(5.0, "o", b"bye", False),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "1.0.log"
    path.write_bytes(b"".join(map(format_line, LINES)))
    return path


def test_pieces_join_on_their_stream(log: Path):
    assert [(line.at, line.text, line.whole) for line in read_log(str(log))] == [
        (1.5, b"one", True),
        (2.0, b"oops \xff", True),
        (3.5, b"meanwhile", True),
        (3.0, b"50% 100%", True),
        (5.0, b"bye", False),
    ]


def test_no_file_is_no_lines(tmp_path: Path):
    assert list(read_log(str(tmp_path / "none"))) == []
    assert read_from(str(tmp_path / "none"), 0) == ([], 0)


def test_what_is_foreign_is_skipped_and_what_is_torn_is_a_piece(tmp_path: Path):
    path = tmp_path / "log"
    path.write_bytes(b"garbage\n\n" + format_line(LINES[0]) + b"2.0 o cut of")
    assert [(line.text, line.whole) for line in read_log(str(path))] == [
        (b"one", True),
        (b"cut of", False),
    ]


def test_a_growing_log_is_followed_by_offset(tmp_path: Path):
    path, stored = tmp_path / "log", b"".join(map(format_line, LINES))
    offset, seen = 0, []
    for end in range(0, len(stored) + 1, 7):
        path.write_bytes(stored[:end])
        lines, offset = read_from(str(path), offset)
        seen += lines
    path.write_bytes(stored)
    lines, offset = read_from(str(path), offset)
    assert seen + lines == LINES
    assert offset == len(stored)


def test_a_line_longer_than_one_reading_is_read(tmp_path: Path):
    path = tmp_path / "log"
    line = LogLine(1.0, "o", b"x" * 5000, True)
    path.write_bytes(format_line(line) * 2)
    lines, offset = read_from(str(path), 0, at_most=100)
    assert lines == [line]
    assert read_from(str(path), offset, at_most=100).lines == [line]


def test_a_task_gives_its_streams(records):
    run = records.finished_run()
    records.log(run, 3, *LINES)
    task = Task(f"Stats/{run}/train/3")
    assert task.stdout == "one\n50% 100%\nbye"
    assert task.stderr == "oops \ufffd\nmeanwhile\n"
    assert (task.stdout_size, task.stderr_size) == (16, 17)
    lines = list(task.loglines("stdout"))
    assert lines[0] == (datetime(1970, 1, 1, 0, 0, 1, 500000), "one")
    assert next(iter(task.loglines("stderr", as_unicode=False)))[1] == b"oops \xff"
    with pytest.raises(FalajException, match="'stdout' or 'stderr'"):
        next(task.loglines("both"))
    assert Task(f"Stats/{run}/start/1").stdout == ""
