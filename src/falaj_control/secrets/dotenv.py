"""Reads a file of lines NAME=value, as shells and many tools have them."""

from __future__ import annotations

import re

# A line of a value that lacks its quotes may hold `=` as well, and be no name to show anybody.
_LINE = re.compile(r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class MalformedLine(Exception):
    """A line that is no assignment; `line` is its number. The message shows nothing of it."""

    def __init__(self, message: str, text: str, at: int) -> None:
        """Keep the message; the line is that of the place `at` in the file's `text`."""
        super().__init__(message)
        self.line = text.count("\n", 0, at) + 1


def parse_dotenv(text: str) -> dict[str, str]:
    """Return values by name; the last one counts.

    A value may stand in single quotes, as it is, or in double quotes, with escapes; both may hold
    line ends. Outside of quotes ` #` begins a comment. Nothing is filled in for `$NAME`.
    """
    values: dict[str, str] = {}
    text = text.replace("\r\n", "\n")
    at = 0
    while at < len(text):
        end = _end_of_line(text, at)
        line = text[at:end].strip()
        if line and not line.startswith("#"):
            start = at + len(text[at:end]) - len(text[at:end].lstrip())
            name, value, end = _assignment(text, start)
            values[name] = value
        at = end + 1
    return values


def _assignment(text: str, at: int) -> tuple[str, str, int]:
    found = _LINE.match(text, at)
    if found is None:
        raise MalformedLine(
            "this is not NAME=value, where NAME has letters, digits and `_`, and no digit first.",
            text,
            at,
        )
    start = found.end()
    quote = text[start : start + 1]
    if quote not in ("'", '"'):
        end = _end_of_line(text, start)
        return found["name"], re.split(r"(?:^|\s)#", text[start:end])[0].strip(), end
    pattern = r"'([^']*)'" if quote == "'" else r'"((?:[^"\\]|\\.)*)"'
    quoted = re.compile(pattern, re.DOTALL).match(text, start)
    if quoted is None:
        raise MalformedLine("the quotes are not closed.", text, at)
    end = _end_of_line(text, quoted.end())
    rest = text[quoted.end() : end].strip()
    if rest and not rest.startswith("#"):
        raise MalformedLine("something follows the closing quote.", text, at)
    return found["name"], quoted[1] if quote == "'" else _ESCAPED.sub(_unescape, quoted[1]), end


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[0])


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end
