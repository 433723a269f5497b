"""Every statement that reads the records, for the client and the command line.

Records come back as they effectively are: what a dead process left running reads as lost. `raw`
asks for what is stored.
"""

from __future__ import annotations

import json
import time
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from falaj.client import connection, rows
from falaj.client.effective import Loss, loss, lost_attempt, lost_run, lost_step, lost_task
from falaj.errors import StoreUnavailable
from falaj.home import Home
from falaj.model import states
from falaj.model.records import AttemptRecord, RunRecord, StepRecord, TaskRecord

# SQLite before 3.32 takes at most 999 values in a statement.
_VALUES = 500


class FlowSummary(NamedTuple):
    """A flow by name, how many runs it has, its latest run, and when the first began."""

    name: str
    runs: int
    latest: int
    created_at: float


class Tags(NamedTuple):
    """A run's tags: those of people and those of Falaj."""

    user: FrozenSet[str]
    system: FrozenSet[str]


class Reader:
    """Reads one home's records; safe in threads and after a fork."""

    def __init__(self, home: Home, clock: Callable[[], float] = time.time) -> None:
        """Read from `home`, which need not exist yet; `clock` tells the time for lost runs."""
        self.home = home
        self._path = home.records
        self._clock = clock

    def flows(self, tag: Optional[str] = None) -> List[FlowSummary]:
        """Return the flows that have runs (with `tag`, where given), latest run first."""
        where, arguments = _tagged("WHERE", () if tag is None else (tag,))
        found = self._read(
            "SELECT flow, COUNT(*), MAX(id) AS latest, MIN(created_at) FROM runs {} "
            "GROUP BY flow ORDER BY latest DESC".format(where),
            arguments,
        )
        return [FlowSummary(*row) for row in found]

    def flow(self, name: str, tag: Optional[str] = None) -> Optional[FlowSummary]:
        """Return one flow, or None where it has no run (with `tag`, where given)."""
        where, arguments = _tagged("AND", () if tag is None else (tag,))
        found = self._read(
            "SELECT flow, COUNT(*), MAX(id), MIN(created_at) FROM runs WHERE flow = ? {} "
            "GROUP BY flow".format(where),
            [name, *arguments],
        )
        return FlowSummary(*found[0]) if found else None

    def run(self, run: int, raw: bool = False) -> Optional[RunRecord]:
        """Return a run, or None."""
        statement = "SELECT {} FROM runs WHERE id = ?".format(self._columns(rows.RUN_COLUMNS))
        found = self._read(statement, [run])
        return self._runs(found, raw)[0] if found else None

    def runs(
        self,
        flow: Optional[str] = None,
        tags: Sequence[str] = (),
        stored_states: Iterable[str] = (),
        before: Optional[int] = None,
        limit: int = -1,
        raw: bool = False,
    ) -> List[RunRecord]:
        """Return runs, newest first.

        Each condition narrows the answer: `flow`, all of `tags`, one of `stored_states`, ids less
        than `before`. At most `limit` runs, all where it is negative.
        """
        statement = "SELECT {} FROM runs WHERE 1".format(self._columns(rows.RUN_COLUMNS))
        arguments: List[Any] = []
        if flow is not None:
            statement += " AND flow = ?"
            arguments.append(flow)
        if before is not None:
            statement += " AND id < ?"
            arguments.append(before)
        wanted = list(stored_states)
        if wanted:
            statement += " AND state IN ({})".format(_marks(wanted))
            arguments.extend(wanted)
        where, tagged = _tagged("AND", tags)
        statement += " {} ORDER BY id DESC LIMIT ?".format(where)
        return self._runs(self._read(statement, [*arguments, *tagged, limit]), raw)

    def count_runs(self, flow: str, tag: Optional[str] = None) -> int:
        """Return how many runs a flow has (with `tag`, where given)."""
        summary = self.flow(flow, tag)
        return 0 if summary is None else summary.runs

    def tags(self, run: int) -> Tags:
        """Return a run's tags."""
        found = self._read("SELECT tag, system FROM run_tags WHERE run = ?", [run])
        return Tags(
            frozenset(tag for tag, system in found if not system),
            frozenset(tag for tag, system in found if system),
        )

    def steps(self, run: int, raw: bool = False) -> List[StepRecord]:
        """Return a run's steps in the order of its graph, reached or not."""
        statement = "SELECT {} FROM steps WHERE run = ? ORDER BY position"
        found = self._read(statement.format(self._columns(rows.STEP_COLUMNS)), [run])
        lost = self._loss(run, raw)
        return [lost_step(self._decode(rows.step_record, row), lost) for row in found]

    def tasks(self, run: int, step: Optional[str] = None, raw: bool = False) -> List[TaskRecord]:
        """Return a run's tasks (of one step, where given) by id."""
        statement = "SELECT {} FROM tasks WHERE run = ?".format(self._columns(rows.TASK_COLUMNS))
        if step is None:
            found = self._read(statement + " ORDER BY id", [run])
        else:
            found = self._read(statement + " AND step = ? ORDER BY id", [run, step])
        return self._tasks(run, found, raw)

    def tasks_by_id(self, run: int, ids: Sequence[int], raw: bool = False) -> List[TaskRecord]:
        """Return the tasks with these ids that exist, by id."""
        found: List[Any] = []
        for start in range(0, len(ids), _VALUES):
            part = list(ids[start : start + _VALUES])
            statement = "SELECT {} FROM tasks WHERE run = ? AND id IN ({})"
            columns = self._columns(rows.TASK_COLUMNS)
            found += self._read(statement.format(columns, _marks(part)), [run, *part])
        found.sort(key=lambda row: row[1])
        return self._tasks(run, found, raw)

    def task(self, run: int, task: int, raw: bool = False) -> Optional[TaskRecord]:
        """Return a task, or None."""
        found = self.tasks_by_id(run, [task], raw)
        return found[0] if found else None

    def followers(self, task: TaskRecord, step: str) -> List[TaskRecord]:
        """Return the tasks of `step` that the artifacts of `task` flowed into, by id.

        They are told by their place: beside `task`, one foreach further out, or one further in.
        """
        own, outer = json.dumps(task.indices), json.dumps(task.indices[:-1])
        inner = own[:-1] + (", " if task.indices else "")
        # No digit sorts behind the colon.
        places = dict.fromkeys([(own, own), (outer, outer), (inner, inner + ":")])
        # SQLite looks through the whole run for a place that is equal, but not for a range.
        select = (
            "SELECT {} FROM tasks WHERE run = ? AND step = ? AND indices BETWEEN ? AND ?".format(
                self._columns(rows.TASK_COLUMNS)
            )
        )
        if self.version >= rows.ITERATIONS:
            select += " AND iteration = {}".format(task.iteration + 1 if step == task.step else 0)
        arguments = [value for place in places for value in (task.run, step, *place)]
        found = self._read(" UNION ALL ".join([select] * len(places)), arguments)
        tasks = self._tasks(task.run, found, raw=False)
        return sorted((one for one in tasks if task.id in one.parents), key=lambda one: one.id)

    def task_states(self, run: RunRecord) -> Dict[str, int]:
        """Return how many tasks of a run are in each state; open ones of a lost run are lost."""
        statement = "SELECT state, COUNT(*) FROM tasks WHERE run = ? GROUP BY state"
        counts: Dict[str, int] = {}
        for state, count in self._read(statement, [run.id]):
            lost = run.state == states.LOST and state not in states.TASK_FINAL
            name = states.LOST if lost else str(state)
            counts[name] = counts.get(name, 0) + int(count)
        return counts

    def count_tasks(self, run: int, step: str) -> int:
        """Return how many tasks a step has."""
        statement = "SELECT COUNT(*) FROM tasks WHERE run = ? AND step = ?"
        found = self._read(statement, [run, step])
        return int(found[0][0]) if found else 0

    def attempts(
        self, run: int, task: Optional[int] = None, raw: bool = False
    ) -> List[AttemptRecord]:
        """Return the attempts of a task, or of all tasks of a run, by task and number."""
        statement = "SELECT {} FROM attempts WHERE run = ?".format(rows.ATTEMPT_COLUMNS)
        arguments = [run]
        if task is not None:
            statement += " AND task = ?"
            arguments.append(task)
        found = self._read(statement + " ORDER BY task, number", arguments)
        lost = self._loss(run, raw)
        return [lost_attempt(self._decode(rows.attempt_record, row), lost) for row in found]

    def origin_of(self, task: TaskRecord) -> TaskRecord:
        """Return the task that really ran: `task`, or what it reuses, followed to its source.

        Where a source has been deleted, the last that remains is returned.
        """
        seen = {(task.run, task.id)}
        while task.state == states.REUSED and task.origin is not None:
            if task.origin in seen:
                break
            seen.add(task.origin)
            origin = self.task(*task.origin)
            if origin is None:
                break
            task = origin
        return task

    @property
    def version(self) -> int:
        """The version of the records' schema, which may be older than this release; 0 for none."""
        return connection.schema_version(self._path)

    def query(self, statement: str, arguments: Sequence[Any]) -> List[Any]:
        """Return all rows of a statement that reads."""
        return self._read(statement, arguments)

    def _columns(self, names: str) -> str:
        return rows.columns(names, self.version)

    def _read(self, statement: str, arguments: Sequence[Any]) -> List[Any]:
        return connection.read(self._path, statement, arguments)

    def _runs(self, found: List[Any], raw: bool) -> List[RunRecord]:
        records = [self._decode(rows.run_record, row) for row in found]
        if raw:
            return records
        now = self._clock()
        return [
            lost_run(record, loss(record.state, record.lease, record.heard_at, now))
            for record in records
        ]

    def _tasks(self, run: int, found: List[Any], raw: bool) -> List[TaskRecord]:
        records = [self._decode(rows.task_record, row) for row in found]
        if all(record.state in states.TASK_FINAL for record in records):
            return records
        lost = self._loss(run, raw)
        return records if lost is None else [lost_task(record, lost) for record in records]

    def _loss(self, run: int, raw: bool) -> Optional[Loss]:
        if raw:
            return None
        found = self._read("SELECT state, reason, lease, heard_at FROM runs WHERE id = ?", [run])
        if not found:
            return None
        state, reason, lease, heard_at = found[0]
        if state == states.LOST:
            return Loss(heard_at, reason)
        return loss(state, self._decode(json.loads, lease), heard_at, self._clock())

    def _decode(self, decode: Callable[[Any], Any], row: Any) -> Any:
        try:
            return decode(row)
        except ValueError as error:
            raise StoreUnavailable(
                "The records {} are damaged: a row can't be read ({}).".format(self._path, error)
            ) from error


def _marks(values: Sequence[Any]) -> str:
    return ",".join("?" * len(values))


def _tagged(joiner: str, tags: Sequence[str]) -> Tuple[str, List[str]]:
    condition = " AND ".join(["id IN (SELECT run FROM run_tags WHERE tag = ?)"] * len(tags))
    return ("{} {}".format(joiner, condition) if tags else "", list(tags))
