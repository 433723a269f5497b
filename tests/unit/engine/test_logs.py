"""What an attempt prints: cut into lines, bounded, and never in the way of the work."""

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falaj.model.loglines import LogLine, parse_line
from falaj.redaction import Redactor
from falaj_control.engine.logs import LONGEST, PARTIAL_AFTER, LogDrain

NOW = 1000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "1" / "2.0.log"


def stored(path: Path) -> "list[LogLine]":
    lines = [parse_line(line) for line in path.read_bytes().split(b"\n")[:-1]]
    return [line for line in lines if line is not None]


def texts(lines: "list[LogLine]") -> "list[tuple[str, bytes, bool]]":
    return [(line.stream, line.text, line.whole) for line in lines]


def test_no_output_makes_no_file(path):
    drain = LogDrain(str(path), 1000)
    assert drain.flush_partial(NOW, everything=True) == []
    drain.close()
    assert not path.parent.exists()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.lists(st.sampled_from([b"a", b"\n", b"\xff\xfe", b"word ", b"\r"]), max_size=30).map(
        b"".join
    ),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_lines_are_the_same_however_the_bytes_arrive(path, text, cuts):
    path.unlink(missing_ok=True)
    drain = LogDrain(str(path), 10**6)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    lines = []
    for first, last in itertools.pairwise(places):
        lines += drain.take("o", text[first:last], NOW)
    lines += drain.flush_partial(NOW, everything=True)
    drain.close()
    *whole, rest = text.split(b"\n")
    expected = [("o", one, True) for one in whole] + ([("o", rest, False)] if rest else [])
    assert texts(lines) == expected
    assert not text or texts(stored(path)) == expected


def test_streams_do_not_mix(path):
    drain = LogDrain(str(path), 1000)
    assert drain.take("o", b"out", NOW) == []
    assert texts(drain.take("e", b"err\n", NOW)) == [("e", b"err", True)]
    assert texts(drain.take("o", b"put\n", NOW)) == [("o", b"output", True)]
    drain.close()
    assert texts(stored(path)) == [("e", b"err", True), ("o", b"output", True)]


def test_the_beginning_of_a_line_waits_its_time(path):
    drain = LogDrain(str(path), 1000)
    drain.take("o", b"Pass", NOW)
    assert drain.waits
    drain.take("o", b"word: ", NOW + PARTIAL_AFTER / 2)
    assert drain.flush_partial(NOW + PARTIAL_AFTER * 0.9) == []
    assert texts(drain.flush_partial(NOW + PARTIAL_AFTER)) == [("o", b"Password: ", False)]
    assert not drain.waits
    assert texts(drain.take("o", b"x\n", NOW + 9)) == [("o", b"x", True)]
    drain.close()


def test_a_flood_without_newlines_is_cut_into_pieces(path):
    drain = LogDrain(str(path), 10**9)
    lines = drain.take("o", b"a" * (2 * LONGEST + 5), NOW)
    lines += drain.take("o", b"\nnext\n", NOW)
    assert [(len(line.text), line.whole) for line in lines] == [
        (LONGEST, False),
        (LONGEST, False),
        (5, True),
        (4, True),
    ]
    lines = drain.take("e", b"b" * (LONGEST + 1) + b"\n", NOW)
    assert [(len(line.text), line.whole) for line in lines] == [(LONGEST, False), (1, True)]
    drain.close()


@pytest.mark.parametrize("sizes", [[5] * 100, [99], [100], [98, 0, 0, 0], [1000, 1, 1], [0] * 500])
def test_each_stream_is_kept_up_to_its_limit_and_the_cut_is_told_once(path, sizes):
    drain = LogDrain(str(path), 100)
    shown = drain.take("o", b"".join(b"x" * size + b"\n" for size in sizes), NOW)
    for _ in range(3):
        shown += drain.take("o", b"more\n" * 30, NOW)
    other = drain.take("e", b"still there\n", NOW)
    drain.close()
    assert texts(other) == [("e", b"still there", True)]
    *kept, notice = shown
    assert notice.text.startswith(b"[log cut here: more than ")
    assert sum(len(line.text) + 1 for line in kept) <= 100
    assert not any(b"[log cut" in line.text for line in kept)
    assert texts(stored(path)) == texts([*shown, *other])
    assert path.stat().st_size < 100 * 30


def test_a_log_that_can_not_be_written_is_noted_and_the_lines_still_shown(tmp_path):
    (tmp_path / "file").write_text("in the way")
    drain = LogDrain(str(tmp_path / "file" / "1" / "1.0.log"), 1000)
    assert drain.broken == ""
    assert texts(drain.take("o", b"shown\n", NOW)) == [("o", b"shown", True)]
    assert drain.broken
    drain.close()


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.lists(st.sampled_from([b"ab", b"b", b"aab", b"\n", b"x"]), max_size=30).map(b"".join),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_no_secret_shows_however_the_bytes_arrive(path, text, cuts):
    redactor = Redactor()
    redactor.add(["abab", "bbaab"])
    path.unlink(missing_ok=True)
    drain = LogDrain(str(path), 10**6, redactor)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    lines, now = [], NOW
    for first, last in itertools.pairwise(places):
        lines += drain.take("o", text[first:last], now)
        now += PARTIAL_AFTER
        lines += drain.flush_partial(now)
    lines += drain.flush_partial(now, everything=True)
    drain.close()
    shown = b"".join(line.text + (b"\n" if line.whole else b"") for line in lines)
    # A line whose beginning was shown is whole with its last, perhaps empty, piece.
    *whole, rest = text.split(b"\n")
    hidden = [*map(redactor.redact_bytes, whole), redactor.redact_end(rest)]
    assert shown == b"\n".join(hidden)


def test_the_possible_beginning_of_a_secret_waits(path):
    redactor = Redactor()
    redactor.add(["hunter22"])
    drain = LogDrain(str(path), 10**6, redactor)
    assert drain.take("o", b"it is hunt", NOW) == []
    assert texts(drain.flush_partial(NOW + PARTIAL_AFTER)) == [("o", b"it is ", False)]
    assert drain.flush_partial(NOW + 2 * PARTIAL_AFTER) == []
    assert texts(drain.take("o", b"er22 now\n", NOW)) == [("o", b"<redacted> now", True)]
    drain.take("o", b"a hun", NOW)
    drain.take("e", b"cut off: hunter", NOW)
    last = texts(drain.flush_partial(NOW, everything=True))
    assert last == [("o", b"a hun", False), ("e", b"cut off: <redacted>", False)]
    drain.close()


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_secret_across_the_longest_piece_of_a_line_is_found(path, end):
    redactor = Redactor()
    redactor.add(["hunter22", "k" * (2 * LONGEST)])
    drain = LogDrain(str(path), 10**6, redactor)
    line = b"." * (LONGEST - 4) + b"hunter22" + b"." * LONGEST + b"k" * (2 * LONGEST)
    lines = drain.take("o", line[: LONGEST + 2], NOW)
    lines += drain.take("o", line[LONGEST + 2 :] + end, NOW)
    lines += drain.flush_partial(NOW, everything=True)
    drain.close()
    text = b"".join(line.text for line in lines)
    assert text == b"." * (LONGEST - 4) + b"<redacted>" + b"." * LONGEST + b"<redacted>"
    assert max(len(line.text) for line in lines) <= LONGEST
