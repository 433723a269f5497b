"""What crosses into a task's process (orders) and what comes back (reports)."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

TASK = "task"
INIT = "init"
FALLBACK = "fallback"
SNAPSHOT = "snapshot"
TRAVEL = "travel"
HOOK = "hook"
CARD = "card"

# The exit status of a task's process that could not hand over its report.
EXIT_UNREPORTED = 71


class Frame(NamedTuple):
    """One level of foreach around a task: which of how many values it has.

    `values` is the digest of the blob that holds the level's values one by one; it is empty for
    the members of a gang, whose values are their indices.
    """

    step: str
    variable: str
    index: int  # pyright: ignore[reportIncompatibleMethodOverride]
    width: int
    values: str


class InputRef(NamedTuple):
    """A finished task whose artifacts flow into this one."""

    step: str
    task: int
    manifest: str


class Order(NamedTuple):
    """Everything that a task's process needs to know; JSON on the wire.

    `kind` is `task` (run the step), `init` (settle the run's parameters), `fallback` (the process
    of the last attempt died; apply the step's catch), `snapshot` (store the flow's code), `travel`
    (store the user's packages that travel with the run), `card` (render a card of an attempt, as
    `context` says) or `hook` (call an exit hook).
    `options` holds the step's decorators as data, `parameters` the digest of the run's parameter
    manifest.
    """

    kind: str
    flow: str
    run: int
    step: str
    task: int
    attempt: int
    inputs: Tuple[InputRef, ...]
    frames: Tuple[Frame, ...]
    parameters: Optional[str]
    options: Mapping[str, Any]
    context: Mapping[str, Any]

    @property
    def pathspec(self) -> str:
        """The task's path, `FLOW/RUN/STEP/TASK`."""
        return "{}/{}/{}/{}".format(self.flow, self.run, self.step, self.task)

    def to_wire(self) -> Dict[str, Any]:
        """Return the order as JSON values."""
        return dict(self._asdict())

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Order":
        """Rebuild an order from `to_wire`'s JSON values."""
        inputs = tuple(InputRef(*item) for item in wire["inputs"])
        frames = tuple(Frame(*item) for item in wire["frames"])
        return cls(**dict(wire, inputs=inputs, frames=frames))


class Transition(NamedTuple):
    """Where a finished task goes: its target steps, and for a foreach its values.

    `condition` is the artifact by which a switch chose its one target; `gang` marks that `width`
    tasks are to run at once.
    """

    targets: Tuple[str, ...]
    foreach: Optional[str] = None
    width: int = 0
    values: Optional[str] = None
    condition: Optional[str] = None
    gang: bool = False

    @property
    def is_wide(self) -> bool:
        """Whether its one target gets `width` tasks, each with an index."""
        return self.gang or self.foreach is not None

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> "Transition":
        """Rebuild a transition from its JSON list, which is shorter in earlier records."""
        return cls(tuple(wire[0]), *wire[1:])


class ErrorInfo(NamedTuple):
    """A user's exception as data: what a person reads, without the object itself.

    `traceback` shows the user's frames only; `location` is `file:line` of the failing line.
    `tells_all` marks an error whose message needs no traceback beside it.
    """

    type: str
    message: str
    traceback: str
    location: str
    tells_all: bool = False


class Report(NamedTuple):
    """How a task's process ended, in its own words; JSON on the wire.

    `outcome` is succeeded, caught (an exception that `@catch` kept) or failed. For a snapshot,
    `environment` is the digest of the description of what the launching process runs in.
    """

    outcome: str
    manifest: Optional[str]
    transition: Optional[Transition]
    error: Optional[ErrorInfo]
    label: str
    usage: Mapping[str, float]
    environment: Optional[str] = None

    def to_wire(self) -> Dict[str, Any]:
        """Return the report as JSON values."""
        return dict(self._asdict())

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Report":
        """Rebuild a report from `to_wire`'s JSON values."""
        transition: Optional[Transition] = None
        if wire["transition"] is not None:
            transition = Transition.from_wire(wire["transition"])
        error = None if wire["error"] is None else ErrorInfo(*wire["error"])
        return cls(**dict(wire, transition=transition, error=error))


def indices_of(frames: Tuple[Frame, ...]) -> List[int]:
    """Return the foreach indices around a task, outermost first."""
    return [frame.index for frame in frames]
