"""Capacity, board and endings, each alone."""

import random
import signal

import pytest
from engine_fakes import describe, step
from hypothesis import given, settings
from hypothesis import strategies as st

from falaj.errors import ResourcesUnavailable
from falaj.home import Home
from falaj.model.graph import Graph
from falaj.model.orders import ErrorInfo, Report
from falaj_control.engine.active import ActiveTask
from falaj_control.engine.board import Board
from falaj_control.engine.capacity import Capacity, this_machine
from falaj_control.engine.endings import ending_of
from falaj_control.lifecycle.attempts import Policy
from falaj_control.plan.planner import Planner
from falaj_control.plan.tasks import PlannedTask
from falaj_control.ports.executing import Ended
from falaj_control.settings import Settings

LIMITS = {"cpu": 4.0, "memory": 1000.0, "gpu": 1.0, "disk": 10.0}


def test_a_step_that_asks_for_nothing_always_fits():
    capacity = Capacity({**LIMITS, "cpu": 0.0})
    assert capacity.fits(None)
    capacity.take(None)
    assert capacity.fits(None)


def test_what_is_taken_is_missing_until_it_is_given_back():
    capacity = Capacity(LIMITS)
    asked = {"cpu": 3, "memory": 400, "gpu": None}
    capacity.take(asked)
    assert not capacity.fits(asked)
    assert capacity.fits({"cpu": 1})
    assert capacity.fits({"memory": 600})
    assert not capacity.fits({"memory": 601})
    capacity.take(asked, -1)
    assert capacity.fits(asked)


WHOLE = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 1000)), max_size=20)


@settings(max_examples=100, deadline=None)
@given(asks=WHOLE)
def test_the_limits_hold_and_idle_means_free(asks):
    capacity, held = Capacity(LIMITS), []
    for cpu, memory in asks:
        asked = {"cpu": cpu, "memory": memory}
        if not capacity.fits(asked):
            capacity.take(held.pop(0), -1)
        if capacity.fits(asked):
            capacity.take(asked)
            held.append(asked)
        assert sum(one["cpu"] for one in held) <= 4
        assert sum(one["memory"] for one in held) <= 1000
    for asked in held:
        capacity.take(asked, -1)
    assert capacity.fits({"cpu": 4, "memory": 1000})


def test_fractions_given_back_leave_the_whole_free():
    # A rest of 1e-16 would keep a step that asks for all of it waiting for ever.
    capacity, chance = Capacity({**LIMITS, "cpu": 1.0}), random.Random(1)
    for _ in range(2000):
        held = [{"cpu": chance.choice([0.1, 0.2, 0.3, 0.7])} for _ in range(chance.randrange(1, 6))]
        for asked in held:
            capacity.take(asked)
        chance.shuffle(held)
        for asked in held:
            capacity.take(asked, -1)
        assert capacity.fits({"cpu": 1.0})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"cpu": 5}, "5 processors"),
        ({"memory": 2000}, "2000 MB of memory"),
        ({"gpu": 2}, "2 GPUs"),
        ({"disk": 11}, "11 MB of disk"),
    ],
)
def test_what_the_machine_can_never_give_is_refused_before_the_run(asked, words):
    flow = describe(step("start", "end", resources=asked), step("end"))
    with pytest.raises(ResourcesUnavailable, match=rf"Step start \(flow.py:1\) asks for {words}"):
        Capacity(LIMITS).check(flow)
    Capacity(dict.fromkeys(LIMITS, 1000000000.0)).check(flow)


def test_settings_say_what_this_machine_has(tmp_path):
    home = Home(str(tmp_path / "not" / "yet"))
    found = this_machine(
        Settings(home, "ada", "/nowhere", local_cpu=3, local_memory=77, local_gpu=2)
    ).limits
    assert (found["cpu"], found["memory"], found["gpu"]) == (3, 77, 2)
    found = this_machine(Settings(home, "ada", "/nowhere")).limits
    assert found["cpu"] >= 1
    assert found["memory"] > 1
    assert found["disk"] > 0


