"""Which executor a run has: this machine's, or one of another package, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falaj import extensions
from falaj.authoring.wording import listed, near_miss
from falaj.errors import ExtensionError
from falaj_control.extensions import make
from falaj_control.ports.executing import Executor, ExecutorContext
from falaj_control.ports.requests import LOCAL_EXECUTOR
from falaj_control.settings import Settings


def make_executor(
    name: str, local: Callable[[], Executor], flow: str, file: str, settings: Settings
) -> Executor:
    """Return the executor of that name; `local` makes this machine's.

    Raises ExtensionError for a name that nobody gives, and for a package that is amiss.
    """
    if name == LOCAL_EXECUTOR:
        return local()
    if not extensions.is_installed("executors", name):
        known = [LOCAL_EXECUTOR, *extensions.names("executors")]
        raise ExtensionError(
            f"There is no executor `{name}`{near_miss(name, known)}; there are {listed(known)}."
        )
    context = ExecutorContext(local, flow, file, settings.home.root, settings.cache)
    made: Any = make("executors", name, context)
    return made
