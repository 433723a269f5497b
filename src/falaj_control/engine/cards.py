"""Has the cards of tasks rendered beside the run, a few at a time, by orders of their own."""

from __future__ import annotations

import signal
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from falaj.hashing import hex_of
from falaj.model.cards import BUILT_IN
from falaj.model.orders import Order
from falaj.model.states import CANCELLED, LOST
from falaj_control.engine import orders
from falaj_control.engine.active import ActiveTask
from falaj_control.engine.context import RunContext
from falaj_control.engine.endings import describe_death
from falaj_control.ports.executing import Ended, Event, Noted, Placement, Printed, Started
from falaj_control.records.cards import CardPlace, CardRecords

# Cards wait for each other, never for or in place of tasks.
AT_ONCE = 2
# Seconds that a host may take to import the flow before a card's own time begins.
_START = 60.0
_KILL_AGAIN = 1.0
# A step whose cards have taken too long this often gets no more of that card rendered.
_PATIENCE = 3
_LONGEST_REASON = 1000


class Job(NamedTuple):
    """One card to render: what its order says, where it is rendered, what it waits for.

    The card's task reads what is recorded, so the job waits until the run has committed more
    often than `commits`.
    """

    place: CardPlace
    step: str
    attributes: dict[str, Any]
    data: str | None
    for_good: bool
    placement: Placement
    commits: int


@dataclass
class Printing:
    """A job whose process runs, and until when."""

    job: Job
    until: float
    overdue: bool = False


