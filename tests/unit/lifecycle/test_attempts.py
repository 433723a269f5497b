"""The table of attempts, cell by cell, and the waits between them."""

import pytest

from falaj_control.lifecycle.attempts import Policy, after_attempt, policy_of
from falaj_control.lifecycle.runs import RunEnd, run_end

# (ended, retries left, catches) -> (attempt, task, what follows)
TABLE = {
    ("succeeded", False, False): ("succeeded", "succeeded", None),
    ("succeeded", False, True): ("succeeded", "succeeded", None),
    ("succeeded", True, False): ("succeeded", "succeeded", None),
    ("succeeded", True, True): ("succeeded", "succeeded", None),
    ("caught", False, False): ("tolerated", "tolerated", None),
    ("caught", False, True): ("tolerated", "tolerated", None),
    ("caught", True, False): ("tolerated", "tolerated", None),
    ("caught", True, True): ("tolerated", "tolerated", None),
    ("stopped", False, False): ("cancelled", "cancelled", None),
    ("stopped", False, True): ("cancelled", "cancelled", None),
    ("stopped", True, False): ("cancelled", "cancelled", None),
    ("stopped", True, True): ("cancelled", "cancelled", None),
    ("failed", False, False): ("failed", "failed", None),
    ("failed", False, True): ("failed", "failed", None),
    ("failed", True, False): ("failed", "retrying", "again"),
    ("failed", True, True): ("failed", "retrying", "again"),
    ("died", False, False): ("lost", "failed", None),
    ("died", False, True): ("lost", "retrying", "fall back"),
    ("died", True, False): ("lost", "retrying", "again"),
    ("died", True, True): ("lost", "retrying", "again"),
}


@pytest.mark.parametrize(("ended", "left", "catches"), TABLE)
def test_every_cell_of_the_table(ended, left, catches):
    verdict = after_attempt(Policy(int(left), 5.0, 1.0, 0.0, catches), 0, ended, 0.5)
    expected = TABLE[ended, left, catches]
    assert verdict == (*expected, 5.0 if expected[2] == "again" else 0.0)


@pytest.mark.parametrize(("ended", "attempt_state"), [("failed", "failed"), ("died", "lost")])
def test_nothing_follows_a_fallback(ended, attempt_state):
    verdict = after_attempt(Policy(3, 5.0, 1.0, 0.0, True), 1, ended, 0.5, fallback=True)
    assert verdict == (attempt_state, "failed", None, 0.0)


@pytest.mark.parametrize(
    ("backoff", "jitter", "chance", "attempt", "wait"),
    [
        (1.0, 0.0, 0.9, 3, 10.0),
        (2.0, 0.0, 0.1, 0, 10.0),
        (2.0, 0.0, 0.1, 3, 80.0),
        (1.0, 0.5, 0.0, 0, 5.0),
        (1.0, 0.5, 0.5, 0, 10.0),
        (1.0, 0.5, 1.0, 0, 15.0),
        (3.0, 1.0, 0.0, 2, 0.0),
        (3.0, 1.0, 1.0, 2, 180.0),
    ],
)
def test_waits_grow_by_the_factor_and_spread_by_the_share(backoff, jitter, chance, attempt, wait):
    policy = Policy(9, 10.0, backoff, jitter, False)
    assert after_attempt(policy, attempt, "failed", chance).wait == pytest.approx(wait)


def test_a_steps_policy_is_read_from_its_decorators():
    retry = {
        "times": 3,
        "minutes_between_retries": 2,
        "seconds_between_retries": None,
        "backoff": 2,
        "jitter": 0.25,
    }
    assert policy_of({}) == Policy(0, 0.0, 1.0, 0.0, False)
    assert policy_of({"catch": {}}).catches
    assert policy_of({"retry": retry}) == Policy(3, 120.0, 2.0, 0.25, False)
    retry["seconds_between_retries"] = 0
    assert policy_of({"retry": retry, "catch": {}}) == Policy(3, 0.0, 2.0, 0.25, True)


@pytest.mark.parametrize(
    ("finished", "cut", "tolerated", "end"),
    [
        (True, None, 0, RunEnd("succeeded", "")),
        (True, None, 1, RunEnd("tolerated", "1 task failed as @catch allows")),
        (True, None, 2, RunEnd("tolerated", "2 tasks failed as @catch allows")),
        (False, None, 0, RunEnd("failed", "the end step was never reached")),
        (False, RunEnd("cancelled", "why"), 3, RunEnd("cancelled", "why")),
    ],
)
def test_a_runs_end_follows_from_its_tasks(finished, cut, tolerated, end):
    assert run_end(finished, cut, {"tolerated": tolerated}) == end
