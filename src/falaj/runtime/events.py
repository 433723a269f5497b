"""Names of events that keep the branches of a project apart."""

from __future__ import annotations

from typing import Any

from falaj.runtime.current import current

_PREFIX = "mfns"


class NamespacedEventName:
    """An event's name, `mfns.<project>.<branch>.<name>`, once it is known where it belongs.

    Called without an argument, as in a step, it takes project and branch from `current`; with the
    context of a deployment, from there. Without a project it is `mfns.<name>`.
    """

    def __init__(self, name: str) -> None:
        """Keep the name as the flow knows it."""
        self.__name__ = "namespaced_event_name({!r})".format(name)
        self._name = name

    def __call__(self, context: Any = None) -> str:
        """Return the full name."""
        source = current if context is None else context
        parts = [getattr(source, part, None) for part in ("project_name", "branch_name")]
        return ".".join([_PREFIX, *(str(part) for part in parts if part), self._name])


def namespaced_event_name(name: str) -> NamespacedEventName:
    """Return a function that gives the event's name within the flow's project and branch.

    Use it in `@trigger(event=namespaced_event_name("data_ready"))`.
    """
    return NamespacedEventName(name)
