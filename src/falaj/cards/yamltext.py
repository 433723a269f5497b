"""JSON values as YAML, in block style."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, cast

# What YAML reads as a string without quotes, and as nothing else.
_PLAIN = re.compile(r"[A-Za-z_./][\w ./+@%()-]*\Z")
_NOT_TEXT = frozenset("true false null yes no on off y n ~ .nan .inf - . ..".split())


def yaml_text(value: Any) -> str:
    """Return a JSON value as YAML, which ends with a newline."""
    return "\n".join(_block(value, 0)) + "\n"


def _block(value: Any, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(value, dict) and value:
        for key, item in cast(Dict[str, Any], value).items():
            yield from _entry(pad + _string(key) + ":", item, depth)
    elif isinstance(value, list) and value:
        for item in cast(List[Any], value):
            yield from _item(pad, item, depth)
    else:
        yield pad + _flow(value, depth)


def _entry(head: str, item: Any, depth: int) -> Iterator[str]:
    if isinstance(item, (dict, list)) and item:
        yield head
        # The items of a list stand below their key, not further in.
        yield from _block(item, depth if isinstance(item, list) else depth + 1)
    else:
        yield "{} {}".format(head, _flow(item, depth + 1))


def _item(pad: str, item: Any, depth: int) -> Iterator[str]:
    if isinstance(item, (dict, list)) and item:
        inner = _block(item, depth + 1)
        yield "{}- {}".format(pad, next(inner).lstrip(" "))
        yield from inner
    else:
        yield "{}- {}".format(pad, _flow(item, depth + 1))


def _flow(value: Any, depth: int) -> str:
    if isinstance(value, str):
        if "\n" in value and _fits_a_block(value):
            pad = "\n" + "  " * depth
            mark = "|" if value.endswith("\n") else "|-"
            lines = value[:-1] if value.endswith("\n") else value
            return mark + "".join(pad + line if line else "\n" for line in lines.split("\n"))
        return _string(value)
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return "{}" if isinstance(value, dict) else "[]"


def _fits_a_block(text: str) -> bool:
    first = text.split("\n", 1)[0]
    return (
        not first.startswith((" ", "\t"))
        and bool(first)
        and not text.endswith("\n\n")
        and all(character == "\n" or character.isprintable() for character in text)
    )


def _string(text: str) -> str:
    if _PLAIN.match(text) and text.lower() not in _NOT_TEXT and not text.endswith(" "):
        return text
    return json.dumps(text, ensure_ascii=False)