class CardRenderer:
    """Takes what tasks leave for their cards, and gives the orders that render them."""

    def __init__(self, context: RunContext) -> None:
        """Render for the run of `context`."""
        self._context = context
        self._parts = context.parts
        self._records = CardRecords(context.parts.recorder)
        self._data: dict[CardPlace, str] = {}
        self._pages: dict[CardPlace, str] = {}
        self._ready: deque[Job] = deque()
        self._live: dict[CardPlace, Job] = {}
        self._printing: dict[int, Printing] = {}
        self._too_long: Counter[tuple[str, int]] = Counter()
        self._told: set[tuple[str, int]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether any card of a task that has ended is still to be rendered."""
        return bool(self._ready or self._printing)

    def noted(self, task: ActiveTask, value: Any) -> None:
        """A task has told what a card of its shows by now."""
        cards = task.options.get("card", ())
        try:
            position, data, live = int(value["position"]), str(value["data"]), value["live"]
            hex_of(data)
            attributes = cards[position] if position >= 0 else None
        except (TypeError, ValueError, KeyError, IndexError, OverflowError):
            # Whatever the step wrote there itself is no note of a card.
            return
        if attributes is None:
            return
        place = CardPlace(task.planned.id, task.attempt, position)
        self._data[place] = data
        self._open(place, attributes, data)
        if live and attributes["type"] not in BUILT_IN:
            # Readers render what is built in themselves. Of several refreshes the last counts.
            self._live[place] = self._job(task, place, attributes, for_good=False)

    def attempt_ended(self, task: ActiveTask, went_well: bool) -> None:
        """An attempt of a step with cards is over, and its end is about to be recorded."""
        failure = self._context.failure
        stopped = failure is not None and failure.state in (CANCELLED, LOST)
        for position, attributes in enumerate(task.options["card"]):
            place = CardPlace(task.planned.id, task.attempt, position)
            self._live.pop(place, None)
            if not went_well and not attributes["save_errors"]:
                if self._data.pop(place, None) is not None:
                    self._end(place, "the attempt failed", None)
                continue
            self._open(place, attributes, None)
            if not stopped:
                self._ready.append(self._job(task, place, attributes, for_good=True))

    def take(self, event: Event) -> bool:
        """Take an event of a card's process; say whether it was one."""
        if not isinstance(event, Started | Printed | Noted | Ended):
            return False
        printing = self._printing.get(event.number)
        if printing is None:
            return False
        if isinstance(event, Started):
            now = self._parts.clock.monotonic()
            printing.until = now + float(printing.job.attributes["timeout"])
        elif isinstance(event, Ended):
            del self._printing[event.number]
            self._ended(printing, event)
        return True

    def run_once(self, now: float) -> None:
        """End what takes too long, and start what can start at the monotonic time `now`."""
        for number, printing in self._printing.items():
            if now >= printing.until:
                printing.overdue = True
                printing.until = now + _KILL_AGAIN
                self._parts.executor.signal(number, signal.SIGKILL)
        while len(self._printing) < AT_ONCE:
            job = self._next()
            if job is None:
                return
            self._start(job, now)

    def due(self) -> Iterator[float]:
        """Yield the times at which `run_once` has something to do."""
        for printing in self._printing.values():
            yield printing.until

    def abandon(self) -> None:
        """Render nothing more: nobody waits for it. What is open stays open."""
        self._ready.clear()
        self._live.clear()
        for number in self._printing:
            self._parts.executor.signal(number, signal.SIGKILL)
        self._printing.clear()

    def _next(self) -> Job | None:
        if self._ready and self._ready[0].commits < self._context.commits:
            return self._ready.popleft()
        busy = {printing.job.place for printing in self._printing.values()}
        for place, job in self._live.items():
            if job.commits < self._context.commits and place not in busy:
                return self._live.pop(place)
        return None

    def _start(self, job: Job, now: float) -> None:
        if self._too_long[job.step, job.place.position] >= _PATIENCE:
            reason = f"not rendered: this card of step {job.step} has taken too long before"
            self._end(job.place, reason, None)
            return
        number = next(self._context.numbers)
        self._printing[number] = Printing(job, now + _START + float(job.attributes["timeout"]))
        self._parts.executor.start(number, self._order(job), job.placement)

    def _order(self, job: Job) -> Order:
        place = job.place
        return orders.card_order(
            self._context.plan.facts,
            (job.step, place.task, place.attempt),
            job.attributes,
            job.data,
            "render" if job.for_good else "render_runtime",
            self._pages.get(place),
        )

    def _job(
        self, task: ActiveTask, place: CardPlace, attributes: dict[str, Any], for_good: bool
    ) -> Job:
        context, step = self._context, task.planned.step
        facts = context.plan.facts
        here = orders.placement(facts, {}, None)
        if attributes["type"] not in BUILT_IN:
            # Code of the step's: it may need what only the step's environment has.
            here = orders.placement(facts, task.options, self._parts.environments.place(step))
        data = self._data.pop(place, None) if for_good else self._data.get(place)
        return Job(place, step, attributes, data, for_good, here, context.commits)

    def _ended(self, printing: Printing, event: Ended) -> None:
        job, report = printing.job, event.report
        html = report.manifest if report is not None else None
        at = self._parts.clock.wall()
        if not job.for_good:
            if html is not None and report is not None and report.outcome == "succeeded":
                self._pages[job.place] = html
                self._records.shown(job.place, html, at)
            return
        self._pages.pop(job.place, None)
        reason = ""
        if report is None:
            reason = describe_death("The card", event, timed_out=False).message
            if printing.overdue:
                self._too_long[job.step, job.place.position] += 1
                seconds = float(job.attributes["timeout"])
                reason = f"rendering it took longer than its timeout of {seconds:g} seconds"
        elif report.error is not None:
            reason = f"{report.error.type}: {report.error.message}"[:_LONGEST_REASON]
        self._tell(job, reason)
        self._end(job.place, reason, html)

    def _tell(self, job: Job, reason: str) -> None:
        which = (job.step, job.place.position)
        if reason and which not in self._told:
            self._told.add(which)
            run = self._context.plan.facts
            path = f"{run.flow}/{run.run}/{job.step}/{job.place.task}"
            first = reason.partition("\n")[0]
            kind = job.attributes["type"]
            self._parts.watcher.note(f"The card {kind} of {path} was not rendered: {first}")

    def _open(self, place: CardPlace, attributes: dict[str, Any], data: str | None) -> None:
        at = self._parts.clock.wall()
        self._records.opened(place, attributes["type"], attributes["id"], data, at)

    def _end(self, place: CardPlace, reason: str, html: str | None) -> None:
        self._records.ended(place, reason, html, self._parts.clock.wall())
