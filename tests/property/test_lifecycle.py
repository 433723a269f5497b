"""The tables of lifecycle: every combination has a verdict, and every task comes to an end."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from falaj.model import states
from falaj_control.lifecycle import attempts
from falaj_control.lifecycle.attempts import AGAIN, FALL_BACK, Policy, after_attempt, policy_of
from falaj_control.lifecycle.runs import RunEnd, run_end

ENDS = (
    attempts.ENDED_WELL,
    attempts.ENDED_CAUGHT,
    attempts.ENDED_FAILED,
    attempts.ENDED_DIED,
    attempts.ENDED_STOPPED,
)


@pytest.mark.parametrize(
    ("ended", "attempt", "retries", "catches", "fallback"),
    [*itertools.product(ENDS, (0, 1, 2, 3), (0, 1, 2), (False, True), (False, True))],
)
def test_every_combination_has_a_verdict(ended, attempt, retries, catches, fallback):
    verdict = after_attempt(Policy(retries, 1.0, 1.0, 0.0, catches), attempt, ended, 0.5, fallback)
    assert verdict.attempt_state in states.ATTEMPT_FINAL
    assert verdict.task_state in states.TASK_STATES
    assert (verdict.follow is None) == (verdict.task_state in states.TASK_FINAL)
    assert (verdict.follow is not None) == (verdict.task_state == states.RETRYING)
    assert verdict.wait >= 0
    assert verdict.follow == AGAIN or verdict.wait == 0
    left = attempt < retries and not fallback
    if ended in (attempts.ENDED_FAILED, attempts.ENDED_DIED):
        assert (verdict.follow == AGAIN) == left
        falls_back = ended == attempts.ENDED_DIED and catches and not left and not fallback
        assert (verdict.follow == FALL_BACK) == falls_back
    else:
        assert verdict.follow is None
    assert (verdict.task_state in states.TASK_SUCCESSFUL) == (
        ended in (attempts.ENDED_WELL, attempts.ENDED_CAUGHT)
    )


def test_an_end_that_nobody_knows_has_no_verdict():
    with pytest.raises(KeyError):
        after_attempt(Policy(0, 0, 1, 0, False), 0, "vanished", 0.5)


@settings(max_examples=1000, deadline=None)
@given(
    retries=st.integers(0, 10),
    catches=st.booleans(),
    ends=st.lists(st.sampled_from(ENDS), min_size=20, max_size=20),
)
def test_a_task_comes_to_an_end_whatever_happens(retries, catches, ends):
    policy, attempt, fallback = Policy(retries, 0.0, 1.0, 0.0, catches), 0, False
    for ended in ends:
        verdict = after_attempt(policy, attempt, ended, 0.5, fallback)
        if verdict.follow is None:
            break
        fallback = fallback or verdict.follow == FALL_BACK
        attempt += 1
    else:
        raise AssertionError("still going on")
    assert attempt <= retries + (1 if catches else 0)


@settings(max_examples=1000, deadline=None)
@given(
    wait=st.floats(0, 1000),
    backoff=st.floats(1, 3),
    jitter=st.floats(0, 1),
    attempt=st.integers(0, 9),
    chance=st.floats(0, 1),
)
def test_the_wait_grows_by_the_factor_and_varies_by_the_share(
    wait, backoff, jitter, attempt, chance
):
    policy = Policy(10, wait, backoff, jitter, False)
    found = after_attempt(policy, attempt, attempts.ENDED_FAILED, chance).wait
    middle = wait * backoff**attempt
    assert middle * (1 - jitter) - 1e-6 <= found <= middle * (1 + jitter) * (1 + 1e-9) + 1e-6


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (None, Policy(0, 0.0, 1.0, 0.0, False)),
        ({"minutes_between_retries": 2, "seconds_between_retries": None}, 120.0),
        ({"minutes_between_retries": 2, "seconds_between_retries": 5}, 5.0),
        ({"minutes_between_retries": 2, "seconds_between_retries": 0}, 0.0),
    ],
)
def test_seconds_win_over_minutes(retry, expected):
    if retry is None:
        assert policy_of({}) == expected
        return
    options = {"retry": {"times": 3, "backoff": 1.0, "jitter": 0.0, **retry}}
    assert policy_of(options).wait == expected


CUTS = (None, RunEnd(states.FAILED, "f"), RunEnd(states.CANCELLED, "s"), RunEnd(states.LOST, "l"))


@pytest.mark.parametrize(
    ("finished", "cut", "tolerated"), [*itertools.product((False, True), CUTS, (0, 1, 2))]
)
def test_every_run_has_an_end(finished, cut, tolerated):
    end = run_end(finished, cut, {"succeeded": 3, "tolerated": tolerated})
    assert end.state in states.RUN_FINAL
    successful = finished and cut is None
    assert (end.state in states.RUN_SUCCESSFUL) == successful
    if successful:
        assert (end.state == states.TOLERATED) == (tolerated > 0)
    else:
        assert end.reason
    assert cut is None or end == cut


def test_final_states_are_states_and_successful_ones_are_final():
    assert states.RUN_SUCCESSFUL < states.RUN_FINAL < set(states.RUN_STATES)
    assert states.TASK_SUCCESSFUL < states.TASK_FINAL < set(states.TASK_STATES)
    assert set(states.ATTEMPT_STATES) > states.ATTEMPT_FINAL
    assert states.RETRYING not in states.TASK_FINAL
    assert set(states.STEP_STATES) <= set(states.TITLES)
