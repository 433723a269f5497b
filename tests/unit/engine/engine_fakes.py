"""A whole system in the test's process: a fake clock, an executor in memory, a list of news."""

import heapq
import itertools
import json
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from falaj.home import Home
from falaj.liveness import process_lease
from falaj.model.graph import (
    END,
    FOREACH,
    LINEAR,
    PARALLEL,
    SPLIT,
    DecoratorSpec,
    FlowDescription,
    Graph,
    StepSpec,
)
from falaj.model.orders import (
    FALLBACK,
    INIT,
    SNAPSHOT,
    TRAVEL,
    ErrorInfo,
    Order,
    Report,
    Transition,
)
from falaj.store.blobs import BlobStore
from falaj_control.engine.capacity import Capacity
from falaj_control.engine.context import Parts, RunPlan
from falaj_control.engine.orders import RunFacts, graph_record
from falaj_control.engine.run import Engine
from falaj_control.lifecycle.runs import RunEnd
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import Origin
from falaj_control.ports.executing import Ended, Event, HostPlace, Placement, Printed, Started
from falaj_control.ports.preparing import PreparationEvent, Ready
from falaj_control.records.database import open_records
from falaj_control.records.happenings import NewRun
from falaj_control.records.recorder import Recorder
from falaj_control.settings import Settings

EPOCH = 1_700_000_000.0
AMPLE = {"cpu": 1e9, "memory": 1e9, "gpu": 1e9, "disk": 1e9}


class FakeClock:
    """Time that only the executor's waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def wall(self) -> float:
        return EPOCH + self.now

    def monotonic(self) -> float:
        return self.now


class Watched:
    """A Watcher that keeps what it is told as (name, arguments)."""

    def __init__(self) -> None:
        self.news: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.news.append((name, arguments))

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of each call of that name."""
        return [arguments for called, arguments in self.news if called == name]


@dataclass(frozen=True)
class Act:
    """What an order's process does: takes `seconds`, prints, then reports or dies.

    `ignores` names signals that don't end it; `starts` is false where no process comes to be.
    """

    report: Report | None = None
    seconds: float = 0.0
    status: int | None = 0
    prints: tuple[tuple[str, bytes], ...] = ()
    ignores: tuple[int, ...] = ()
    starts: bool = True
    why: str = ""


def error(message: str = "bad") -> ErrorInfo:
    return ErrorInfo("ValueError", message, f"ValueError: {message}\n", "flow.py:3")


def failed(message: str = "bad", seconds: float = 0.0) -> Act:
    return Act(Report("failed", None, None, error(message), "", {}), seconds)


def died(status: int | None = -signal.SIGKILL, **options: Any) -> Act:
    return Act(None, status=status, **options)


def step(
    name: str,
    *targets: str,
    foreach: str | None = None,
    join: bool = False,
    kind: str = "",
    **decorators: Any,
):
    """Return a step; `decorators` are its options by name."""
    kind = kind or (
        END if not targets else SPLIT if len(targets) > 1 else FOREACH if foreach else LINEAR
    )
    specs = tuple(DecoratorSpec(key, value) for key, value in decorators.items())
    return StepSpec(name, kind, targets, foreach, join, specs, "", "flow.py", 1)


def retry(times: int, seconds: float = 0.0, backoff: float = 1.0) -> dict[str, Any]:
    return {
        "times": times,
        "minutes_between_retries": 2,
        "seconds_between_retries": seconds,
        "backoff": backoff,
        "jitter": 0.0,
    }


def timeout(seconds: float) -> dict[str, Any]:
    return {"seconds": seconds, "minutes": 0, "hours": 0}


CATCH = {"var": "failure", "print_exception": False}


def describe(*steps: StepSpec) -> FlowDescription:
    return FlowDescription("F", "", "flow.py", steps, (), steps[0].name, steps[-1].name)


LINEAR_FLOW = (step("start", "middle"), step("middle", "end"), step("end"))


def foreach_flow(**body: Any) -> tuple[StepSpec, ...]:
    """Return start -> body (foreach) -> join -> end; `body` holds the body's decorators."""
    return (
        step("start", "body", foreach="xs"),
        step("body", "join", **body),
        step("join", "end", join=True),
        step("end"),
    )


