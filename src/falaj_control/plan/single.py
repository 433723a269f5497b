"""A plan of exactly one task, on inputs that an earlier run has left."""

from __future__ import annotations

from falaj.model.graph import FlowDescription, Graph
from falaj.model.orders import Frame, InputRef, Transition
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Decision, Fan, Place, PlannedTask


class SingleTaskPlanner(Planner):
    """Makes one task ready, runs it, and lets nothing follow."""

    def __init__(
        self,
        graph: Graph,
        step: str,
        inputs: tuple[InputRef, ...],
        frames: tuple[Frame, ...],
        reason: str,
    ) -> None:
        """Plan one task of `step`; `reason` tells people why it runs."""
        super().__init__(graph)
        self._task = PlannedTask(1, step, place_of(frames), inputs, True)
        self._reason = reason

    def begin(self) -> None:
        """Make the task ready."""
        self._queue.append(self._task)
        self.planned[self._task.step] += 1

    def may_run(self) -> list[str]:
        """Return the task's step."""
        return [self._task.step]

    def decide(self, task: PlannedTask) -> Decision:
        """Say that the task runs."""
        return Decision(None, self._reason)

    def finish(
        self, task: PlannedTask, manifest: str, transition: Transition | None, fresh: bool
    ) -> None:
        """Let nothing follow from the task."""


def place_of(frames: tuple[Frame, ...]) -> Place | None:
    """Return a place that lies within `frames`, outermost first."""
    place: Place | None = None
    for frame in frames:
        transition = Transition(("",), frame.variable, frame.width, frame.values)
        place = Place(Fan(frame.step, transition, place), frame.index, place)
    return place


def only_step(description: FlowDescription, step: str) -> FlowDescription:
    """Return the flow as if it had this one step, its start and end."""
    kept = description.step(step)._replace(targets=())
    return description._replace(steps=(kept,), start=step, end=step)
