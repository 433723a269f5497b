"""`current`: what a step can ask about the task that it runs in."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Mapping, Optional

from falaj.model.graph import FlowDescription
from falaj.model.orders import TASK, Order


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
        if name == "parallel":
            return bool(self.get("is_parallel"))
        if name == "card" and self._task is not None:
            return bool(self._task[1].options.get("card"))
        if name in _LOGGING or name in _OBJECTS:
            return self._task is not None
        return self.get(name) is not None

    def log_metric(self, name: str, value: Any, step: Optional[int] = None) -> None:
        """Record the number `value` as the next point of the metric `name`, at `step`.

        Raises MetricError for a name, value or step that can't be kept.
        """
        self._order("log_metric")
        _logged().log_metrics({name: value}, step)

    def log_metrics(self, metrics: Mapping[str, Any], step: Optional[int] = None) -> None:
        """Record a point of each metric of `metrics`, all or, where one is refused, none."""
        self._order("log_metrics")
        _logged().log_metrics(metrics, step)

    def log_param(self, name: str, value: Any) -> None:
        """Record `value`, JSON or else its repr, under `name`; one logged before is replaced."""
        store = self._order("log_param").context["store"]
        _logged().log_params({name: value}, store)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record each value of `params`, as `log_param` does."""
        store = self._order("log_params").context["store"]
        _logged().log_params(params, store)

    def _order(self, name: str) -> Order:
        # Functions that give parameters their defaults run before any task.
        if self._task is None or self._task[1].kind != TASK:
            raise AttributeError("current.{} is not set: no step is running here".format(name))
        return self._task[1]

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

    def __dir__(self) -> List[str]:
        """Return what can be asked, for completion; a name may still have no value here."""
        return sorted({*object.__dir__(self), *_ANSWERS})

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("current can't be assigned to")


# What costs a look into the records, and is there in every task.
_OBJECTS = ("run", "task")
_UNSET: Any = object()
_LOGGING = ("log_metric", "log_metrics", "log_param", "log_params")
current = Current()


def set_current(description: FlowDescription, order: Order) -> None:
    """Let `current` answer for `order`."""
    current.__dict__["_task"] = (description, order)


def _logged() -> Any:
    # Imported here: most tasks log nothing.
    from falaj.runtime import logged

    return logged


def _run(_: FlowDescription, order: Order) -> Any:
    # Imported here: few steps read results, and every task would pay for the client.
    from falaj.client.opening import own_run

    return _in_records_of(order, lambda: own_run(order.flow, order.run))


def _task(_: FlowDescription, order: Order) -> Any:
    from falaj.client.opening import own_task

    return _in_records_of(order, lambda: own_task(order.pathspec))


def _parallel(_: FlowDescription, order: Order) -> Any:
    # Imported here: few steps are gangs.
    from falaj.runtime.gang import membership

    member = membership(order)
    if member is None:
        raise AttributeError("current.parallel is not set: this step has no @parallel")
    return member


def _trigger(_: FlowDescription, order: Order) -> Any:
    events = order.context.get("trigger")
    if not events:
        return _UNSET
    # Imported here: few runs have a trigger, and every task would pay for the client.
    from falaj.client.runs import trigger_of

    return trigger_of(events)


def _graph(description: FlowDescription, order: Order) -> Any:
    # Imported here: few steps ask, and every task would pay for it.
    from falaj.authoring.secret_sources import without_values
    from falaj.model.graphdata import graph_info
    from falaj.store.blobs import BlobStore
    from falaj.store.manifests import load_manifest

    types: Dict[str, str] = {}
    if order.parameters is not None:
        declared = {p.attribute for p in (*description.parameters, *description.configs)}
        settled = load_manifest(BlobStore(order.context["store"]), order.parameters).entries
        names = set(order.context["constants"]) - declared
        types = {name: settled[name].type for name in names if name in settled}
    return graph_info(without_values(description), types)


def _of_project(name: str) -> Callable[[FlowDescription, Order], Any]:
    return lambda _, order: order.context.get("project", {}).get(name, _UNSET)


def _card(_: FlowDescription, order: Order) -> Any:
    # Imported here: most steps have no cards.
    from falaj.runtime.cards import cards_of

    return cards_of(order)


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
    "tags": lambda _, order: set(order.context.get("tags", ())),
    "pathspec": lambda _, order: order.pathspec,
    "parameter_names": lambda description, _: [p.attribute for p in description.parameters],
    "graph": _graph,
    "is_parallel": lambda _, order: "parallel" in order.context,
    "parallel": _parallel,
    "graph_info": _graph,
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
    "card": _card,
}
