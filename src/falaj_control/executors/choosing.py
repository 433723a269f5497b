"""Which executor of another package a run has, by its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from falaj import extensions
from falaj.authoring.wording import listed, near_miss
from falaj.errors import ExtensionError
from falaj.model.graph import FlowDescription
from falaj_control.extensions import blamed, make
from falaj_control.ports.executing import Executor, ExecutorContext
from falaj_control.ports.requests import LOCAL_EXECUTOR
from falaj_control.settings import Settings


def make_executor(
    name: str, local: Callable[[], Executor], description: FlowDescription, settings: Settings
) -> Executor:
    """Return the executor of that name for a flow's run; `local` makes this machine's.

    Raises ExtensionError for a name that nobody gives, and for a package that is amiss.
    """
    if not extensions.is_installed("executors", name):
        known = [LOCAL_EXECUTOR, *extensions.names("executors")]
        raise ExtensionError(
            f"There is no executor `{name}`{near_miss(name, known)}; there are {listed(known)}."
        )
    flow, home = description, settings.home.root
    context = ExecutorContext(local, flow.name, flow.file, home, settings.cache)
    made: Any = blamed("executors", name, make("executors", name, context))
    return made
