"""Takes in what became of orders: output, deaths and reports; records them and plans on."""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Mapping
from typing import Any

from falaj.model.orders import ErrorInfo
from falaj.model.states import CANCELLED, FAILED, RETRYING, TASK_SUCCESSFUL
from falaj.store.blobs import BlobStore
from falaj_control.engine.active import ActiveTask
from falaj_control.engine.cards import CardRenderer
from falaj_control.engine.context import Failure, RunContext
from falaj_control.engine.endings import describe_death, ending_of
from falaj_control.engine.gangs import Ending, Gangs
from falaj_control.engine.measures import measure_takers
from falaj_control.engine.redaction import secret_takers, without_secrets
from falaj_control.engine.remarks import Remarks
from falaj_control.engine.warden import Warden
from falaj_control.lifecycle.attempts import (
    AGAIN,
    ENDED_DIED,
    ENDED_FAILED,
    FALL_BACK,
    Verdict,
    after_attempt,
)
from falaj_control.ports.executing import Ended, Noted, Printed, Started
from falaj_control.records.recorder import AttemptEnd, TaskEnd

_LONGEST_REASON = 1000


def _chance() -> float:
    return int.from_bytes(os.urandom(4), "little") / 2**32


class Collector:
    """Turns events of the executor into records, plan and further attempts."""

    def __init__(self, context: RunContext, warden: Warden, cards: CardRenderer) -> None:
        """Collect for the run of `context`; `warden` stops it where a task fails it.

        `cards` is told what tasks leave for their cards.
        """
        self._context = context
        self._parts = context.parts
        self._warden = warden
        self._cards = cards
        self._remarks = Remarks(self._parts)
        # What is done with the notes of a task, by kind.
        store = BlobStore(self._parts.settings.home.store)
        self._takers: Mapping[str, Callable[[ActiveTask, Any], None]] = {
            "card": cards.noted,
            **measure_takers(self._parts.recorder.measures, store),
            **secret_takers(self._parts.secrets.redactor),
        }
        self._gangs = Gangs(context, warden, self._judge, self._settle)

    def started(self, event: Started) -> None:
        """An order's process runs."""
        task = self._context.active.get(event.number)
        if task is None:
            return
        task.pid = event.pid
        task.started = self._parts.clock.monotonic()
        self._parts.recorder.attempt_started(
            task.planned.id, task.attempt, event.pid, self._parts.clock.wall()
        )
        self._warden.task_started(task)
        self._parts.watcher.task_started(self._context.tag(task), task.reason)

    def printed(self, event: Printed) -> None:
        """An order's process wrote something."""
        task = self._context.active.get(event.number)
        if task is not None:
            self.show(task, event.stream, event.data)
        elif event.number == self._context.init_number:
            self._remarks.take(event.stream, event.data)

    def noted(self, event: Noted) -> None:
        """An order's process told something while it ran."""
        task = self._context.active.get(event.number)
        for kind, value in event.notes if task is not None else ():
            take = self._takers.get(kind)
            if take is not None and task is not None:
                take(task, value)

    def show(self, task: ActiveTask, stream: str, data: bytes, last: bool = False) -> None:
        """Log and show what a task wrote; with no data, what has waited long enough."""
        if task.log is None:
            return
        now = self._parts.clock.wall()
        lines = task.log.take(stream, data, now) if data else []
        lines += task.log.flush_partial(now, everything=last)
        for line in lines:
            text = line.text.decode("utf-8", "backslashreplace")
            self._parts.watcher.task_line(self._context.tag(task), line.stream, text, line.at)

    def ended(self, event: Ended) -> None:
        """An order's process is gone."""
        context = self._context
        event = without_secrets(event, self._parts.secrets.redactor)
        if event.number == context.init_number:
            context.init_number = 0
            self._remarks.close()
            self._parameters_settled(event)
            return
        if event.number == context.snapshot_number:
            context.snapshot_number = 0
            self._snapshot_taken(event)
            return
        task = context.active.pop(event.number, None)
        if task is not None:
            ended, error = ending_of(task, event)
            if error is not None and ended in (ENDED_FAILED, ENDED_DIED):
                self._log_error(task, error)
            self._close_log(task)
            self._parts.capacity.take(task.options.get("resources"), -1)
            context.board.changed = True
            clock = self._parts.clock
            seconds = clock.monotonic() - task.started
            ending = Ending(task, event, ended, error, clock.wall(), seconds)
            if task.gang is not None and task.fallback is None:
                self._gangs.take_in(task.gang, ending)
            else:
                self._settle(ending, self._judge(ending), ending.reason)

    def _snapshot_taken(self, event: Ended) -> None:
        report, recorder = event.report, self._parts.recorder
        if report is not None and report.manifest is not None:
            recorder.code_stored(report.manifest)
        if report is not None and report.environment is not None:
            recorder.environment_stored(report.environment)

    def _parameters_settled(self, event: Ended) -> None:
        report = event.report
        if report is not None and report.manifest is not None:
            self._context.parameters = report.manifest
            self._parts.recorder.parameters_settled(report.manifest)
            self._parts.planner.begin()
            return
        error = report.error if report is not None else None
        if error is None:
            error = describe_death("The start of the run", event, timed_out=False)
        reason = f"its parameters could not be settled: {error.message}"
        self._warden.stop(Failure(FAILED, reason, error=error))

    def _log_error(self, task: ActiveTask, error: ErrorInfo) -> None:
        # Kept with what the task printed, not shown: watchers show the error in their own way.
        if task.log is not None:
            text = error.traceback or f"{error.type}: {error.message}\n"
            task.log.take("e", text.encode("utf-8", "backslashreplace"), self._parts.clock.wall())

    def _close_log(self, task: ActiveTask) -> None:
        self.show(task, "o", b"", last=True)
        if task.log is not None:
            if task.log.broken:
                text = f"The log of task {task.planned.id} is incomplete: {task.log.broken}."
                self._parts.watcher.note(text)
            task.log.close()

    def _judge(self, ending: Ending) -> Verdict:
        task = ending.task
        fallback = task.fallback is not None
        verdict = after_attempt(task.policy, task.attempt, ending.ended, _chance(), fallback)
        if verdict.follow is not None and self._context.failure is not None:
            verdict = verdict._replace(task_state=CANCELLED, follow=None)
        return verdict

    def _settle(self, ending: Ending, verdict: Verdict, reason: str) -> None:
        """Record the end of an attempt, plan on, and have tried again what is to be."""
        context, failure = self._context, self._context.failure
        task, error, report = ending.task, ending.error, ending.event.report
        if error is None and verdict.task_state == CANCELLED and failure is not None:
            reason = failure.reason
        reason = reason[:_LONGEST_REASON]
        self._record(ending, verdict, reason)
        if "card" in task.options:
            self._cards.attempt_ended(task, verdict.task_state in TASK_SUCCESSFUL)
        tag = context.tag(task, report.label if report is not None else "")
        self._parts.watcher.task_ended(tag, verdict.task_state, reason, error, ending.seconds)
        if verdict.follow is not None:
            self._try_again(task, verdict, reason)
            return
        planned = task.planned
        context.board.ended(planned.step, verdict.task_state)
        if verdict.task_state in TASK_SUCCESSFUL and report is not None:
            context.uncommitted.add(planned.id)
            context.finished = context.finished or planned.step == context.plan.graph.end
            self._parts.planner.finish(planned, str(report.manifest), report.transition, fresh=True)
        elif verdict.task_state != CANCELLED:
            text = f"step {context.place(task)} failed: {reason}"
            self._warden.stop(Failure(FAILED, text, planned.id, tag, error))

    def _record(self, ending: Ending, verdict: Verdict, reason: str) -> None:
        task, event, error = ending.task, ending.event, ending.error
        report, failure = event.report, self._context.failure
        planned, state = task.planned, verdict.task_state
        if task.pid is None:
            # Its process never came to be; the attempt is recorded all the same.
            self._parts.recorder.attempt_started(planned.id, task.attempt, None, ending.at)
        manifest = report.manifest if report is not None else None
        self._parts.recorder.attempt_ended(
            AttemptEnd(
                task=planned.id,
                number=task.attempt,
                state=verdict.attempt_state,
                reason=reason if error is not None or state == RETRYING else "",
                exit_code=event.status,
                error=error,
                manifest=manifest,
                usage=report.usage if report is not None else event.usage or {},
                profile=event.profile,
            ),
            ending.at,
        )
        cause = None
        if state == CANCELLED and failure is not None:
            reason, cause = failure.reason, failure.cause
        succeeded = state in TASK_SUCCESSFUL and report is not None
        self._parts.recorder.task_ended(
            TaskEnd(
                task=planned.id,
                state=state,
                reason=reason,
                cause=cause,
                attempt=task.attempt,
                manifest=manifest if succeeded else None,
                transition=report.transition if succeeded and report is not None else None,
                label=report.label if report is not None else "",
            ),
            self._parts.clock.wall(),
        )

    def _try_again(self, task: ActiveTask, verdict: Verdict, reason: str) -> None:
        if verdict.follow == FALL_BACK:
            task.fallback = reason
        self._parts.secrets.forget_failure(task.planned.step)
        again = verdict.follow == AGAIN
        task.attempt += 1
        task.reason = f"tries again after: {reason}" if again else f"applies @catch after: {reason}"
        task.pid = task.log = task.term_at = task.kill_at = None
        task.timed_out = task.stopped = False
        self._context.board.retried(task.planned.step)
        due = self._parts.clock.monotonic() + verdict.wait
        heapq.heappush(self._context.waiting, (due, next(self._context.numbers), task))
