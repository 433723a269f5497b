"""What the default card tells of a task in figures: metrics, times and resources."""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Optional, Tuple

from falaj.cards.page.figures import moment, size, span
from falaj.cards.plain import plain
from falaj.client.taskfacts import facts_of

Described = Dict[str, Any]

_USAGE: Dict[str, Tuple[str, Callable[[Any], str]]] = {
    "cpu": ("CPU time", span),
    "memory": ("most memory", size),
    "read": ("read from disk", size),
    "written": ("written to disk", size),
}
_MOST_PLOTS = 24
_MOST_METRICS = 200
# Points of a metric beyond which reading them would take longer than looking at them.
_MOST_POINTS = 50_000
# More than this many do not fit beside each other in a small plot.
_DRAWN = 400


def metrics(task: Any) -> List[Described]:
    """Return a table of the metrics and parameters that a task logged, and small plots."""
    logged = task.metrics
    found = logged.summaries()
    contents: List[Described] = [
        _trend(name, logged[name])
        for name in [name for name, one in found.items() if 1 < one.points <= _MOST_POINTS][
            :_MOST_PLOTS
        ]
    ]
    rows = [[name, one.points, one.last, one.least, one.most] for name, one in found.items()]
    if rows:
        headers = ["metric", "points", "last", "least", "most"]
        contents.append(_table(headers, plain(rows[:_MOST_METRICS]), len(rows)))
    params = [[name, value] for name, value in task.logged_params.items()]
    if params:
        shown = plain([[name, _short(value)] for name, value in params[:_MOST_METRICS]])
        contents.append(_table(["logged parameter", "value"], shown, len(params)))
    return contents


def resources(task: Any) -> List[Described]:
    """Return what the attempt that is looked at has used, and all attempts where several began."""
    facts = facts_of(task)
    attempts = facts.attempts()
    contents: List[Described] = []
    profile = task.profile
    if profile is not None:
        rows = [
            ("wall time", span(profile.wall)),
            ("CPU time", span(profile.cpu)),
            ("most memory", size(profile.peak_memory)),
            ("read from disk", size(profile.read_bytes)),
            ("written to disk", size(profile.written_bytes)),
        ]
        if profile.peak_gpu_memory is not None:
            rows.append(("most GPU memory", size(profile.peak_gpu_memory)))
        contents.append({"type": "facts", "rows": rows})
        contents += _curves(profile.series)
    if len(attempts) > 1 or (attempts and profile is None):
        contents.append(_attempts(attempts))
    return contents


def _curves(series: List[Any]) -> List[Described]:
    """Return CPU, memory and memory of GPUs over the seconds since the attempt began."""
    if len(series) < 2:
        return []
    curves: List[Described] = []
    for title, unit, values in (
        ("CPU", "cores", [one.cpu for one in series]),
        ("Memory", "bytes", [one.memory for one in series]),
        ("GPU memory", "bytes", [one.gpu_memory for one in series]),
    ):
        points = [[one.time, y] for one, y in zip(series, values) if y is not None]
        if len(points) > 1:
            curves.append({"type": "curve", "title": title, "unit": unit, "points": points})
    return curves


def _trend(name: str, series: Any) -> Described:
    """Return the line of a metric: its values over its steps, where each has one."""
    values, steps = series.values, series.steps
    over = "step" if all(step is not None for step in steps) else "point"
    places = steps if over == "step" else range(len(values))
    points = [[x, y] for x, y in zip(places, values) if math.isfinite(y)]
    points.sort(key=lambda point: point[0])
    if len(points) > _DRAWN:
        stride = (len(points) - 1) / (_DRAWN - 1)
        points = [points[round(place * stride)] for place in range(_DRAWN)]
    return {"type": "trend", "title": name, "over": over, "points": points}


def _attempts(attempts: List[Any]) -> Described:
    names = [name for name in _USAGE if any(name in one.usage for one in attempts)]
    headers = ["attempt", "state", "started", "took", "exit code"]
    headers += [_USAGE[name][0] for name in names]
    rows: List[List[Any]] = []
    for one in attempts:
        took = None if one.finished_at is None else span(one.finished_at - one.started_at)
        row = [one.number, one.state, moment(one.started_at), took, one.exit_code or None]
        rows.append(row + [_usage(name, one.usage.get(name)) for name in names])
    return _table(headers, rows, len(rows))


def _usage(name: str, value: Any) -> Any:
    return _USAGE[name][1](value) if isinstance(value, (int, float)) else None


def _table(headers: List[Any], rows: List[List[Any]], count: int) -> Described:
    rest: Optional[int] = count if count > len(rows) else None
    return {"type": "table", "columns": headers, "data": rows, "rows": rest}


def _short(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    # Imported here: most parameters are plain.
    import json

    return json.dumps(value, ensure_ascii=False)[:500]
