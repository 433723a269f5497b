"""Steps with environments of their own: they wait, others go on, and failures end the run."""

import json
import signal

from engine_fakes import LINEAR_FLOW, Act, failed, step

from falaj.model.orders import SNAPSHOT, Report, Transition
from falaj_control.plan.tasks import Origin, OriginTask
from falaj_control.ports.executing import Signalled
from falaj_control.ports.preparing import Failed, Preparing

BRANCHES = (
    step("start", "heavy", "light"),
    step("heavy", "join"),
    step("light", "join"),
    step("join", "end", join=True),
    step("end"),
)


def test_a_flow_without_environments_asks_for_nothing(make):
    system = make(*LINEAR_FLOW)
    assert system.run().state == "succeeded"
    assert system.environments.begun == []
    assert "travel" not in [order.kind for order in system.executor.orders]


def test_every_environment_is_asked_for_when_the_run_starts(make):
    system = make(*LINEAR_FLOW, environments=["middle", "end"])
    system.environments.make_ready("middle")
    system.environments.make_ready("end")
    assert system.run().state == "succeeded"
    assert system.environments.begun == ["start", "middle", "end"]


def test_a_step_waits_for_its_environment_while_others_run(make):
    system = make(*BRANCHES, environments=["heavy"], max_workers=1)
    system.on("light", lambda order: system.good(order, seconds=5))
    system.executor.at(100, lambda: system.environments.make_ready("heavy"))
    assert system.run().state == "succeeded"
    assert [name for name, _, _ in system.started()] == ["start", "light", "heavy", "join", "end"]
    heavy = next(order for order in system.executor.orders if order.step == "heavy")
    assert system.executor.placements[system.executor.orders.index(heavy)].place.key == "heavy"
    assert system.clock.now >= 100


def test_hosts_are_started_ahead_once_it_is_known_what_travels(make):
    system = make(*LINEAR_FLOW, environments=["start", "end"])
    system.environments.make_ready("end")
    system.environments.make_ready("start")
    listed = Report("succeeded", "m-travel", None, None, "", {})
    system.on("_travel", Act(listed, seconds=7))
    assert system.run().state == "succeeded"
    warmed = [placement.place.key for placement in system.executor.warmed]
    assert warmed == ["start", "end"]


def listed_after(seconds):
    return Act(Report("succeeded", "m-travel", None, None, "", {}), seconds=seconds)


def listing_of(system):
    (order,) = [order for order in system.executor.orders if order.kind == SNAPSHOT]
    return order.context["travelled"]


def test_the_code_of_a_run_that_reuses_everything_is_stored_as_well(make):
    ways = {"start": ("middle",), "middle": ("end",), "end": ()}
    tasks = {
        (name, (), 0): OriginTask(
            1, number, "succeeded", name, Transition(ways[name]) if ways[name] else None, ""
        )
        for number, name in enumerate(ways, 1)
    }
    origin = Origin(1, tasks, frozenset(), None)
    system = make(*LINEAR_FLOW, environments=["middle"], origin=origin)
    system.on("_travel", listed_after(2.0))
    assert system.run().state == "succeeded"
    assert system.started() == []
    assert listing_of(system) == "m-travel"
    assert system.rows("SELECT code FROM runs") == [("m-snapshot",)]


def test_the_code_of_a_run_that_fails_at_once_is_stored_as_well(make):
    system = make(*LINEAR_FLOW, environments=["middle"])
    system.on("_travel", listed_after(2.0))
    system.on("start", failed())
    assert system.run().state == "failed"
    assert listing_of(system) == "m-travel"
    assert system.rows("SELECT code FROM runs") == [("m-snapshot",)]


def test_what_travels_and_never_ends_holds_a_failed_run_up_for_a_bounded_time_only(make):
    system = make(*LINEAR_FLOW, environments=["middle"])
    system.on("_travel", listed_after(1e6))
    system.on("start", failed())
    assert system.run().state == "failed"
    assert system.clock.now < 10


def test_a_run_that_a_person_stops_does_not_wait_for_what_travels(make):
    system = make(*LINEAR_FLOW, environments=["middle"])
    system.on("_travel", listed_after(1e6))
    system.on("start", lambda order: system.good(order, seconds=50.0))
    system.executor.at(1.0, Signalled(signal.SIGINT))
    assert system.run().state == "cancelled"
    assert system.clock.now < 3


def test_a_step_waits_for_the_code_that_travels(make):
    system = make(*LINEAR_FLOW, environments=["start"])
    system.environments.make_ready("start")
    listed = Report("succeeded", "m-travel", None, None, "", {})
    system.on("_travel", Act(listed, seconds=7))
    assert system.run().state == "succeeded"
    assert system.clock.now >= 7
    assert system.environments.travelling == "m-travel"
    assert ("mylib is installed editable",) in system.watcher.of("note")


