"""Preparing the environments of a run beside it: shared, told, cut off, let go."""

import threading
import time
from types import SimpleNamespace

import pytest

from falaj_control.environments.preparation import Preparation, Prepared
from falaj_control.environments.values import Environment, EnvironmentFailed, Request
from falaj_control.ports.preparing import Failed, Preparing, Ready

LIMIT = 10.0


class Held:
    def __init__(self, key: str) -> None:
        self.environment = Environment(
            key, f"/env/{key}", f"/env/{key}/bin/python", {"python": {"version": key}}
        )
        self.released = False

    def release(self) -> None:
        self.released = True


class Way:
    """Prepares in memory; `gates` hold a request up until a test opens them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.gates: dict[str, threading.Event] = {}
        self.faults: dict[str, Exception] = {}
        self.held: list[Held] = []

    def __call__(self, step, request, work):
        self.asked.append((step, request.python))
        if request.python in self.gates:
            work.tell("resolving")
            while not self.gates[request.python].wait(0.01):
                work.check()
        if request.python in self.faults:
            raise self.faults[request.python]
        self.held.append(Held(request.python))
        return Prepared(self.held[-1], "/code/falaj.zip", {"key": request.python}, "")


@pytest.fixture
def system():
    way, wakes = Way(), []
    made = []

    def make(**requests):
        unpack = lambda listing: ((f"/travel/{listing}",), ["a warning"])  # noqa: E731
        wake = lambda: wakes.append(True)  # noqa: E731
        made.append(Preparation(requests, way, unpack, wake))
        return made[-1]

    yield SimpleNamespace(make=make, way=way, wakes=wakes)
    for gate in way.gates.values():
        gate.set()
    for preparation in made:
        preparation.close()


def events_until(preparation, count, kind):
    found = []
    limit = time.monotonic() + LIMIT
    while sum(isinstance(event, kind) for event in found) < count:
        assert time.monotonic() < limit, found
        found += preparation.take_events()
        time.sleep(0.005)
    return found


def test_equal_requests_are_prepared_once(system):
    a, b = Request("3.7"), Request("3.8")
    preparation = system.make(start=a, fit=Request("3.7"), score=b, end=None)
    preparation.begin(["start", "fit", "score", "end"])
    events = events_until(preparation, 2, Ready)
    assert sorted(event.steps for event in events) == [("score",), ("start", "fit")]
    assert sorted(system.way.asked) == [("score", "3.8"), ("start", "3.7")]
    assert system.wakes


def test_a_step_without_one_is_ready_and_has_no_place(system):
    preparation = system.make(start=None)
    assert not preparation.is_needed
    assert preparation.is_ready("start")
    assert preparation.place("start") is None


def test_a_step_is_ready_with_its_environment_and_the_code_that_travels(system):
    preparation = system.make(start=Request("3.7"))
    preparation.begin(["start"])
    events_until(preparation, 1, Ready)
    assert not preparation.is_ready("start")
    assert preparation.travel_along("listing") == ["a warning"]
    assert preparation.is_ready("start")
    place = preparation.place("start")
    assert place is not None
    assert (place.key, place.falaj, place.paths) == ("3.7", "/code/falaj.zip", ("/travel/listing",))


def test_a_failure_tells_its_reason_and_the_others_go_on(system):
    system.way.faults["3.7"] = EnvironmentFailed("no Python 3.7 here")
    preparation = system.make(start=Request("3.7"), fit=Request("3.8"))
    preparation.begin(["start", "fit"])
    events = events_until(preparation, 1, Ready)
    events += events_until(preparation, 1, Failed) if not _failed(events) else []
    (failed,) = _failed(events)
    assert failed == Failed(("start",), "no Python 3.7 here")
    assert not preparation.is_ready("start")


def test_a_defect_ends_in_a_failure_not_in_silence(system):
    system.way.faults["3.7"] = KeyError("oops")
    preparation = system.make(start=Request("3.7"))
    preparation.begin(["start"])
    (failed,) = _failed(events_until(preparation, 1, Failed))
    assert "KeyError" in failed.reason


def test_work_is_told_and_counted(system):
    system.way.gates["3.7"] = threading.Event()
    preparation = system.make(start=Request("3.7"), fit=Request("3.8"))
    preparation.begin(["start", "fit"])
    events = events_until(preparation, 1, Preparing)
    system.way.gates["3.7"].set()
    while len([event for event in events if isinstance(event, Ready)]) < 2:
        events += events_until(preparation, 1, Ready)
    assert Preparing(("start",), "resolving") in events
    worked = {event.steps: event.worked for event in events if isinstance(event, Ready)}
    assert worked == {("start",): True, ("fit",): False}


def test_closing_cuts_off_what_is_under_way_and_lets_go_of_the_rest(system):
    system.way.gates["3.7"] = threading.Event()
    preparation = system.make(start=Request("3.7"), fit=Request("3.8"))
    preparation.begin(["start", "fit"])
    events_until(preparation, 1, Ready)
    before = time.monotonic()
    preparation.close()
    assert time.monotonic() - before < LIMIT
    assert [held.released for held in system.way.held] == [True]
    assert not _failed(preparation.take_events())


def test_asking_twice_prepares_once(system):
    preparation = system.make(start=Request("3.7"))
    preparation.begin(["start"])
    events_until(preparation, 1, Ready)
    preparation.begin(["start", "start"])
    assert len(system.way.asked) == 1


def _failed(events):
    return [event for event in events if isinstance(event, Failed)]
