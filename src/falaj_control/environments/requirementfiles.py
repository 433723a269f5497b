"""What uv does not take from a requirements file: the hashes that it admits, and its variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from falaj.authoring.packages import normalised
from falaj_control.environments.projects import read_text

_INCLUDE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_HASH = re.compile(r"--hash[=\s]sha256:([0-9a-fA-F]{64})")
_WITH_VARIABLE = re.compile(r"[A-Za-z][\w+.-]*://\S*\$\{\w+\}\S*")


def allowed_hashes(path: str) -> dict[str, frozenset[str]]:
    """Return the SHA-256 (bare hex) that a file and its includes give, by name of package.

    Packages without a hash are left out.
    """
    found: dict[str, set[str]] = {}
    for line in _lines(path, set()):
        name, hashes = _NAME.match(line), _HASH.findall(line)
        if name is not None and hashes:
            found.setdefault(normalised(name[1]), set()).update(map(str.lower, hashes))
    return {name: frozenset(hashes) for name, hashes in found.items()}


def named_urls(path: str) -> list[str]:
    """Return the URLs, of a file and its includes, that name variables."""
    return [url for line in _lines(path, set()) for url in _WITH_VARIABLE.findall(line)]


def _lines(path: str, seen: set[str]) -> Iterator[str]:
    """Yield the logical lines of a file and of what it includes."""
    seen.add(path)
    for raw in re.sub(r"\\\r?\n", " ", read_text(path)).splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw)
        yield line
        included = _INCLUDE.match(line)
        if included is not None and "://" not in included[1]:
            inner = os.path.abspath(os.path.join(os.path.dirname(path), included[1]))
            if inner not in seen and os.path.isfile(inner):
                yield from _lines(inner, seen)
