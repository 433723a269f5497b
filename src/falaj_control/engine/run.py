"""The engine: carries one run from its first order to its recorded end."""

from __future__ import annotations

import signal

from falaj.model.states import CANCELLED, FAILED, LOST
from falaj_control.engine.board import Board
from falaj_control.engine.cards import CardRenderer
from falaj_control.engine.collector import Collector
from falaj_control.engine.context import Failure, Parts, RunContext, RunPlan
from falaj_control.engine.dispatcher import Dispatcher
from falaj_control.engine.outfitter import Outfitter
from falaj_control.engine.warden import Warden
from falaj_control.lifecycle.runs import RunEnd, run_end
from falaj_control.ports.executing import (
    Ended,
    Event,
    LauncherGone,
    Noted,
    Printed,
    Signalled,
    Started,
)
from falaj_control.records.recorder import TaskEnd

# More records than this are written at once, however recent.
_BATCH = 1000
_PROGRESS_EVERY = 0.1
_PARTIAL_LINES_EVERY = 0.1
_SNAPSHOT_WAIT = 5.0


class Engine:
    """Owns the loop: events in, lifecycle and plan consulted, records and orders out."""

    def __init__(self, plan: RunPlan, parts: Parts) -> None:
        """Carry out `plan` with `parts`; nothing happens before `run`."""
        board = Board(plan.graph, parts.planner, parts.recorder)
        self._parts = parts
        self._context = RunContext(plan, parts, board)
        self._warden = Warden(self._context)
        self._dispatcher = Dispatcher(self._context, self._warden)
        self._cards = CardRenderer(self._context)
        self._collector = Collector(self._context, self._warden, self._cards)
        self._outfitter = Outfitter(self._context, self._warden)
        self._commit_at: float | None = None
        self._renew_at = 0.0
        self._progress_at = 0.0
        self._dispatched_at = 0.0

    @property
    def failure(self) -> Failure | None:
        """Why the run was cut off, where it was."""
        return self._context.failure

    @property
    def tolerated(self) -> int:
        """How many tasks failed as their @catch allows."""
        return self._context.board.totals()["tolerated"]

    def run(self) -> RunEnd:
        """Run to the end and record it. Raises LeaseLost or StoreUnavailable where it can't be."""
        self._renew_at = self._parts.clock.monotonic() + self._parts.settings.lease_interval
        self._dispatcher.settle_parameters()
        self._outfitter.begin()
        while not self._is_over():
            self.run_once()
        self._dispatcher.tell_reused()
        self._await_snapshot()
        self._await_cards()
        self._await_uploads()
        return self._end()

    def call_exit_hooks(self, end: RunEnd) -> None:
        """Call the flow's hooks for a run that has ended and been recorded."""
        if self._context.plan.description.decorator("exit_hook") is None:
            return
        # Imported here: most flows have no hooks.
        from falaj_control.engine.hooks import ExitHooks

        ExitHooks(self._context).run(end.state)

    def run_once(self) -> None:
        """Wait for something to happen or fall due, and act on it."""
        for event in self._parts.executor.poll(self._patience()):
            self._handle(event)
        self._outfitter.run_once()
        now = self._parts.clock.monotonic()
        self._warden.run_once(now)
        for task in self._context.active.values():
            if task.log is not None and task.log.waits:
                self._collector.show(task, "o", b"")
        self._dispatcher.run_once(now)
        self._dispatched_at = now
        self._keep_records(now)
        self._cards.run_once(now)
        board = self._context.board
        if board.changed and now >= self._progress_at:
            self._progress_at = now + _PROGRESS_EVERY
            self._parts.watcher.progress(self._context.progress())

    def _is_over(self) -> bool:
        context = self._context
        if context.active or context.init_number:
            return False
        return context.failure is not None or not (self._parts.planner or context.waiting)

    def _patience(self) -> float:
        context = self._context
        now = self._parts.clock.monotonic()
        due = [self._renew_at, *self._warden.due(), *self._cards.due()]
        if self._commit_at is not None:
            due.append(self._commit_at)
        if context.board.changed:
            due.append(self._progress_at)
        if context.waiting and context.failure is None:
            # One that was due before waits for a slot, which opens with an event.
            due.extend(at for at, _, _ in context.waiting[:1] if at > self._dispatched_at)
        if any(task.log is not None and task.log.waits for task in context.active.values()):
            due.append(now + _PARTIAL_LINES_EVERY)
        return max(0.0, min(due) - now)

    def _handle(self, event: Event) -> None:
        if self._cards.take(event):
            return
        match event:
            case Printed():
                self._collector.printed(event)
            case Noted():
                self._collector.noted(event)
            case Started():
                self._collector.started(event)
            case Ended() if event.number == self._context.travel_number:
                self._outfitter.travelled(event)
            case Ended():
                self._collector.ended(event)
            case Signalled():
                name = signal.Signals(event.signal).name
                self._warden.stop(Failure(CANCELLED, f"stopped by {name}"))
            case LauncherGone():
                self._warden.abandon("the process that started the run is gone")

    def _keep_records(self, now: float) -> None:
        recorder = self._parts.recorder
        if now >= self._renew_at:
            self._renew_at = now + self._parts.settings.lease_interval
            self._commit()
        elif not recorder.pending:
            self._commit_at = None
        elif self._commit_at is None:
            self._commit_at = now + self._parts.settings.commit_interval
        elif now >= self._commit_at or recorder.pending >= _BATCH:
            self._commit()

    def _commit(self) -> None:
        self._context.commit()
        self._commit_at = None

    def _await_snapshot(self) -> None:
        """Have the code stored, also where the run was over before it could be."""
        clock, context, failure = self._parts.clock, self._context, self._context.failure
        stopped = failure is not None and failure.state in (CANCELLED, LOST)
        wanted = context.parameters is not None and not stopped
        limit = clock.monotonic() + _SNAPSHOT_WAIT
        while clock.monotonic() < limit:
            if wanted:
                self._dispatcher.snapshot_code()
            if not context.snapshot_number and not (wanted and context.travel_number):
                return
            for event in self._parts.executor.poll(max(0.0, limit - clock.monotonic())):
                if self._cards.take(event):
                    continue
                if isinstance(event, Ended) and event.number == context.travel_number:
                    self._outfitter.travelled_late(event)
                elif isinstance(event, Ended):
                    self._collector.ended(event)
                elif isinstance(event, Signalled | LauncherGone):
                    # The run itself is over; only the wait is cut short.
                    wanted = False
                    self._parts.executor.signal(context.snapshot_number, signal.SIGKILL)

    def _await_cards(self) -> None:
        """Have the last cards rendered; a person who stops that leaves the run as it is."""
        failure, clock = self._context.failure, self._parts.clock
        if not self._cards.is_busy or (failure is not None and failure.state in (CANCELLED, LOST)):
            self._cards.abandon()
            return
        # What the cards are about has to be readable.
        self._commit()
        self._cards.run_once(clock.monotonic())
        while self._cards.is_busy:
            due = min([self._renew_at, *self._cards.due()])
            for event in self._parts.executor.poll(max(0.0, due - clock.monotonic())):
                if not self._cards.take(event) and isinstance(event, Signalled | LauncherGone):
                    self._cards.abandon()
            now = clock.monotonic()
            self._keep_records(now)
            self._cards.run_once(now)

    def _await_uploads(self) -> None:
        """Have all blobs of the run uploaded, where it has a datastore, or fail it."""
        uploads, context = self._parts.uploads, self._context
        if uploads is None:
            return
        if context.failure is None or context.failure.state == FAILED:
            self._commit()
            uploads.finish()
        interrupted = context.failure is not None and context.failure.state != FAILED
        while uploads.is_busy and not interrupted:
            patience = max(0.0, self._renew_at - self._parts.clock.monotonic())
            for event in self._parts.executor.poll(patience):
                interrupted = interrupted or isinstance(event, Signalled | LauncherGone)
            self._keep_records(self._parts.clock.monotonic())
        problem = "the upload to its datastore was interrupted" if interrupted else uploads.problem
        uploads.close()
        if problem and context.failure is None:
            context.failure = Failure(FAILED, problem)

    def _end(self) -> RunEnd:
        context, recorder, board = self._context, self._parts.recorder, self._context.board
        failure = context.failure
        reason = failure.reason if failure is not None else ""
        cause = failure.cause if failure is not None else None
        at = self._parts.clock.wall()
        for _, _, task in context.waiting:
            end = TaskEnd(task.planned.id, CANCELLED, reason, cause, task.attempt, None, None, "")
            recorder.task_ended(end, at)
            board.ended(task.planned.step, CANCELLED)
        for planned in self._parts.planner.remaining():
            recorder.task_not_started(planned, f"not started: {reason}", cause, at)
            board.not_started(planned.step)
        board.record_ends(reason, cause, at)
        cut = RunEnd(failure.state, failure.reason) if failure is not None else None
        end = run_end(context.finished, cut, board.totals())
        recorder.end_run(end.state, end.reason, cause, at)
        self._parts.watcher.progress(context.progress())
        return end