class FakeExecutor:
    """Runs orders in memory: what a step does is asked of `acts`, by step, as it starts."""

    def __init__(self, clock: FakeClock, check: Callable[[Order], None]) -> None:
        self.clock = clock
        self.check = check
        self.orders: list[Order] = []
        self.started_at: dict[int, float] = {}
        self.placements: list[Placement] = []
        self.warmed: list[Placement] = []
        self.signals: list[tuple[float, str, int]] = []
        self.acts: Callable[[Order], Act] = lambda order: Act()
        self.most = 0
        self._due: list[tuple[float, int, Event | Callable[[], None]]] = []
        self._ties = itertools.count()
        self._running: dict[int, tuple[Order, Act]] = {}

    def at(self, seconds: float, event: Event | Callable[[], None]) -> None:
        """Let an event happen `seconds` from now, or something outside of the executor."""
        heapq.heappush(self._due, (self.clock.now + seconds, next(self._ties), event))

    def start(self, number: int, order: Order, placement: Placement) -> None:
        self.check(order)
        self.orders.append(order)
        self.placements.append(placement)
        self.started_at[number] = self.clock.now
        act = self.acts(order)
        self._running[number] = order, act
        tasks = [one for one, _ in self._running.values() if one.task]
        self.most = max(self.most, len(tasks))
        if act.starts:
            self.at(0.0, Started(number, 1000 + number))
        for stream, data in act.prints:
            self.at(0.0, Printed(number, stream, data))
        self.at(act.seconds, Ended(number, act.report, act.status, act.why))

    def signal(self, number: int, signal: int) -> None:
        found = self._running.get(number)
        if found is None:
            return
        order, act = found
        self.signals.append((self.clock.now, order.step, signal))
        if signal not in act.ignores:
            self._due = [one for one in self._due if getattr(one[2], "number", None) != number]
            heapq.heapify(self._due)
            self.at(0.0, Ended(number, None, -signal, ""))

    def poll(self, seconds: float) -> list[Event]:
        assert seconds >= 0
        limit = self.clock.now + seconds
        if not self._due or self._due[0][0] > limit:
            self.clock.now = limit
            return []
        self.clock.now = max(self.clock.now, self._due[0][0])
        events: list[Event] = []
        while self._due and self._due[0][0] <= self.clock.now:
            event = heapq.heappop(self._due)[2]
            if callable(event):
                event()
                continue
            if isinstance(event, Ended):
                self._running.pop(event.number, None)
            events.append(event)
        return events

    def warm(self, placement: Placement) -> None:
        self.warmed.append(placement)

    def wake(self) -> None:
        raise AssertionError("nothing wakes a fake that never sleeps")

    def close(self, status: int) -> None:
        raise AssertionError("the composition root closes the executor")


class FakeEnvironments:
    """Environments that become ready, or fail, when a test says so."""

    def __init__(self, own: Sequence[str] = ()) -> None:
        self.own, self.ready = set(own), set[str]()
        self.begun: list[str] = []
        self.travelling: str | None = None
        self.events: list[PreparationEvent] = []

    @property
    def is_needed(self) -> bool:
        return bool(self.own)

    def begin(self, steps: Iterable[str]) -> None:
        self.begun.extend(steps)

    def is_ready(self, step: str) -> bool:
        return step not in self.own or (step in self.ready and self.travelling is not None)

    def place(self, step: str) -> HostPlace | None:
        return (
            HostPlace(step, "python", "3.7.16", "/prefix", "/falaj.zip")
            if step in self.own
            else None
        )

    def travel_along(self, listing: str) -> list[str]:
        self.travelling = listing
        return ["mylib is installed editable"]

    def take_events(self) -> list[PreparationEvent]:
        events, self.events = self.events, []
        return events

    def make_ready(self, step: str, note: str = "", worked: bool = False) -> None:
        self.ready.add(step)
        self.events.append(Ready((step,), {"kind": "pypi", "step": step}, 1.5, worked, note))

    def close(self) -> None:
        raise AssertionError("the composition root closes the environments")


