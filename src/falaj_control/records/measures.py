"""Metrics and parameters that tasks log: collected, and written with the run's other records."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

_POINT = (
    "INSERT INTO metrics (run, task, attempt, name, step, value, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
# SQLite has no NaN, so NULL stands for it; MIN and MAX of several arguments would give NULL for
# any NULL among them.
_SUMMARY = (
    "INSERT INTO metric_summaries "
    "(run, task, attempt, name, points, last, last_at, least, most) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (run, task, attempt, name) DO UPDATE SET points = points + excluded.points, "
    "last = CASE WHEN excluded.last_at >= last_at THEN excluded.last ELSE last END, "
    "last_at = MAX(last_at, excluded.last_at), "
    "least = MIN(COALESCE(least, excluded.least), COALESCE(excluded.least, least)), "
    "most = MAX(COALESCE(most, excluded.most), COALESCE(excluded.most, most))"
)
_PARAM = (
    "INSERT OR REPLACE INTO logged_params (run, task, attempt, name, value, at) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)


class MetricPoint(NamedTuple):
    """One point of a metric, as a task logged it; a `value` of None is not a number."""

    task: int
    attempt: int
    name: str
    step: int | None
    value: float | None
    at: float


class LoggedParam(NamedTuple):
    """A parameter that a task logged; `value` is JSON text."""

    task: int
    attempt: int
    name: str
    value: str
    at: float


class _Summary:
    """What the points of one metric of one attempt come to."""

    def __init__(self) -> None:
        self.points = 0
        self.last: float | None = None
        self.last_at = float("-inf")
        self.least: float | None = None
        self.most: float | None = None

    def add(self, value: float | None, at: float) -> None:
        """Take in one more point."""
        self.points += 1
        if at >= self.last_at:
            self.last, self.last_at = value, at
        if value is not None:
            if self.least is None or value < self.least:
                self.least = value
            if self.most is None or value > self.most:
                self.most = value


class MeasureBatch:
    """What has been logged and not been written yet; `len` says how many rows that makes."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._points: list[MetricPoint] = []
        self._params: list[LoggedParam] = []

    def __len__(self) -> int:
        return len(self._points) + len(self._params)

    def add_point(self, point: MetricPoint) -> None:
        """Take a point of a metric."""
        self._points.append(point)

    def add_param(self, param: LoggedParam) -> None:
        """Take a parameter; one of the same attempt and name is replaced."""
        self._params.append(param)

    def write(self, connection: sqlite3.Connection, run: int) -> None:
        """Write what waits, as part of the caller's transaction."""
        if self._points:
            summaries: dict[tuple[int, int, str], _Summary] = {}
            for task, attempt, name, _, value, at in self._points:
                summaries.setdefault((task, attempt, name), _Summary()).add(value, at)
            connection.executemany(_POINT, ((run, *point) for point in self._points))
            connection.executemany(
                _SUMMARY,
                (
                    (run, *key, one.points, one.last, one.last_at, one.least, one.most)
                    for key, one in summaries.items()
                ),
            )
        connection.executemany(_PARAM, ((run, *param) for param in self._params))

    def clear(self) -> None:
        """Forget what has been written."""
        self._points.clear()
        self._params.clear()
