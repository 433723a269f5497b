"""What other installed packages add to the control side: made by name, checked, told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

from falaj import extensions
from falaj.errors import ExtensionError, FalajException
from falaj.extensions import KINDS, Extension

# What an object of each kind must have, beside its Protocol in falaj_control.ports.
_METHODS = {
    "notifiers": ("notify",),
    "executors": ("start", "signal", "poll", "warm", "wake", "close"),
    "environments": ("resolve", "install"),
    "stores": ("upload", "download", "exists"),
    "secrets": ("check", "fetch"),
}


class Examined(NamedTuple):
    """An extension that is installed; `problem` says why it can't be used, or is empty."""

    extension: Extension
    problem: str


def make(kind: str, name: str, *arguments: Any) -> Any:
    """Return the object that the extension `name` of a kind makes of these arguments.

    Raises ExtensionError, which names the extension, for whatever goes wrong in it.
    """
    factory = extensions.load(kind, name)
    try:
        made = factory(*arguments)
    except FalajException:
        raise
    except (Exception, SystemExit) as error:
        raise ExtensionError(
            f"The extension {_shown(kind, name)} can't be made: {type(error).__name__}: {error}"
        ) from error
    lacking = [one for one in _METHODS[kind] if not callable(getattr(made, one, None))]
    if lacking:
        raise ExtensionError(
            f"The extension {_shown(kind, name)} makes {type(made).__name__} objects, which have "
            f"no method `{lacking[0]}`."
        )
    return made


def blamed(kind: str, name: str, made: Any) -> Any:
    """Return an object whose methods are those of `made`, made by the extension `name` of a kind.

    They raise ExtensionError, which names the extension, for whatever goes wrong in them.
    """
    shown = _shown(kind, name)
    return SimpleNamespace(
        **{method: _blamed(getattr(made, method), method, shown) for method in _METHODS[kind]}
    )


def _blamed(call: Callable[..., Any], method: str, shown: str) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        try:
            return call(*arguments)
        except FalajException:
            raise
        except (Exception, SystemExit) as error:
            raise ExtensionError(
                f"The extension {shown} failed in its `{method}`: {type(error).__name__}: {error}"
            ) from error

    return called


def examine() -> Iterator[Examined]:
    """Import every extension that is installed, and yield what became of it."""
    for kind in KINDS:
        for one in extensions.installed(kind):
            yield Examined(one, extensions.clash_of(one) or _problem_of(one))


def _problem_of(extension: Extension) -> str:
    try:
        extensions.load_entry(extension)
    except ExtensionError as error:
        return error.message
    return ""


def _shown(kind: str, name: str) -> str:
    return str(next(one for one in extensions.installed(kind) if one.name == name))
