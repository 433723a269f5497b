"""Differences between files, in the form that `git apply` and `patch -p1` take."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Difference(NamedTuple):
    """One file that differs; `binary` ones are only named."""

    name: str
    text: str
    binary: bool


def differences(
    files: Iterable[tuple[str, bytes | None, bytes | None]],
) -> Iterator[Difference]:
    """Yield what differs between (name, before, after); None stands for no file."""
    for name, before, after in files:
        if before == after:
            continue
        binary = b"\0" in (before or b"") + (after or b"")
        text = _binary(name) if binary else "".join(_lines(name, before, after))
        yield Difference(name, text, binary)


def _binary(name: str) -> str:
    return f"diff --git a/{name} b/{name}\nBinary files a/{name} and b/{name} differ\n"


def _lines(name: str, before: bytes | None, after: bytes | None) -> Iterator[str]:
    yield f"diff --git a/{name} b/{name}\n"
    if before is None:
        yield "new file mode 100644\n"
    if after is None:
        yield "deleted file mode 100644\n"
    old = "/dev/null" if before is None else f"a/{name}"
    new = "/dev/null" if after is None else f"b/{name}"
    for line in difflib.unified_diff(_split(before), _split(after), old, new):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _split(contents: bytes | None) -> list[str]:
    # Other separators than the newline are part of a line, as they are for git.
    text = (contents or b"").decode("utf-8", "surrogateescape")
    *lines, rest = text.split("\n")
    return [f"{line}\n" for line in lines] + ([rest] if rest else [])
