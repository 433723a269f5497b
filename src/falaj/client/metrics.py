"""Metrics as they were logged: a mapping of names to series of points, read while a run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, cast

from falaj.client import figures
from falaj.client.access import RunFacts
from falaj.client.figures import PointRow, Scope, Summary
from falaj.client.frames import frame
from falaj.client.html import grid
from falaj.client.lookup import ChildNotFound, absent
from falaj.client.objects import moment

if TYPE_CHECKING:
    from datetime import datetime

_SHOWN = 20
_COLUMNS = ("step", "value", "time", "task", "attempt")


class Point(NamedTuple):
    """One point: its step (None where none was given), value, local time, task and attempt.

    `task` is the path of the task, as `Task` takes it.
    """

    step: Optional[int]
    value: float
    time: datetime
    task: str
    attempt: int


class Series:
    """The points of one metric in the order of time, as they were when it was read."""

    def __init__(self, name: str, run: str, rows: List[PointRow]) -> None:
        """Hold the points of the metric `name` of the run at the path `run`."""
        self.name = name
        self._run = run
        self._rows = rows

    @property
    def values(self) -> List[float]:
        """The values."""
        return [row.value for row in self._rows]

    @property
    def steps(self) -> List[Optional[int]]:
        """The steps, None where none was given."""
        return [row.step for row in self._rows]

    @property
    def times(self) -> List[datetime]:
        """When each point was logged, in local time."""
        return [cast("datetime", moment(row.at)) for row in self._rows]

    @property
    def points(self) -> List[Point]:
        """The points with all that is known of them."""
        return [self._point(row) for row in self._rows]

    @property
    def last(self) -> float:
        """The value that was logged last."""
        return self._rows[-1].value

    @property
    def min(self) -> float:
        """The least value; NaN counts only where there is no other."""
        return min(self._numbers(), default=self._rows[-1].value)

    @property
    def max(self) -> float:
        """The greatest value; NaN counts only where there is no other."""
        return max(self._numbers(), default=self._rows[-1].value)

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame with step, value, time, task and attempt of each point."""
        return frame([point._asdict() for point in self.points], _COLUMNS)

    def _numbers(self) -> Iterator[float]:
        return (row.value for row in self._rows if row.value == row.value)

    def _point(self, row: PointRow) -> Point:
        path = "{}/{}/{}".format(self._run, row.step_name, row.task)
        return Point(row.step, row.value, cast("datetime", moment(row.at)), path, row.attempt)

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        points: Any = self.points
        return points[index]

    def __repr__(self) -> str:
        return "<Series {}: {}, last {:g}>".format(self.name, _points(len(self)), self.last)

    def _repr_html_(self) -> str:
        rows = [
            [_text(row.step), _text(row.value), str(moment(row.at)), self._point(row).task]
            for row in self._rows[-_SHOWN:]
        ]
        heading = "{}: {}".format(self.name, _points(len(self)))
        if len(self) > _SHOWN:
            heading += ", the last {}".format(_SHOWN)
        return grid(heading, ("step", "value", "time", "task"), rows)


class Metrics(Mapping[str, Series]):
    """The metrics of a run, a step or a task by name; each look reads what there is by then."""

    def __init__(self, run: RunFacts, scope: Scope) -> None:
        """Read the metrics in `scope`, which is in `run`."""
        self._run = run
        self._scope = scope

    def __getitem__(self, name: str) -> Series:
        reader = self._run.access.reader
        rows = figures.points(reader, self._scope, name)
        if not rows:
            names = list(self)
            nothing = "None was logged."
            raise ChildNotFound(absent("metric", name, names, "The metrics are", nothing))
        return Series(name, "/".join(self._run.parts), rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.summaries())

    def __len__(self) -> int:
        return len(self.summaries())

    def __contains__(self, name: object) -> bool:
        return name in self.summaries()

    def summaries(self) -> Dict[str, Summary]:
        """Return points, last, last_at, least and most of each metric, without its points."""
        return figures.summaries(self._run.access.reader, [self._scope.run], self._scope)[
            self._scope.run
        ]

    def to_pandas(self) -> Any:
        """Return a pandas DataFrame of all points, with the metric's name in `name`."""
        rows = [
            dict(point._asdict(), name=series.name) for series in self.values() for point in series
        ]
        return frame(rows, ("name", *_COLUMNS))

    def __repr__(self) -> str:
        shown = ", ".join(
            "{}={:g}".format(name, one.last) for name, one in self.summaries().items()
        )
        return "<Metrics: {}>".format(shown or "none")

    def _repr_html_(self) -> str:
        rows = [
            [name, str(one.points), _text(one.last), _text(one.least), _text(one.most)]
            for name, one in self.summaries().items()
        ]
        return grid("Metrics", ("metric", "points", "last", "min", "max"), rows)

    def _ipython_key_completions_(self) -> List[str]:
        return list(self)


def _points(count: int) -> str:
    return "1 point" if count == 1 else "{:,} points".format(count)


def _text(value: Optional[float]) -> str:
    if value is None:
        return ""
    return "{:.6g}".format(value) if isinstance(value, float) else str(value)
