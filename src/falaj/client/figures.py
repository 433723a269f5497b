"""The statements that read what tasks logged: points of metrics, their summaries, parameters.

A reused task shows what the task that really ran has logged. Unless an attempt is asked for, it is
the last one of each task that counts.
"""

from __future__ import annotations

import json
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from falaj.client.reader import Reader

# The version of the schema that brought them.
_SINCE = 3
# SQLite before 3.32 takes at most 999 values in a statement.
_RUNS = 300
_NAN = float("nan")


class Scope(NamedTuple):
    """Whose figures are wanted: those of a run, or of a step, a task, an attempt of it."""

    run: int
    step: Optional[str] = None
    task: Optional[int] = None
    attempt: Optional[int] = None


class PointRow(NamedTuple):
    """One point of a metric; `task` is the one of the run, `attempt` that of who logged it."""

    step_name: str
    task: int
    attempt: int
    step: Optional[int]
    value: float
    at: float


class Summary(NamedTuple):
    """What the points of a metric come to; `last` is the latest by time."""

    points: int
    last: float
    last_at: float
    least: float
    most: float


class Used(NamedTuple):
    """Seconds between start and end of an attempt, its own account, and what was sampled of it."""

    seconds: float
    usage: Mapping[str, float]
    sampled: Mapping[str, Any]


def points(reader: Reader, scope: Scope, name: str) -> List[PointRow]:
    """Return the points of one metric in the order of time."""
    found = _select(
        reader, "metrics", "m.attempt, m.step, m.value, m.at, m.id", scope, [scope.run], name
    )
    found.sort(key=lambda row: (row[6], row[1], row[7]))
    return [
        PointRow(row[2], row[1], row[3], row[4], _NAN if row[5] is None else row[5], row[6])
        for row in found
    ]


def summaries(
    reader: Reader, runs: Sequence[int], scope: Optional[Scope] = None
) -> Dict[int, Dict[str, Summary]]:
    """Return what the metrics of each run (those in `scope`, where given) come to, by name."""
    columns = "m.name, m.points, m.last, m.last_at, m.least, m.most"
    found: Dict[int, Dict[str, Summary]] = {run: {} for run in runs}
    rows = _select(reader, "metric_summaries", columns, scope, runs)
    # Of equal times the later task counts.
    rows.sort(key=lambda row: row[1])
    for run, _, _, name, *values in rows:
        counted = Summary(values[0], *(_NAN if value is None else value for value in values[1:]))
        of_run = found[run]
        before = of_run.get(name)
        of_run[name] = counted if before is None else _joined(before, counted)
    return {run: dict(sorted(named.items())) for run, named in found.items()}


def logged_params(
    reader: Reader, runs: Sequence[int], scope: Optional[Scope] = None
) -> Dict[int, Dict[str, Any]]:
    """Return the parameters that each run's tasks logged, by name; the latest by time counts."""
    found: Dict[int, Dict[str, Any]] = {run: {} for run in runs}
    rows = _select(reader, "logged_params", "m.name, m.value, m.at", scope, runs)
    rows.sort(key=lambda row: (row[5], row[1]))
    for run, _, _, name, text, _ in rows:
        found[run][name] = text
    return {
        run: {name: _value(text) for name, text in sorted(named.items())}
        for run, named in found.items()
    }


def used(reader: Reader, run: int, task: int, attempt: int) -> Optional[Used]:
    """Return what an attempt used; None where there is no such attempt, or it has not ended."""
    profile = "profile" if reader.version >= _SINCE else "NULL"
    found = reader.query(
        "SELECT started_at, finished_at, usage, {} FROM attempts "
        "WHERE run = ? AND task = ? AND number = ? AND finished_at IS NOT NULL".format(profile),
        [run, task, attempt],
    )
    if not found:
        return None
    began, ended, usage, sampled = found[0]
    return Used(ended - began, json.loads(usage), json.loads(sampled) if sampled else {})


def user_tags(reader: Reader, runs: Sequence[int]) -> Dict[int, List[str]]:
    """Return the tags that people gave each run."""
    found: Dict[int, List[str]] = {run: [] for run in runs}
    for part in _parts(runs):
        statement = (
            "SELECT run, tag FROM run_tags WHERE system = 0 AND run IN ({}) ORDER BY run, tag"
        )
        for run, tag in reader.query(statement.format(_marks(part)), part):
            found[run].append(tag)
    return found


