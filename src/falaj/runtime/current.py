"""`current`: what a step can ask about the task that it runs in."""

from __future__ import annotations

from typing import Any, Dict


class Current:
    """The running task's names and numbers; a name that is not set raises AttributeError.

    Outside of a task only `is_running_flow` is set, and False.
    """

    def __init__(self) -> None:
        """Start unset."""
        self.__dict__["_values"] = {"is_running_flow": False}

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or `default` where it is not set."""
        return self._values.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getattr__(self, name: str) -> Any:
        values: Dict[str, Any] = self.__dict__["_values"]
        if name in values:
            return values[name]
        if name == "graph" and "description" in values:
            return values["description"].to_wire()
        if values.get("is_running_flow") and name in ("run", "task"):
            # Imported here: few steps read results, and every task would pay for the client.
            from falaj.client import Run, Task

            parts = str(values["pathspec"]).split("/")
            return Run("/".join(parts[:2])) if name == "run" else Task("/".join(parts))
        raise AttributeError(
            "current.{} is not set{}".format(
                name, "" if values.get("is_running_flow") else ": no flow is running here"
            )
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("current can't be assigned to")


current = Current()


def set_current(values: Dict[str, Any]) -> None:
    """Replace what `current` answers."""
    current.__dict__["_values"] = dict(values)
