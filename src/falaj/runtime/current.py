"""`current`: what a step can ask about the task that it runs in."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Mapping, Optional

from falaj.model.graph import FlowDescription
from falaj.model.orders import Order


class Current:
    """The running task's names and numbers; a name that is not set raises AttributeError.

    Outside of a task only `is_running_flow` is set, and False.
    """

    _task: "Optional[tuple[FlowDescription, Order]]" = None

    def get(self, name: str, default: Any = None) -> Any:
        """Return a value, or `default` where it is not set."""
        return getattr(self, name, default)

    def __contains__(self, name: str) -> bool:
        return name == "is_running_flow" or (self._task is not None and name in _ANSWERS)

    @property
    def is_running_flow(self) -> bool:
        """Whether this process runs a task."""
        return self._task is not None

    def __getattr__(self, name: str) -> Any:
        # Looked up when asked for: most steps ask for little or nothing.
        task = self._task
        answer = _ANSWERS.get(name)
        if task is not None and answer is not None:
            return answer(*task)
        hint = "" if task is not None else ": no flow is running here"
        raise AttributeError("current.{} is not set{}".format(name, hint))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("current can't be assigned to")


_RECORD_WAIT = 10.0
current = Current()


def set_current(description: FlowDescription, order: Order) -> None:
    """Let `current` answer for `order`."""
    current.__dict__["_task"] = (description, order)


def _run(_: FlowDescription, order: Order) -> Any:
    # Imported here: few steps read results, and every task would pay for the client.
    from falaj.client import Run

    return _in_records_of(order, lambda: Run("{}/{}".format(order.flow, order.run)))


def _task(_: FlowDescription, order: Order) -> Any:
    from falaj.client import Task
    from falaj.errors import FalajNotFound

    # Its start is recorded together with others', at most a moment after it.
    limit = time.monotonic() + _RECORD_WAIT
    while True:
        try:
            return _in_records_of(order, lambda: Task(order.pathspec))
        except FalajNotFound:
            if time.monotonic() > limit:
                raise
            time.sleep(0.01)


def _in_records_of(order: Order, look_up: Callable[[], Any]) -> Any:
    spin = order.context.get("spin")
    if spin is None:
        return look_up()
    # A spun task reads the results of runs, but is itself no part of them.
    from falaj.client.homes import within_spins

    with within_spins():
        return look_up()


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
    "tempdir": lambda _, __: os.environ.get("TMPDIR", "/tmp"),
    "parameter_names": lambda description, _: [p.attribute for p in description.parameters],
    "graph": lambda description, _: description.to_wire(),
    "run": _run,
    "task": _task,
}