class System:
    """An engine with its parts; `widths` says how wide each foreach is, by step."""

    def __init__(
        self,
        home: Home,
        steps: Sequence[StepSpec],
        widths: dict[str, int] | None = None,
        max_workers: int = 4,
        limits: dict[str, float] | None = None,
        origin: Origin | None = None,
        environments: Sequence[str] = (),
        **settings: float,
    ) -> None:
        self.description = describe(*steps)
        self.widths, self.origin = widths or {}, origin
        self.script: dict[str, Callable[[Order], Act | None]] = {}
        self.clock, self.watcher = FakeClock(), Watched()
        self.settings = Settings(home=home, user="ada", cache=home.root, **settings)
        self.recorder = Recorder(home)
        self.reader = open_records(home)
        self.statements: list[str] = []
        self.executor = FakeExecutor(self.clock, self._must_be_recorded)
        self.executor.acts = self._act
        self.environments = FakeEnvironments(environments)
        graph = Graph(self.description)
        self.run_id = self.recorder.create_run(
            NewRun(
                flow="F",
                user="ada",
                script="flow.py",
                created_at=self.clock.wall(),
                origin=None,
                graph=graph_record(self.description),
                options={},
                lease=process_lease(),
                steps=graph.order,
                tags=(),
                system_tags=(),
            )
        )
        self.recorder._connection.set_trace_callback(self.statements.append)
        facts = RunFacts("F", self.run_id, home.store, "ada", None, None, (), (), False)
        self.planner = Planner(graph, origin)
        self.engine = Engine(
            RunPlan(self.description, graph, facts, {}, None, max_workers, 10_000),
            Parts(
                executor=self.executor,
                environments=self.environments,
                recorder=self.recorder,
                planner=self.planner,
                capacity=Capacity(limits or AMPLE),
                watcher=self.watcher,
                clock=self.clock,
                settings=self.settings,
            ),
        )

    def __del__(self) -> None:
        self.reader.close()

    def on(self, name: str, act: "Act | Callable[[Order], Act | None]") -> None:
        """Say what a step does; None from a function means success."""
        self.script[name] = act if callable(act) else lambda _: act

    def good(
        self, order: Order, outcome: str = "succeeded", seconds: float = 0.0, **more: Any
    ) -> Act:
        """Return an act that succeeds as the order's step should."""
        spec = self.description.step(order.step)
        transition = None
        if spec.targets:
            width = self.widths.get(order.step, 0) if spec.foreach else 0
            values = "values" if spec.foreach else None
            transition = Transition(spec.targets, spec.foreach, width, values)
            if spec.kind == PARALLEL:
                transition = Transition(spec.targets, width=self.widths[order.step], gang=True)
        left = error("caught") if outcome == "caught" else None
        manifest = f"m{order.task}.{order.attempt}"
        return Act(Report(outcome, manifest, transition, left, "", {}), seconds, **more)

    def run(self) -> RunEnd:
        """Run to the end; assert what must hold of every run."""
        end = self.engine.run()
        assert self.rows("SELECT state, reason FROM runs") == [tuple(end)]
        for table in ("tasks", "attempts", "steps"):
            left = self.rows(f"SELECT * FROM {table} WHERE state IN ('running', 'retrying')")
            assert left == [], f"{table} have open states"
        return end

    def blob(self, digest: str) -> bytes:
        return BlobStore(self.settings.home.store).read(digest)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.reader.execute(query).fetchall()

    def states(self, table: str = "tasks") -> list[str]:
        order = {"steps": "position", "attempts": "task, number"}.get(table, "id")
        return [state for (state,) in self.rows(f"SELECT state FROM {table} ORDER BY {order}")]

    def started(self) -> list[tuple[str, tuple[int, ...], int]]:
        """Return step, indices and attempt of each order for a task, in order."""
        return [
            (order.step, tuple(frame.index for frame in order.frames), order.attempt)
            for order in self.executor.orders
            if order.task
        ]

    def commits(self) -> int:
        return sum(text == "COMMIT" for text in self.statements)

    def close(self) -> None:
        self.recorder.close()
        self.reader.close()

    def _act(self, order: Order) -> Act:
        if order.kind in (INIT, SNAPSHOT, TRAVEL):
            found = self.script.get(order.step, lambda _: None)(order)
            return found or Act(Report("succeeded", f"m-{order.kind}", None, None, "", {}))
        found = self.script.get(order.step, lambda _: None)(order)
        if found is not None:
            return found
        return self.good(order, "caught" if order.kind == FALLBACK else "succeeded")

    def _must_be_recorded(self, order: Order) -> None:
        # What an order starts from is in the database before the order is given; what is reused
        # has been since the run that is resumed.
        old = {one.manifest for one in self.origin.tasks.values()} if self.origin else set()
        for ref in order.inputs:
            if ref.manifest in old:
                continue
            found = self.rows(f"SELECT state, manifest FROM tasks WHERE id = {ref.task}")
            assert len(found) == 1, f"{order.step} starts from task {ref.task}, not recorded"
            assert found[0][0] in ("succeeded", "reused", "tolerated")
            assert found[0][1] == ref.manifest
        json.dumps(order.to_wire())