def last_tasks(reader: Reader, steps: Mapping[int, str]) -> Dict[int, int]:
    """Return the latest task of one step of each run, where it has any."""
    found: Dict[int, int] = {}
    for part in _parts(steps):
        statement = "SELECT run, step, MAX(id) FROM tasks WHERE run IN ({}) AND step IN ({}) {}"
        names = sorted({steps[run] for run in part})
        group = "GROUP BY run, step"
        statement = statement.format(_marks(part), _marks(names), group)
        for run, step, task in reader.query(statement, [*part, *names]):
            if steps[run] == step:
                found[run] = task
    return found


def _parts(runs: Iterable[int]) -> Iterator[List[int]]:
    wanted = list(runs)
    for start in range(0, len(wanted), _RUNS):
        yield wanted[start : start + _RUNS]


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _joined(one: Summary, other: Summary) -> Summary:
    later = other if other.last_at >= one.last_at else one
    return Summary(
        one.points + other.points,
        later.last,
        later.last_at,
        _extreme(min, one.least, other.least),
        _extreme(max, one.most, other.most),
    )


def _extreme(choose: Any, one: float, other: float) -> float:
    # NaN is only what there is nothing else than.
    if one != one:
        return other
    return one if other != other else choose(one, other)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _select(
    reader: Reader,
    table: str,
    columns: str,
    scope: Optional[Scope],
    runs: Iterable[int],
    name: Optional[str] = None,
) -> List[Any]:
    """Return rows of (run, task, step, *columns) of `table`, called m."""
    if reader.version < _SINCE:
        return []
    rows: List[Any] = []
    for part in _parts(runs):
        rows += reader.query(*_own(table, columns, scope, part, name))
        rows += reader.query(*_reused(table, columns, scope, part, name))
    return rows


def _own(
    table: str, columns: str, scope: Optional[Scope], runs: List[int], name: Optional[str]
) -> Tuple[str, List[Any]]:
    narrowed, values = _narrowed("m.run", "t.step", "m.task", scope, name)
    statement = (
        "SELECT m.run, m.task, t.step, {columns} FROM {table} m "
        "JOIN tasks t ON t.run = m.run AND t.id = m.task {attempt} "
        "WHERE m.run IN ({runs}) {narrowed}"
    ).format(
        columns=columns,
        table=table,
        attempt=_attempt(scope),
        runs=_marks(runs),
        narrowed=narrowed,
    )
    return statement, [*runs, *values]


def _reused(
    table: str, columns: str, scope: Optional[Scope], runs: List[int], name: Optional[str]
) -> Tuple[str, List[Any]]:
    # Followed to the task that really ran; UNION ends where a chain would turn in a circle.
    narrowed, values = _narrowed("c.run", "c.step", "c.task", scope, name)
    statement = (
        "WITH RECURSIVE c (run, task, step, at_run, at_task) AS ("
        "SELECT run, id, step, origin_run, origin_task FROM tasks WHERE state = 'reused' "
        "AND run IN (SELECT id FROM runs WHERE origin IS NOT NULL AND id IN ({runs})) "
        "UNION SELECT c.run, c.task, c.step, t.origin_run, t.origin_task FROM c "
        "JOIN tasks t ON t.run = c.at_run AND t.id = c.at_task WHERE t.state = 'reused') "
        "SELECT c.run, c.task, c.step, {columns} FROM c "
        "CROSS JOIN tasks t ON t.run = c.at_run AND t.id = c.at_task "
        "JOIN {table} m ON m.run = t.run AND m.task = t.id {attempt} WHERE 1 {narrowed}"
    ).format(
        columns=columns,
        table=table,
        attempt=_attempt(scope),
        runs=_marks(runs),
        narrowed=narrowed,
    )
    return statement, [*runs, *values]


def _attempt(scope: Optional[Scope]) -> str:
    asked = scope is not None and scope.attempt is not None
    return "" if asked else "AND m.attempt = t.attempt"


def _narrowed(
    run: str, step: str, task: str, scope: Optional[Scope], name: Optional[str]
) -> Tuple[str, List[Any]]:
    pairs: List[Tuple[str, Any]] = []
    if scope is not None:
        pairs = [
            (run, scope.run),
            (step, scope.step),
            (task, scope.task),
            ("m.attempt", scope.attempt),
        ]
    pairs.append(("m.name", name))
    given = [(column, value) for column, value in pairs if value is not None]
    return (
        "".join(" AND {} = ?".format(column) for column, _ in given),
        [value for _, value in given],
    )
