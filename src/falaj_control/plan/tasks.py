"""The values that the planner works with: places in fan-outs, and planned tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from falaj.model.orders import Frame, InputRef, Transition


class Fan:
    """One opened fan-out: branches of a split or values of a foreach, until its join.

    Tasks that reach the join arrive here; when all have, the join is ready.
    """

    __slots__ = (
        "arrived",
        "fresh",
        "missing",
        "opener",
        "outer",
        "reusable",
        "transition",
        "width",
    )

    def __init__(self, opener: str, transition: Transition, outer: Place | None) -> None:
        """Open the fan-out of step `opener`, which itself lies at `outer`."""
        self.opener = opener
        self.transition = transition
        self.outer = outer
        self.width = transition.width if transition.is_wide else len(transition.targets)
        self.arrived: dict[int, InputRef] = {}
        self.missing = self.width
        self.fresh = False
        # Whether all members of a gang can be reused, once that has been looked up.
        self.reusable: bool | None = None

    def inputs(self) -> tuple[InputRef, ...]:
        """Return what arrived, by index or in the order of definition."""
        return tuple(self.arrived[position] for position in range(self.width))


class Place(NamedTuple):
    """Where a task lies: which element of which fan-out, and where that one lies."""

    fan: Fan
    position: int
    outer: Place | None


class PlannedTask(NamedTuple):
    """A task whose inputs are all there. `fresh` is false while all before it was reused.

    `iteration` counts how often the step has led to itself at this place.
    """

    id: int
    step: str
    place: Place | None
    inputs: tuple[InputRef, ...]
    fresh: bool
    iteration: int = 0

    @property
    def key(self) -> TaskKey:
        """What tells the task from all others of its run, also in the run that resumes it."""
        return (self.step, self.indices, self.iteration)

    @property
    def gang(self) -> Fan | None:
        """The gang that the task is a member of, where it is one."""
        place = self.place
        return place.fan if place is not None and place.fan.transition.gang else None

    @property
    def indices(self) -> tuple[int, ...]:
        """The foreach indices around the task, outermost first."""
        return tuple(frame.index for frame in self.frames)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The foreach levels around the task, outermost first."""
        frames: list[Frame] = []
        place = self.place
        while place is not None:
            transition = place.fan.transition
            if transition.is_wide:
                frames.append(
                    Frame(
                        place.fan.opener,
                        transition.foreach or "num_parallel",
                        place.position,
                        place.fan.width,
                        transition.values or "",
                    )
                )
            place = place.outer
        return tuple(reversed(frames))


class OriginTask(NamedTuple):
    """A task of the run that is resumed; it can be reused where `manifest` is set."""

    run: int
    task: int
    state: str
    manifest: str | None
    transition: Transition | None
    label: str


# Step, foreach indices and iteration.
TaskKey = tuple[str, tuple[int, ...], int]


class Origin(NamedTuple):
    """The run that is resumed: its tasks by key, and the steps to run regardless."""

    run: int
    tasks: Mapping[TaskKey, OriginTask]
    rerun: frozenset[str]
    asked: str | None


class Decision(NamedTuple):
    """Whether a task runs or is reused, and why, in words for a person."""

    reused: OriginTask | None
    reason: str
