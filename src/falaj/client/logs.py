"""Reads the log files of attempts, from the start or from where a reader stopped."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple

from falaj.model.loglines import LogLine, parse_line

_AT_ONCE = 1 << 20


class LogPart(NamedTuple):
    """Lines read from a log file and the offset to go on from."""

    lines: List[LogLine]
    offset: int


def read_log(path: str) -> Iterator[LogLine]:
    """Yield a log file's lines, pieces joined; nothing where there is no file.

    A line that was cut off while it was written counts as a piece.
    """
    return join_pieces(_stored_lines(path))


def read_from(path: str, offset: int, at_most: int = _AT_ONCE) -> LogPart:
    """Return what a log file holds after `offset`, as stored, and the offset to go on from.

    Only stored lines that are complete are read, about `at_most` bytes of them and at least one.
    To follow a log, call again with the new offset; a part without lines means nothing is new.
    """
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return LogPart([], offset)
    with file:
        file.seek(offset)
        data = file.read(at_most)
        if data and b"\n" not in data:
            data += file.readline()
    end = data.rfind(b"\n") + 1
    parsed = (parse_line(line) for line in data[:end].split(b"\n") if line)
    return LogPart([line for line in parsed if line is not None], offset + end)


def join_pieces(lines: Iterable[LogLine]) -> Iterator[LogLine]:
    """Yield whole lines; pieces join with what follows on their stream, at the first one's time.

    What has no end on its stream comes last, still not whole.
    """
    open_pieces: Dict[str, List[LogLine]] = {}
    for line in lines:
        pieces = open_pieces.get(line.stream)
        if not line.whole:
            open_pieces.setdefault(line.stream, []).append(line)
        elif pieces:
            yield _joined([*pieces, line])
            del open_pieces[line.stream]
        else:
            yield line
    for pieces in open_pieces.values():
        yield _joined(pieces)


def text_of(lines: Iterable[LogLine], stream: str) -> bytes:
    """Return what was printed on one stream, byte for byte."""
    return b"".join(
        line.text + (b"\n" if line.whole else b"") for line in lines if line.stream == stream
    )


def _joined(pieces: List[LogLine]) -> LogLine:
    last = pieces[-1]
    return LogLine(pieces[0].at, last.stream, b"".join(piece.text for piece in pieces), last.whole)


def _stored_lines(path: str) -> Iterator[LogLine]:
    try:
        file = open(path, "rb")
    except FileNotFoundError:
        return
    with file:
        for stored in file:
            line = parse_line(stored)
            if line is not None:
                yield line if stored.endswith(b"\n") else line._replace(whole=False)
