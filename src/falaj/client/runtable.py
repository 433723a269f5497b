"""`Flow.table`: one row for each run, with its parameters, metrics and chosen artifacts."""

from __future__ import annotations

import time
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Sequence,
    Tuple,
    cast,
)

from falaj.client import figures
from falaj.client.access import Access, RunFacts
from falaj.client.figures import Summary
from falaj.client.frames import frame
from falaj.client.html import grid
from falaj.client.lookup import ChildNotFound, absent
from falaj.client.objects import moment
from falaj.client.runs import Run, run_from
from falaj.client.tablevalues import Cells
from falaj.errors import FalajException, FalajNotFound
from falaj.model.records import RunRecord

COLUMNS = ("id", "state", "created_at", "duration", "user", "tags")
METRICS: Mapping[str, Callable[[Summary], float]] = {
    "last": lambda one: one.last,
    "min": lambda one: one.least,
    "max": lambda one: one.most,
}
_SHOWN = 50
_LONGEST_CELL = 60


class Column(NamedTuple):
    """A column: its `name` in the rows, and the kind and name of what it holds."""

    name: str
    kind: str
    holds: str


class RunTable:
    """Rows of a flow's runs, each a dict; newest first until they are sorted.

    `pandas.DataFrame(table)` works, too. Columns are called after what they hold. Where two would
    share a name, the first in the order run, parameter, logged parameter, metric, artifact keeps
    it, and the others get their kind before it: `logged.depth`, `metric.id`. Sorting and choosing
    also take such a name where nothing clashes.
    """

    def __init__(
        self, access: Access, flow: str, columns: Sequence[Column], rows: Sequence[Dict[str, Any]]
    ) -> None:
        """Hold `rows`, whose keys are the names of `columns`."""
        self._access = access
        self._flow = flow
        self._columns = list(columns)
        self._rows = list(rows)

    @property
    def columns(self) -> List[str]:
        """The names of the columns, in order."""
        return [column.name for column in self._columns]

    @property
    def runs(self) -> List[Run]:
        """The runs of the rows, in order."""
        return [self._run(row) for row in self._rows]

    def sort(self, by: str, descending: bool = False) -> RunTable:
        """Return the table sorted by a column; rows without a value there, or with NaN, come last.

        Raises FalajNotFound for a column that there is not.
        """
        name = self._named(by)
        there = [row for row in self._rows if _is_there(row[name])]
        rest = [row for row in self._rows if not _is_there(row[name])]
        there.sort(key=lambda row: _order(row[name]), reverse=descending)
        return RunTable(self._access, self._flow, self._columns, [*there, *rest])

    def best(self, by: str, lowest: bool = False) -> Run:
        """Return the run with the greatest value in a column, or the `lowest`; of equal ones the
        first of the table.

        Raises FalajNotFound where no run has a value there.
        """
        name = self._named(by)
        there = [row for row in self._rows if _is_there(row[name])]
        if not there:
            raise FalajNotFound("No run of this table has a value for {!r}.".format(by))
        choose = min if lowest else max
        return self._run(choose(there, key=lambda row: _order(row[name])))

    def to_pandas(self) -> Any:
        """Return the rows as a pandas DataFrame."""
        return frame(self._rows, self.columns)

    def _named(self, name: str) -> str:
        for column in self._columns:
            if name in (column.name, "{}.{}".format(column.kind, column.holds)):
                return column.name
        raise ChildNotFound(absent("column", name, self.columns, "The columns are", ""))

    def _run(self, row: Mapping[str, Any]) -> Run:
        record = self._access.reader.run(row["id"])
        if record is None:
            raise FalajNotFound("Run {}/{} has been deleted.".format(self._flow, row["id"]))
        return run_from(RunFacts(self._access, record))

    def __iter__(self) -> Iterator[Dict[str, Any]]:
        return (dict(row) for row in self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Dict[str, Any]:
        return dict(self._rows[index])

    def __repr__(self) -> str:
        runs = "1 run" if len(self) == 1 else "{:,} runs".format(len(self))
        return "<RunTable of {}: {}, {} columns>".format(self._flow, runs, len(self._columns))

    def _repr_html_(self) -> str:
        rows = [[_cell(row[name]) for name in self.columns] for row in self._rows[:_SHOWN]]
        heading = repr(self)[1:-1]
        if len(self) > _SHOWN:
            heading += ", the first {}".format(_SHOWN)
        return grid(heading, self.columns, rows)


def run_table(
    access: Access,
    flow: str,
    records: Sequence[RunRecord],
    metrics: str,
    artifacts: Iterable[str],
) -> RunTable:
    """Return the table of `records`; a metric's value is its last, its min or its max.

    Raises FalajException for another word.
    """
    if metrics not in METRICS:
        raise FalajException(
            "metrics={!r} is not known. Say 'last', 'min' or 'max'.".format(metrics)
        )
    names = [artifacts] if isinstance(artifacts, str) else list(artifacts)
    ids = [record.id for record in records]
    of_metric = METRICS[metrics]
    summaries = figures.summaries(access.reader, ids)
    logged = figures.logged_params(access.reader, ids)
    cells = Cells(access)
    tags = figures.user_tags(access.reader, ids)
    now = time.time()
    parts: List[Tuple[str, List[Dict[str, Any]]]] = [
        ("run", [_facts(record, tags[record.id], now) for record in records]),
        ("parameter", [cells.parameters(record) for record in records]),
        ("logged", [logged[run] for run in ids]),
        ("metric", [_metrics(summaries[run], of_metric) for run in ids]),
        ("artifact", cells.artifacts(records, names)),
    ]
    columns = _columns(parts, names)
    rows: List[Dict[str, Any]] = [{} for _ in records]
    held = dict(parts)
    for name, kind, holds in columns:
        for row, values in zip(rows, held[kind]):
            row[name] = values.get(holds)
    return RunTable(access, flow, columns, rows)


def _facts(record: RunRecord, tags: List[str], now: float) -> Dict[str, Any]:
    ended = now if record.finished_at is None else record.finished_at
    return {
        "id": record.id,
        "state": record.state,
        "created_at": moment(record.created_at),
        "duration": max(ended - record.created_at, 0.0),
        "user": record.user,
        "tags": tags,
    }


def _metrics(
    summaries: Mapping[str, Summary], of_metric: Callable[[Summary], float]
) -> Dict[str, float]:
    return {name: of_metric(one) for name, one in summaries.items()}


def _columns(
    parts: Iterable[Tuple[str, List[Dict[str, Any]]]], artifacts: Iterable[str]
) -> List[Column]:
    columns: List[Column] = []
    taken: Dict[str, None] = {}
    for kind, rows in parts:
        held: Dict[str, None] = dict.fromkeys(COLUMNS if kind == "run" else ())
        if kind == "artifact":
            held = dict.fromkeys(artifacts)
        for row in rows:
            held.update(dict.fromkeys(row))
        for holds in held:
            name = holds
            while name in taken:
                name = "{}.{}".format(kind, name)
            taken[name] = None
            columns.append(Column(name, kind, holds))
    return columns


def _is_there(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and value != value)


def _order(value: Any) -> Tuple[int, Any]:
    # Values of different types have no order among them: numbers first, then times, then texts.
    if isinstance(value, (bool, int, float)):
        return (0, value)
    if hasattr(value, "timestamp"):
        return (1, value.timestamp())
    if isinstance(value, str):
        return (2, value)
    try:
        # What numpy and the like call a number.
        return (0, float(value))
    except (TypeError, ValueError):
        return (3, repr(value))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "{:.6g}".format(value)
    text = ", ".join(map(str, cast("List[Any]", value))) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
