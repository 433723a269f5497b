"""Python source with its words coloured."""

from __future__ import annotations

import builtins
import io
import keyword
import tokenize
from typing import Iterator, List, Tuple

from falaj.client.html import escape

MOST_CHARACTERS = 200_000
_BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_"))
_SOFT = frozenset(("self", "cls"))
# Strings with fields have tokens of their own since 3.12.
_STRINGS = frozenset(
    number
    for number, name in tokenize.tok_name.items()
    if name in ("STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
)


def highlighted(code: str) -> str:
    """Return Python code as HTML, one span a coloured word; what is no Python is only escaped."""
    cut = code[:MOST_CHARACTERS]
    rest = "\n…" if len(code) > len(cut) else ""
    try:
        return "".join(_spans(cut)) + rest
    except (tokenize.TokenError, SyntaxError, IndexError, ValueError):
        return escape(cut) + rest


def _spans(code: str) -> Iterator[str]:
    lines = code.splitlines(keepends=True)
    place = (1, 0)
    previous = ""
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            continue
        # The tokens' positions are of code points, and so are ours.
        yield escape(_between(lines, place, token.start))
        text = _between(lines, token.start, token.end)
        kind = _kind(token.type, token.string, previous)
        yield '<span class="{}">{}</span>'.format(kind, escape(text)) if kind else escape(text)
        place = token.end
        previous = token.string.strip()
    yield escape(_between(lines, place, (len(lines) + 1, 0)))


def _kind(kind: int, text: str, previous: str) -> str:
    if kind == tokenize.COMMENT:
        return "k-comment"
    if kind in _STRINGS:
        return "k-string"
    if kind == tokenize.NUMBER:
        return "k-number"
    if kind == tokenize.OP:
        return "k-decorator" if text == "@" and not previous else ""
    if kind != tokenize.NAME:
        return ""
    if keyword.iskeyword(text):
        return "k-keyword"
    if previous in ("def", "class"):
        return "k-name"
    if previous == "@":
        return "k-decorator"
    return "k-builtin" if (text in _BUILTINS or text in _SOFT) and previous != "." else ""


def _between(lines: List[str], start: Tuple[int, int], end: Tuple[int, int]) -> str:
    if start >= end:
        return ""
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]] if start[0] <= len(lines) else ""
    parts = [lines[start[0] - 1][start[1] :]] if start[0] <= len(lines) else []
    parts += lines[start[0] : end[0] - 1]
    if end[0] <= len(lines):
        parts.append(lines[end[0] - 1][: end[1]])
    return "".join(parts)
