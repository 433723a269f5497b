"""What a secret to be fetched is, and what fetches it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn, Protocol

from falaj.authoring.wording import listed, near_miss
from falaj.errors import SecretError


class Source(NamedTuple):
    """One secret to be fetched.

    `options` is JSON text, so that equal sources are equal; `folder` is where paths begin.
    """

    type: str
    id: str
    options: str
    role: str | None
    folder: str

    def __str__(self) -> str:
        """Name the source as people write it."""
        return f"{self.type}.{self.id}"

    def refuse(self, why: str) -> NoReturn:
        """Raise the SecretError that says why it can't be had."""
        raise SecretError(f"The secret {self} can't be fetched: {why}")

    def chosen(self, **known: type) -> dict[str, Any]:
        """Return its options; raise SecretError for one that is not known or of another type."""
        given: dict[str, Any] = json.loads(self.options)
        for name, value in given.items():
            if name not in known:
                text = f"it has no option `{name}`{near_miss(name, known)}"
                self.refuse(f"{text}; there is {listed(known)}." if known else f"{text}.")
            if not isinstance(value, known[name]):
                self.refuse(f"its option `{name}` has to be a {known[name].__name__}.")
        return given


class Provider(Protocol):
    """A kind of place where secrets are kept; used from any thread."""

    def check(self) -> None:
        """Raise SecretError where this machine can't use it, as for want of a library."""
        ...

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Return the values by the names of variables; raise SecretError, which shows no value."""
        ...


def as_variable(name: str) -> str:
    """Return the name with `_` for what secrets' names often have and variables can't."""
    for letter in "-./":
        name = name.replace(letter, "_")
    return name


def as_variables(source: Source, fields: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a secret as variables; raise SecretError where two have one name."""
    variables: dict[str, str] = {}
    for name, value in fields.items():
        variable = as_variable(name)
        if variable in variables:
            source.refuse(f"two of its keys are both the variable {variable}.")
        is_nested = isinstance(value, dict | list)
        variables[variable] = json.dumps(value) if is_nested else str(value)
    return variables
