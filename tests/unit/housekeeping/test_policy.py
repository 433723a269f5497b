import pytest

from falaj_control.housekeeping.policy import KnownRun, Policy, choose

DAY = 86400.0
NOW = 100 * DAY


def run(number, flow="F", state="succeeded", age=10.0, tags=(), origin=None):
    ended = None if state == "running" else NOW - age * DAY
    return KnownRun(number, flow, state, ended, frozenset(tags), origin)


def goes(runs, **policy):
    return choose(runs, Policy(**policy), NOW).goes


RUNS = [
    run(1, age=50),
    run(2, age=40, state="failed"),
    run(3, "G", age=30, tags=("best",)),
    run(4, age=20, tags=("best", "paper")),
    run(5, age=1, state="lost"),
    run(6, state="running"),
]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, ()),
        ({"keep_tags": ("best",)}, ()),
        ({"older_than": 25 * DAY}, (1, 2, 3)),
        ({"older_than": 25 * DAY, "flows": ("F",)}, (1, 2)),
        ({"older_than": 0.0}, (1, 2, 3, 4, 5)),
        ({"states": ("failed", "lost")}, (2, 5)),
        ({"tags": ("best",)}, (3, 4)),
        ({"tags": ("best", "paper")}, (4,)),
        ({"untagged": True}, (1, 2, 5)),
        ({"keep_last": 0}, (1, 2, 3, 4, 5)),
        ({"keep_last": 2}, (1, 2, 4)),
        ({"keep_last": 1, "flows": ("G",)}, ()),
        ({"older_than": 0.0, "keep_tags": ("paper", "x")}, (1, 2, 3, 5)),
        ({"flows": ("H",)}, ()),
    ],
)
def test_runs_go_that_every_condition_says_so_of(policy, expected):
    assert goes(RUNS, **policy) == expected


def test_what_stays_though_it_matches_has_a_reason():
    choice = choose(RUNS, Policy(keep_last=1, keep_tags=("paper",)), NOW)
    assert choice.goes == (1, 2, 5)
    assert choice.stays == {
        3: "it is among the latest of its flow",
        4: "it has the tag paper",
        6: "it is running",
    }


def test_what_a_kept_run_was_resumed_from_stays_all_the_way_back():
    chain = [
        run(1, age=50),
        run(2, age=40, origin=1),
        run(3, age=30),
        run(4, age=20, origin=2),
        run(5, age=10, origin=3),
        run(6, age=5, tags=("keep",), origin=4),
    ]
    choice = choose(chain, Policy(older_than=0.0, keep_tags=("keep",)), NOW)
    assert choice.goes == (3, 5)
    assert choice.stays[1] == "run 2 was resumed from it"
    # One that goes holds nothing back.
    assert goes(chain, older_than=0.0) == (1, 2, 3, 4, 5, 6)