class Notes:
    """A recorder that keeps what the board tells it."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.ended: dict[str, tuple[str, str, int | None, float | None]] = {}

    def step_started(self, step: str, at: float) -> None:
        self.started.append(step)

    def step_ended(self, step: str, state: str, reason: str, cause: int | None, at: float | None):
        self.ended[step] = (state, reason, cause, at)


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def board(notes) -> Board:
    flow = describe(step("start", "middle"), step("middle", "end"), step("end"))
    graph = Graph(flow)
    return Board(graph, Planner(graph), notes)  # pyright: ignore[reportArgumentType]


def test_a_step_starts_once(board, notes):
    for _ in range(3):
        board.started("start", 1.0)
    board.reused("start", "succeeded", 2.0)
    assert notes.started == ["start"]


def test_counts_are_shown_by_step(board):
    board.started("start", 1.0)
    board.started("start", 1.0)
    board.retried("start")
    board.ended("start", "tolerated")
    board.reused("middle", "succeeded", 1.0)
    assert board.changed
    start, middle, _ = board.progress({"start": 1})
    assert not board.changed
    assert (start.running, start.done, start.failed, start.retried) == (1, 1, 0, 1)
    assert (middle.done, middle.reused) == (1, 1)


@pytest.mark.parametrize(
    ("ends", "state"),
    [
        (["succeeded", "failed", "cancelled"], "failed"),
        (["succeeded", "cancelled", "tolerated"], "cancelled"),
        (["succeeded", "tolerated"], "tolerated"),
        (["succeeded"], "succeeded"),
        ([], "not_reached"),
    ],
)
def test_a_steps_state_is_that_of_its_worst_task(board, notes, ends, state):
    for end in ends:
        board.started("start", 1.0)
        board.ended("start", end)
    board.record_ends("cut off", 7, 9.0)
    cut = state in ("cancelled", "not_reached")
    expected = (state, "cut off" if cut else "", 7 if cut else None, 9.0 if ends else None)
    assert notes.ended["start"] == expected
    assert notes.ended["end"] == ("not_reached", "cut off", 7, None)


def test_a_step_of_reused_tasks_alone_is_reused(board, notes):
    board.reused("start", "tolerated", 1.0)
    board.record_ends("", None, 2.0)
    assert notes.ended["start"][0] == "reused"
    assert board.totals()["tolerated"] == 1


def active(**changes) -> ActiveTask:
    planned = PlannedTask(1, "train", None, (), False)
    return ActiveTask(planned, Policy(0, 0, 1, 0, False), {}, "", **changes)


@pytest.mark.parametrize(
    ("status", "why", "words"),
    [
        (-signal.SIGKILL, "", "killed by SIGKILL; the machine may have run out of memory"),
        (-signal.SIGSEGV, "", "killed by SIGSEGV, a segmentation fault: native code crashed"),
        (-signal.SIGUSR1, "", "killed by SIGUSR1."),
        (-250, "", "killed by signal 250"),
        (3, "", "exit status 3, as by os._exit"),
        (0, "", "exit status 0"),
        (None, "", "lost its process"),
        (None, "no memory", "could not run: no memory"),
    ],
)
def test_a_death_is_told_in_words(status, why, words):
    ended, error = ending_of(active(), Ended(1, None, status, why))
    assert ended == "died"
    assert error is not None
    assert error.message.startswith("Step train")
    assert words in error.message


BAD = ErrorInfo("ValueError", "bad", "", "")


@pytest.mark.parametrize(
    ("outcome", "stopped", "ended"),
    [
        ("succeeded", False, "succeeded"),
        ("succeeded", True, "succeeded"),
        ("caught", True, "caught"),
        ("failed", False, "failed"),
        ("failed", True, "stopped"),
        (None, True, "stopped"),
        ("unheard of", False, "failed"),
    ],
)
def test_a_report_counts_even_of_a_task_that_was_told_to_stop(outcome, stopped, ended):
    report = None if outcome is None else Report(outcome, "m", None, BAD, "", {})
    assert ending_of(active(stopped=stopped), Ended(1, report, 0, ""))[0] == ended
