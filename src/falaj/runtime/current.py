"""`current`: what a step can ask about the task that it runs in."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Mapping, Optional

from falaj.model.graph import FlowDescription
from falaj.model.orders import Order


class Current:
    """The running task's names and numbers; a name that is not set raises AttributeError.

    Outside of a task only `is_running_flow`, which is False there, and `tempdir` are set.
    """

    _task: "Optional[tuple[FlowDescription, Order]]" = None

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or `default` where it is not set."""
        try:
            return getattr(self, name, default)
        except RuntimeError:
            return default

    def __contains__(self, name: str) -> bool:
        if name in _OBJECTS:
            return self._task is not None
        return self.get(name) is not None

    @property
    def is_running_flow(self) -> bool:
        """Whether this process runs a task."""
        return self._task is not None

    @property
    def tempdir(self) -> str:
        """The folder for temporary files."""
        return os.environ.get("TMPDIR") or "/tmp"

    def __getattr__(self, name: str) -> Any:
        # Looked up when asked for: most steps ask for little or nothing.
        task = self._task
        answer = _ANSWERS.get(name)
        if task is not None and answer is not None:
            value = answer(*task)
            if value is not _UNSET:
                return value
        if task is None and name == "graph":
            # Code written for Metaflow catches this one.
            raise RuntimeError("current.graph is not available: no flow is running here")
        hint = "" if task is not None else ": no flow is running here"
        raise AttributeError("current.{} is not set{}".format(name, hint))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("current can't be assigned to")


# What costs a look into the records, and is there in every task.
_OBJECTS = ("run", "task")
_UNSET: Any = object()
_RECORD_WAIT = 10.0
current = Current()


def set_current(description: FlowDescription, order: Order) -> None:
    """Let `current` answer for `order`."""
    current.__dict__["_task"] = (description, order)


def _run(_: FlowDescription, order: Order) -> Any:
    # Imported here: few steps read results, and every task would pay for the client.
    from falaj.client import Run

    return Run("{}/{}".format(order.flow, order.run))


def _task(_: FlowDescription, order: Order) -> Any:
    from falaj.client import Task
    from falaj.errors import FalajNotFound

    # Its start is recorded together with others', at most a moment after it.
    limit = time.monotonic() + _RECORD_WAIT
    while True:
        try:
            return Task(order.pathspec)
        except FalajNotFound:
            if time.monotonic() > limit:
                raise
            time.sleep(0.01)


def _trigger(_: FlowDescription, order: Order) -> Any:
    events = order.context.get("trigger")
    if not events:
        return _UNSET
    # Imported here: few runs have a trigger, and every task would pay for the client.
    from falaj.client.runs import trigger_of

    return trigger_of(events)


def _of_project(name: str) -> Callable[[FlowDescription, Order], Any]:
    return lambda _, order: order.context.get("project", {}).get(name, _UNSET)


_ANSWERS: Mapping[str, Callable[[FlowDescription, Order], Any]] = {
    "flow_name": lambda _, order: order.flow,
    "run_id": lambda _, order: str(order.run),
    "step_name": lambda _, order: order.step,
    "task_id": lambda _, order: str(order.task),
    "retry_count": lambda _, order: order.attempt,
    "origin_run_id": lambda _, order: order.context.get("origin"),
    "namespace": lambda _, order: order.context.get("namespace"),
    "username": lambda _, order: order.context.get("user"),
    "tags": lambda _, order: frozenset(order.context.get("tags", ())),
    "pathspec": lambda _, order: order.pathspec,
    "parameter_names": lambda description, _: [p.attribute for p in description.parameters],
    "graph": lambda description, _: description.to_wire(),
    "graph_info": lambda description, _: description.to_wire(),
    **{
        name: _of_project(name)
        for name in (
            "project_name",
            "branch_name",
            "project_flow_name",
            "is_user_branch",
            "is_production",
        )
    },
    "trigger": _trigger,
    "run": _run,
    "task": _task,
}