def test_travelling_code_that_cannot_be_collected_ends_the_run(make):
    system = make(*LINEAR_FLOW, environments=["start"])
    system.environments.make_ready("start")
    system.on("_travel", Act(None, status=-9))
    end = system.run()
    assert end.state == "failed"
    assert "own packages" in end.reason
    assert system.started() == []


def test_travelling_code_that_cannot_be_put_in_place_ends_the_run(make):
    system = make(*LINEAR_FLOW, environments=["start"])

    def refuse(listing: str) -> list[str]:
        raise PermissionError(13, "Permission denied", "/home/travel")

    system.environments.travel_along = refuse
    end = system.run()
    assert end.state == "failed"
    assert "can't be put in place" in end.reason
    assert "Permission denied" in end.reason


def test_an_environment_that_cannot_be_made_ends_the_run_at_once(make):
    system = make(*LINEAR_FLOW, environments=["end"])
    system.on("start", lambda order: system.good(order, seconds=1000))
    reason = "No environment for step end, @pypi at flow.py:9.\nBecause a and b conflict."
    fail = Failed(("end",), reason)
    system.executor.at(5, lambda: system.environments.events.append(fail))
    end = system.run()
    assert (end.state, end.reason) == ("failed", "No environment for step end, @pypi at flow.py:9.")
    assert system.engine.failure.error.message == reason
    assert system.states() == ["cancelled"]


def test_what_is_done_for_an_environment_is_shown(make):
    system = make(*LINEAR_FLOW, environments=["middle"])
    system.environments.events.append(Preparing(("middle",), "resolving pandas"))
    system.executor.at(
        3, lambda: system.environments.events.append(Preparing(("middle",), "installing"))
    )
    system.executor.at(9, lambda: system.environments.make_ready("middle", worked=True))
    assert system.run().state == "succeeded"
    notes = [note for (note,) in system.watcher.of("note")]
    assert "Environment of middle: resolving pandas" in notes
    assert "Environment of middle: installing" not in notes
    assert "Environment of middle is ready after 1.5 s." in notes
    shown = {s.preparing for (steps,) in system.watcher.of("progress") for s in steps}
    assert {"resolving pandas", "installing"} <= shown
    assert not any(s.preparing for s in system.watcher.of("progress")[-1][0])


def test_a_warm_environment_is_not_worth_a_word(make):
    system = make(*LINEAR_FLOW, environments=["middle"])
    system.environments.make_ready("middle")
    assert system.run().state == "succeeded"
    assert not any("Environment" in note for (note,) in system.watcher.of("note"))


def test_the_environment_of_each_step_is_recorded(make):
    system = make(*LINEAR_FLOW, environments=["middle"])
    system.environments.make_ready("middle")
    system.run()
    rows = dict(system.rows("SELECT name, environment FROM steps"))
    assert rows["start"] is None
    blob = system.blob(rows["middle"])
    assert json.loads(blob) == {"kind": "pypi", "step": "middle"}


def origin_of(*states: str) -> Origin:
    """Return a run of the linear flow whose steps ended in `states`."""
    names = ("start", "middle", "end")
    tasks = {}
    for number, (name, state) in enumerate(zip(names, states, strict=False)):
        following = names[number + 1 : number + 2]
        goes_on = Transition(following) if following else None
        manifest = f"m{number}" if state == "succeeded" else None
        tasks[name, (), 0] = OriginTask(1, number + 1, state, manifest, goes_on, "")
    return Origin(1, tasks, frozenset(), None)


def test_a_resumed_run_prepares_what_may_run_again(make):
    origin = origin_of("succeeded", "failed")
    system = make(*LINEAR_FLOW, environments=["start", "middle", "end"], origin=origin)
    system.environments.make_ready("middle")
    system.environments.make_ready("end")
    assert system.run().state == "succeeded"
    assert system.environments.begun == ["middle", "end"]
    assert system.states()[0] == "reused"


def test_a_task_that_turns_out_to_be_missing_has_its_environment_made(make):
    origin = origin_of("succeeded", "succeeded", "succeeded")
    tasks = dict(origin.tasks)
    changed = tasks["start", (), 0]._replace(transition=Transition(("elsewhere",)))
    tasks["start", (), 0] = changed
    system = make(*LINEAR_FLOW, environments=["start"], origin=origin._replace(tasks=tasks))
    system.executor.at(2, lambda: system.environments.make_ready("start"))
    assert system.run().state == "succeeded"
    assert set(system.environments.begun) == {"start"}
