"""What started a run: the events behind it, and the runs behind these."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
)

from falaj.client.objects import moment

if TYPE_CHECKING:
    from datetime import datetime

RUN = "run"
# Opens the run at a path `flow/run`. Runs know triggers, so triggers can't know how that is done.
Opener = Callable[[str], Any]


class MetaflowEvent(NamedTuple):
    """One event that started a run.

    `id` tells it from others of its `name`; for a run that is the path of its last task. `type` is
    `run` or `event`.
    """

    name: str
    id: str
    timestamp: Optional[datetime]
    type: str


class Trigger:
    """The events that started a run, the latest first."""

    def __init__(self, events: Sequence[Mapping[str, Any]], opener: Opener) -> None:
        """Take events as they are recorded: name, id, type, timestamp in seconds of the epoch."""
        newest = sorted(events, key=lambda one: one["timestamp"] or 0.0, reverse=True)
        self._events = [_event(one) for one in newest]
        self._opener = opener
        self._opened: Dict[str, Any] = {}

    @property
    def event(self) -> Optional[MetaflowEvent]:
        """The latest event; None where there is none."""
        return self._events[0] if self._events else None

    @property
    def events(self) -> Optional[List[MetaflowEvent]]:
        """All events, the latest first; None where there is none."""
        return list(self._events) or None

    @property
    def run(self) -> Optional[Any]:
        """The latest `Run` behind the events; None where none is the end of a run."""
        paths = self._paths()
        return self._open(paths[0]) if paths else None

    @property
    def runs(self) -> Optional[List[Any]]:
        """The `Run` objects behind the events, the latest first; None where there is none."""
        return [self._open(path) for path in self._paths()] or None

    def _paths(self) -> List[str]:
        paths = ["/".join(one.id.split("/")[:2]) for one in self._events if one.type == RUN]
        return list(dict.fromkeys(paths))

    def _path_of(self, flow: object) -> Optional[str]:
        return next((path for path in self._paths() if path.split("/")[0] == flow), None)

    def _open(self, path: str) -> Any:
        if path not in self._opened:
            self._opened[path] = self._opener(path)
        return self._opened[path]

    def __getitem__(self, name: str) -> Any:
        """Return the run of the flow `name`, or else the event `name`; raise KeyError."""
        path = self._path_of(name)
        if path is not None:
            return self._open(path)
        for event in self._events:
            if event.name == name:
                return event
        raise KeyError(name)

    def __iter__(self) -> Iterator[MetaflowEvent]:
        return iter(self._events)

    def __contains__(self, name: object) -> bool:
        return name in [event.name for event in self._events] or self._path_of(name) is not None

    def __repr__(self) -> str:
        return "Trigger({})".format(", ".join(event.name for event in self._events))


def _event(recorded: Mapping[str, Any]) -> MetaflowEvent:
    at = moment(recorded["timestamp"])
    return MetaflowEvent(recorded["name"], recorded["id"], at, recorded["type"])


def events_of_run(flow: str, end_task: str, finished_at: Optional[float]) -> List[Dict[str, Any]]:
    """Return the events, as they are recorded, that the end of a run is.

    `end_task` is the path of its last task. A last step of another name than `end` has an event of
    that name, too.
    """
    steps = dict.fromkeys((end_task.split("/")[2], "end"))
    return [
        {
            "type": RUN,
            "timestamp": finished_at,
            "name": "metaflow.{}.{}".format(flow, step),
            "id": end_task,
        }
        for step in steps
    ]
