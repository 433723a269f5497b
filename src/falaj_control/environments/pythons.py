"""Which version of Python fits what was asked for, as far as versions alone tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from falaj_control.environments.values import EnvironmentFailed

MINORS = tuple(f"3.{minor}" for minor in range(7, 15))
_CLAUSE = re.compile(r"(===?|~=|!=|<=|>=|<|>)\s*([0-9]+(?:\.[0-9]+)*)(\.\*)?\Z")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*\Z")
# More patch releases than any minor version has had.
_PATCHES = 60

_Version = tuple[int, ...]


def choose_python(asked: str | None, requires: str | None, launcher: str) -> str:
    """Return the version for a request, such as `3.11` or `3.11.7`.

    `asked` is a version or a comma list of clauses, `requires` the `requires-python` of a file,
    `launcher` the version that holds where both allow it; else the lowest that fits is taken.
    Raises EnvironmentFailed where none does.
    """
    if asked is not None and _VERSION.match(asked):
        if requires and not _allows(requires, asked):
            raise EnvironmentFailed(
                f"Python {asked} is asked for, and the file requires {requires}; change one."
            )
        return asked
    wanted = ",".join(part for part in (asked, requires) if part)
    default = ".".join(launcher.split(".")[:2])
    for candidate in (default, *MINORS):
        if _allows(wanted, candidate):
            return candidate
    raise EnvironmentFailed(
        f"No Python from {MINORS[0]} to {MINORS[-1]} is allowed by `{wanted}`; widen it."
    )


def _allows(specifier: str, version: str) -> bool:
    """Whether the version, or any patch release of it, satisfies a comma list of clauses."""
    clauses = [_parsed(clause) for clause in specifier.split(",") if clause.strip()]
    return any(all(_holds(*clause, one) for clause in clauses) for one in _releases(version))


def _releases(version: str) -> Iterator[_Version]:
    numbers = _numbers(version)
    if len(numbers) > 2:
        yield numbers
    else:
        yield from ((*numbers, patch) for patch in range(_PATCHES))


def _parsed(clause: str) -> tuple[str, _Version, bool]:
    text = clause.strip()
    found = _CLAUSE.match(text)
    if found is None and _VERSION.match(text):
        # Poetry and people write a version alone.
        return "==", _numbers(text), True
    if found is None:
        raise EnvironmentFailed(
            f"The Python version `{text}` is not understood; write clauses such as `>=3.8,<3.13`."
        )
    operator, version, star = found.groups()
    return operator, _numbers(version), star is not None


def _holds(operator: str, bound: _Version, prefix: bool, version: _Version) -> bool:
    if operator == "~=":
        return version >= _padded(bound) and version[: len(bound) - 1] == bound[:-1]
    same = version[: len(bound)] == bound if prefix else version == _padded(bound)
    if operator in ("==", "==="):
        return same
    if operator == "!=":
        return not same
    limit = _padded(bound)
    if operator in (">=", "<="):
        return version >= limit if operator == ">=" else version <= limit
    return version > limit if operator == ">" else version < limit


def _numbers(version: str) -> _Version:
    return tuple(int(part) for part in version.split("."))


def _padded(version: _Version) -> _Version:
    return (*version, 0, 0)[: max(3, len(version))]
