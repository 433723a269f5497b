"""A bench for executors: a flow in a process of its own, and orders for its one step."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import falaj
from falaj.hashing import blob_digest
from falaj.model.orders import Order
from falaj_control.engine.orders import RunFacts, init_order
from falaj_control.executors.hosts import Interpreter, start_host
from falaj_control.executors.local import LocalExecutor
from falaj_control.ports.executing import (
    Ended,
    Event,
    Executor,
    ExecutorContext,
    Placement,
)

# What a check does, as the parameter `work` says.
_FLOW = """
import os
import signal
import sys
import time

from falaj import FlowSpec, Parameter, step
from falaj.runtime.notes import tell

IMPORTED_BY = os.getpid()


class Bench(FlowSpec):
    work = Parameter("work", default="")

    @step
    def start(self):
        exec(self.work)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
# Seconds that anything here may take; whoever is slower than that has lost an event.
_PATIENCE = 60.0
HERE = Placement()


class Bench:
    """An executor under test and the events that it has told."""

    def __init__(self, target: str, folder: str) -> None:
        """Make the executor that `target` (MODULE:FACTORY, or local) names, with all in `folder`.

        The process must be one of its own: the local executor takes its signals.
        """
        self.folder = folder
        path = os.path.join(folder, "bench.py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(_FLOW)
        root = os.path.dirname(os.path.dirname(os.path.abspath(falaj.__file__)))
        python = Interpreter(sys.executable, (), path, _FLOW, None, "Bench", folder, ("run",), {})
        self.launcher = start_host(python, {}, root, None, once=False)
        home = os.path.join(folder, "home")
        context = ExecutorContext(
            lambda: LocalExecutor(self.launcher, python, root, True),
            "Bench",
            path,
            home,
            os.path.join(folder, "cache"),
        )
        self.executor: Executor = (
            context.local() if target == "local" else _factory(target)(context)
        )
        self._facts = RunFacts(
            "Bench", 1, os.path.join(home, "store"), "bench", None, None, (), ("work",), False
        )
        self._numbers = 0
        self.events: list[Event] = []

    def begin(self, work: str, placement: Placement = HERE) -> int:
        """Start a task whose step does `work`, Python statements; return its number."""
        init = self.start(init_order(self._facts, {"work": work}, None))
        report = self.end_of(init).report
        assert report is not None, "the order that settles the parameters left no report"
        assert report.manifest, f"the parameters failed: {report}"
        order = Order(
            "task",
            "Bench",
            1,
            "start",
            self._numbers + 1,
            0,
            (),
            (),
            report.manifest,
            {"last_attempt": True},
            init_order(self._facts, {}, None).context,
        )
        return self.start(order, placement)

    def start(self, order: Order, placement: Placement = HERE) -> int:
        """Start an order under the next number, and return that."""
        self._numbers += 1
        self.executor.start(self._numbers, order, placement)
        return self._numbers

    def await_event(self, kind: type[Any], number: int | None = None, more: Any = None) -> Any:
        """Return the first event of a kind, of an order if one is given, polling until it comes.

        `more` may be a function that says whether it is the one.
        """
        limit = time.monotonic() + _PATIENCE
        seen = 0
        while True:
            for event in self.events[seen:]:
                ours = number is None or getattr(event, "number", None) == number
                if isinstance(event, kind) and ours and (more is None or more(event)):
                    return event
            seen = len(self.events)
            left = limit - time.monotonic()
            assert left > 0, f"no {kind.__name__} came for order {number}; there is {self.events}"
            self.events.extend(self.executor.poll(min(left, 1.0)))

    def end_of(self, number: int) -> Ended:
        """Return the end of an order."""
        return self.await_event(Ended, number)

    def of(self, number: int) -> list[Event]:
        """Return all events of an order so far, in order."""
        return [one for one in self.events if getattr(one, "number", None) == number]

    def settle(self) -> None:
        """Take in what may still come: a second end, or output after it."""
        for _ in range(5):
            self.events.extend(self.executor.poll(0.05))

    def report_of(self, number: int) -> Mapping[str, Any]:
        """Return the report of an order that has ended, as values."""
        report = self.end_of(number).report
        assert report is not None, f"order {number} left no report: {self.end_of(number)}"
        return report._asdict()


def _factory(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def is_digest(text: object) -> bool:
    """Say whether a text has the form of a blob's digest."""
    return isinstance(text, str) and len(text) == len(blob_digest(b""))
