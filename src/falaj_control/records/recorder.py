"""Writes one run's records in batches; every batch is fenced by the run's lease."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from falaj.errors import FalajNotFound
from falaj.home import Home
from falaj.model.records import pack_ids
from falaj_control.plan.tasks import OriginTask, PlannedTask
from falaj_control.records import statements
from falaj_control.records.database import open_records, unavailable
from falaj_control.records.happenings import AttemptEnd, LeaseLost, NewRun, TaskEnd
from falaj_control.records.measures import MeasureBatch
from falaj_control.records.texts import texts_of_run
from falaj_control.records.transaction import Transaction


class Recorder:
    """Collects what happened and writes it, all or nothing, when told to."""

    def __init__(self, home: Home) -> None:
        """Open the records of `home`."""
        self._home = home
        self._connection = open_records(home)
        self._pending: list[tuple[str, tuple[Any, ...]]] = []
        self.measures = MeasureBatch()
        self.run = 0
        self._fence = 1

    @property
    def pending(self) -> int:
        """How many statements wait to be written."""
        return len(self._pending) + len(self.measures)

    @property
    def waiting_texts(self) -> list[str]:
        """The texts that wait to be written, some of which name blobs."""
        return [one for _, values in self._pending for one in values if isinstance(one, str)]

    def texts_of_run(self) -> list[str]:
        """Return all texts that are recorded of the run and of its origins."""
        return texts_of_run(self._connection, self.run)

    def create_run(self, new: NewRun) -> int:
        """Record a run that is about to start; return its number."""
        with Transaction(self._begin, self._finish, self._explain):
            if new.origin is not None and not self._has_run(new.origin):
                raise FalajNotFound(f"Run {new.origin} has just been deleted; start a new one.")
            cursor = self._connection.execute(
                "INSERT INTO runs (flow, state, user, script, created_at, origin, graph, options, "
                "lease, heard_at, trigger) VALUES (?, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.flow,
                    _text(new.user),
                    _text(new.script),
                    new.created_at,
                    new.origin,
                    json.dumps(new.graph),
                    json.dumps(new.options),
                    json.dumps(new.lease),
                    new.created_at,
                    json.dumps(new.trigger) if new.trigger else None,
                ),
            )
            self.run = int(cursor.lastrowid or 0)
            self._connection.executemany(
                "INSERT INTO steps (run, name, position, state) VALUES (?, ?, ?, 'not_reached')",
                [(self.run, name, position) for position, name in enumerate(new.steps)],
            )
            self._connection.executemany(
                "INSERT OR IGNORE INTO run_tags (run, tag, system) VALUES (?, ?, ?)",
                [(self.run, _text(tag), 1) for tag in new.system_tags]
                + [(self.run, _text(tag), 0) for tag in new.tags],
            )
            self._event(new.created_at, "run started", None, None, "")
            self._write_pending()
        return self.run

    def parameters_settled(self, manifest: str) -> None:
        """Note the digest of the run's parameters."""
        self._add("UPDATE runs SET parameters = ? WHERE id = ?", manifest, self.run)

    def code_stored(self, digest: str) -> None:
        """Note the digest of the run's code snapshot."""
        self._add("UPDATE runs SET code = ? WHERE id = ?", digest, self.run)

    def environment_stored(self, digest: str) -> None:
        """Note the digest of the description of what the run was launched in."""
        self._add("UPDATE runs SET environment = ? WHERE id = ?", digest, self.run)

    def step_environment(self, step: str, digest: str) -> None:
        """Note the digest of the description of a step's own environment."""
        self._add(
            "UPDATE steps SET environment = ? WHERE run = ? AND name = ?", digest, self.run, step
        )

    def step_started(self, step: str, at: float) -> None:
        """Note that the first task of a step starts."""
        self._add(
            "UPDATE steps SET state = 'running', created_at = ? WHERE run = ? AND name = ?",
            at,
            self.run,
            step,
        )

    def step_ended(
        self, step: str, state: str, reason: str, cause: int | None, at: float | None
    ) -> None:
        """Note how a step's tasks ended, or that it was not reached."""
        self._add(
            "UPDATE steps SET state = ?, reason = ?, cause = ?, finished_at = ? "
            "WHERE run = ? AND name = ?",
            state,
            reason,
            cause,
            at,
            self.run,
            step,
        )

    def task_started(self, task: PlannedTask, reason: str, at: float) -> None:
        """Note a task that is about to get its first process."""
        self._insert(task, "running", reason, None, None, at, None)
        self._event(at, "task started", task.id, 0, reason)

    def attempt_started(self, task: int, number: int, pid: int | None, at: float) -> None:
        """Note an attempt whose process runs."""
        self._add(statements.INSERT_ATTEMPT, self.run, task, number, at, pid)

    def task_tried_again(self, task: int, number: int, at: float) -> None:
        """Note a task that is about to get a further process."""
        self._add(
            "UPDATE tasks SET state = 'running', attempt = ? WHERE run = ? AND id = ? "
            "AND state = 'retrying'",
            number,
            self.run,
            task,
        )
        self._event(at, "task tried again", task, number, "")

    def attempt_ended(self, end: AttemptEnd, at: float) -> None:
        """Note the end of an attempt."""
        self._add(
            statements.END_ATTEMPT,
            end.state,
            end.reason,
            at,
            end.exit_code,
            None if end.error is None else json.dumps(end.error),
            end.manifest,
            json.dumps(end.usage),
            None if end.profile is None else json.dumps(end.profile),
            self.run,
            end.task,
            end.number,
        )

    def task_ended(self, end: TaskEnd, at: float) -> None:
        """Note the state of a task after an attempt."""
        self._add(
            statements.UPDATE_TASK,
            end.state,
            end.reason,
            end.cause,
            end.attempt,
            end.manifest,
            None if end.transition is None else json.dumps(end.transition),
            end.label,
            None if end.state == "retrying" else at,
            self.run,
            end.task,
        )
        self._event(at, f"task {end.state}", end.task, end.attempt, end.reason)

    def task_reused(self, task: PlannedTask, reason: str, found: OriginTask, at: float) -> None:
        """Note a task that stands for one of an earlier run."""
        self._insert(task, "reused", reason, None, found, at, at)

    def task_not_started(
        self, task: PlannedTask, reason: str, cause: int | None, at: float
    ) -> None:
        """Note a task that was ready and that the end of the run kept from starting."""
        self._insert(task, "cancelled", reason, cause, None, at, at)

    def end_run(self, state: str, reason: str, cause: int | None, at: float) -> None:
        """Record how the run ended, with whatever waits."""
        self._event(at, f"run {state}", cause, None, reason)
        self._add(
            "UPDATE runs SET state = ?, reason = ?, cause = ?, finished_at = ? WHERE id = ?",
            state,
            reason,
            cause,
            at,
            self.run,
        )
        self.flush(at)

    def flush(self, at: float) -> None:
        """Give a sign of life and write what waits.

        Raises LeaseLost, writing nothing, once the run is another's.
        """
        with Transaction(self._begin, self._finish, self._explain):
            cursor = self._connection.execute(
                "UPDATE runs SET heard_at = ? WHERE id = ? AND fence = ? AND state = 'running'",
                (at, self.run, self._fence),
            )
            if cursor.rowcount != 1:
                raise LeaseLost(
                    f"Run {self.run} has been declared ended while it ran, so nothing more of it "
                    "is recorded. What it had finished is kept; resume it to go on."
                )
            self._write_pending()

    def add(self, statement: str, *values: Any) -> None:
        """Have a statement of a neighbour's written with what waits."""
        self._add(statement, *values)

    def close(self) -> None:
        """Close the connection; what waits is dropped."""
        self._connection.close()

    def _insert(
        self,
        task: PlannedTask,
        state: str,
        reason: str,
        cause: int | None,
        found: OriginTask | None,
        created_at: float,
        finished_at: float | None,
    ) -> None:
        transition = found.transition if found is not None else None
        self._add(
            statements.INSERT_TASK,
            self.run,
            task.id,
            task.step,
            json.dumps(task.indices),
            task.iteration,
            state,
            reason,
            cause,
            pack_ids(tuple(ref.task for ref in task.inputs)),
            found.run if found is not None else None,
            found.task if found is not None else None,
            0,
            found.manifest if found is not None else None,
            json.dumps(transition) if transition is not None else None,
            found.label if found is not None else "",
            created_at,
            finished_at,
        )

    def _has_run(self, run: int) -> bool:
        found = self._connection.execute("SELECT 1 FROM runs WHERE id = ?", (run,)).fetchone()
        return found is not None

    def _event(
        self, at: float, kind: str, task: int | None, attempt: int | None, reason: str
    ) -> None:
        self._add(statements.INSERT_EVENT, self.run, at, "engine", kind, task, attempt, reason)

    def _add(self, statement: str, *values: Any) -> None:
        self._pending.append((statement, values))

    def _write_pending(self) -> None:
        for statement, values in self._pending:
            self._connection.execute(statement, values)
        self.measures.write(self._connection, self.run)

    def _begin(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def _finish(self, commit: bool) -> None:
        self._connection.execute("COMMIT" if commit else "ROLLBACK")
        if commit:
            self._pending.clear()
            self.measures.clear()

    def _explain(self, error: sqlite3.Error) -> Exception:
        return unavailable(self._home, error)


def _text(value: str) -> str:
    # Names that are not UTF-8 (a folder's, an argument's) come as lone surrogates.
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
