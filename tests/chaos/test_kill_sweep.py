"""`kill -9` of a task, the launcher or control at every write: nothing is lost, resume finishes.

Each scenario is one run with one kill at one event (see support/inject/chaos_events.py), then what
anybody would look at, then a resume. Small flows are swept whole, wide ones by sample.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from support.flows import CORPUS
from support.runs import ENDS_WITHIN, OPEN_STATES, Place, TaskKey, no_traceback_of_ours

from falaj.model.states import RUN_FINAL, TASK_FINAL, TASK_SUCCESSFUL

ROLES = ("task", "launcher", "control")
# How many kill points of a role are taken at most; None takes all.
SAMPLES = {
    "linear": None,
    "branch": 20,
    "retry": 20,
    "nested": 10,
    "wide": 6,
    "loop": 12,
    "gang": 12,
}
PARTS = {"linear": 4, "branch": 2, "retry": 2, "nested": 1, "wide": 1, "loop": 1, "gang": 1}


class Point(NamedTuple):
    """One event of a role, and whether the kill comes in the middle of it."""

    role: str
    number: int
    kind: str
    torn: bool

    @property
    def spelt(self) -> str:
        """As CHAOS_KILL wants it."""
        return f"{self.role}:{self.number}" + (":torn" if self.torn else "")


class Undisturbed(NamedTuple):
    """What a flow leaves when nothing is killed."""

    artifacts: dict[TaskKey, dict[str, str]]
    points: list[Point]


def _cases() -> Iterator[object]:
    for flow, parts in PARTS.items():
        for role in ROLES:
            for part in range(parts if role == "task" else 1):
                yield pytest.param(flow, role, part, id=f"{flow}-{role}-{part}")


@pytest.mark.parametrize(("flow", "role", "part"), list(_cases()))
@pytest.mark.timeout(300)
def test_kill_at_every_write(flow: str, role: str, part: int, make_place) -> None:
    calm = undisturbed(make_place(CORPUS[flow], folder="calm"), role)
    parts = PARTS[flow] if role == "task" else 1
    chosen = sample(calm.points, SAMPLES[flow])[part::parts]
    assert chosen
    struck = 0
    for point in chosen:
        folder = point.spelt.replace(":", "-")
        place = make_place(CORPUS[flow], folder=folder)
        try:
            struck += survives(place, point, calm.artifacts)
        except AssertionError as error:
            raise AssertionError(f"killed at {point}: {error}") from error
    # Which event is the n-th differs a little from run to run; a sweep that strikes nothing lies.
    assert struck >= len(chosen) * 0.8


@pytest.mark.parametrize("role", ["task", "control"])
@pytest.mark.timeout(300)
def test_kill_with_fresh_interpreters(role: str, make_place) -> None:
    calm = undisturbed(make_place(CORPUS["linear"], folder="calm"), role, "--isolation", "spawn")
    for point in sample(calm.points, 6):
        place = make_place(CORPUS["linear"], folder=point.spelt.replace(":", "-"))
        survives(place, point, calm.artifacts, "--isolation", "spawn")


def undisturbed(place: Place, role: str, *options: str) -> Undisturbed:
    """Run a flow in peace; return its artifacts and the events of `role`."""
    trace = place.folder / "trace"
    done = place.run("run", *options, CHAOS_TRACE=str(trace))
    assert done.status == 0, done.said
    found = place.tasks(place.last_run().id)
    kinds = [
        line.split(" ", 1)[1] for line in trace.read_text().splitlines() if line.startswith(role)
    ]
    points: list[Point] = []
    for number, kind in enumerate(kinds, 1):
        points.append(Point(role, number, kind, False))
        if kind == "write":
            points.append(Point(role, number, kind, True))
    return Undisturbed({key: task.artifacts for key, task in found.items()}, points)


def sample(points: list[Point], most: int | None) -> list[Point]:
    """Return all points, or `most` of them from the first to the last."""
    if most is None or len(points) <= most:
        return points
    return [points[round(index * (len(points) - 1) / (most - 1))] for index in range(most)]


def survives(
    place: Place, point: Point, wanted: dict[TaskKey, dict[str, str]], *options: str
) -> bool:
    """Check everything that is promised of a run killed at `point`; say whether it was killed."""
    trace = place.folder / "trace"
    began = time.monotonic()
    killed = place.run(
        "run", *options, seconds=ENDS_WITHIN, CHAOS_TRACE=str(trace), CHAOS_KILL=point.spelt
    )
    struck = "KILLED" in trace.read_text()
    place.no_process_left()
    assert time.monotonic() - began < ENDS_WITHIN
    no_traceback_of_ours(killed.said)
    assert place.damaged_blobs() == []
    runs = place.access.reader.runs()
    committed: set[TaskKey] = set()
    if runs:
        run = runs[0]
        assert run.state in RUN_FINAL, run
        assert run.state not in OPEN_STATES
        assert run.finished_at is not None
        assert run.state in ("succeeded", "tolerated") or run.reason, "no reason is given"
        tasks = place.tasks(run.id)
        assert all(task.state in TASK_FINAL for task in tasks.values()), tasks
        committed = {key for key, task in tasks.items() if task.state in TASK_SUCCESSFUL}
        members = {key for key in wanted if key[0] == "member"}
        assert members <= committed or not members & committed, "a gang was committed in part"
        for key in committed:
            assert tasks[key].artifacts == wanted[key]
        signed = [key for _, key in place.signatures()]
        assert committed <= set(signed)
        if ("middle", ()) in wanted:
            # In a line, whatever has a successor that started was committed before.
            assert committed >= set(signed[:-1]), "a step started from what was not committed"
    again = place.run("resume" if runs else "run")
    assert again.status == 0, again.said
    resumed = place.last_run()
    assert resumed.state == "succeeded", resumed
    found = place.tasks(resumed.id)
    assert {key: task.artifacts for key, task in found.items()} == wanted
    ran_again = {key for number, key in place.signatures() if number == resumed.id}
    assert not ran_again & committed, "what was committed ran again"
    assert {key for key, task in found.items() if task.state == "reused"} == committed
    place.no_process_left()
    return struck
