"""Sees to the environments of steps: asked for at the start, recorded when they are there."""

from __future__ import annotations

import json

from falaj.errors import FalajException
from falaj.model.orders import ErrorInfo
from falaj.model.states import FAILED
from falaj.store.blobs import BlobStore
from falaj_control.engine import orders
from falaj_control.engine.context import Failure, RunContext
from falaj_control.engine.endings import describe_death
from falaj_control.engine.warden import Warden
from falaj_control.ports.executing import Ended
from falaj_control.ports.preparing import Failed, Preparing, Ready


class Outfitter:
    """Passes on what happens to environments: to the records, to watchers, to the warden."""

    def __init__(self, context: RunContext, warden: Warden) -> None:
        """Outfit the run of `context`; `warden` stops it where an environment can't be made."""
        self._context = context
        self._parts = context.parts
        self._warden = warden
        self._told: set[tuple[str, ...]] = set()
        self._cold: list[str] = []

    def begin(self) -> None:
        """Have prepared what the run may need, and have the user's travelling code collected."""
        context, parts = self._context, self._parts
        if not parts.environments.is_needed:
            return
        parts.environments.begin(parts.planner.may_run())
        facts = context.plan.facts
        context.travel_number = next(context.numbers)
        order = orders.travel_order(facts, context.plan.includes)
        parts.executor.start(context.travel_number, order, orders.placement(facts, {}, None))

    def travelled(self, event: Ended) -> None:
        """Take in which code travels along."""
        self._context.travel_number = 0
        report = event.report
        if report is None or report.manifest is None:
            error = report.error if report is not None else None
            self._stop(error or describe_death("Collecting the run's own packages", event, False))
            return
        self._context.travelled = report.manifest
        try:
            warnings = self._parts.environments.travel_along(report.manifest)
        except (FalajException, OSError) as error:
            text = f"The run's own packages can't be put in place: {error}"
            self._stop(ErrorInfo(type(error).__name__, text, "", "", True))
            return
        for warning in warnings:
            self._parts.watcher.note(warning)
        self._warm()

    def travelled_late(self, event: Ended) -> None:
        """Take in which code travels along with a run that is over; no step waits for it."""
        self._context.travel_number = 0
        self._context.travelled = event.report.manifest if event.report is not None else None

    def run_once(self) -> None:
        """Act on what has happened to environments."""
        for event in self._parts.environments.take_events():
            match event:
                case Preparing():
                    self._preparing(event)
                case Ready():
                    self._ready(event)
                case Failed():
                    self._context.board.preparing(event.steps, "")
                    self._stop(ErrorInfo("EnvironmentFailed", event.reason, "", "", True))

    def _preparing(self, event: Preparing) -> None:
        self._context.board.preparing(event.steps, event.text)
        if event.steps not in self._told:
            self._told.add(event.steps)
            self._parts.watcher.note(f"Environment of {_named(event.steps)}: {event.text}")

    def _ready(self, event: Ready) -> None:
        context, parts = self._context, self._parts
        context.board.preparing(event.steps, "")
        store = BlobStore(context.plan.facts.store)
        description = json.dumps(event.description, sort_keys=True, separators=(",", ":"))
        digest = store.put(description.encode())
        for step in event.steps:
            parts.recorder.step_environment(step, digest)
        self._cold += event.steps
        self._warm()
        if event.note:
            parts.watcher.note(event.note)
        if event.worked:
            parts.watcher.note(
                f"Environment of {_named(event.steps)} is ready after {event.seconds:.1f} s."
            )

    def _warm(self) -> None:
        """Have the hosts of steps started, so that their first task need not wait for that."""
        context, parts = self._context, self._parts
        if context.travelled is None:
            # Where the user's own code lies, which hosts import, is not known yet.
            return
        cold, self._cold = self._cold, []
        for step in sorted(cold, key=context.plan.graph.order.index):
            options = orders.step_options(context.plan.description.step(step))
            place = parts.environments.place(step)
            parts.executor.warm(orders.placement(context.plan.facts, options, place))

    def _stop(self, error: ErrorInfo) -> None:
        first = error.message.strip().partition("\n")[0]
        self._warden.stop(Failure(FAILED, first, error=error))


def _named(steps: tuple[str, ...]) -> str:
    return steps[0] if len(steps) == 1 else f"{', '.join(steps[:-1])} and {steps[-1]}"
