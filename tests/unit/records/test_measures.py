"""Metrics in the records: batched, summed up, fenced."""

import math
import sqlite3

import pytest

from falaj_control.plan.tasks import PlannedTask
from falaj_control.records.happenings import LeaseLost
from falaj_control.records.measures import LoggedParam, MetricPoint


def rows(recorder, query):
    other = sqlite3.connect(recorder._home.records)
    try:
        return other.execute(query).fetchall()
    finally:
        other.close()


@pytest.fixture
def started(recorder):
    recorder.task_started(PlannedTask(1, "start", None, (), False), "", 101.0)
    recorder.attempt_started(1, 0, 42, 101.0)
    return recorder


def log(recorder, values, at=0.0):
    for number, value in enumerate(values):
        recorder.measures.add_point(MetricPoint(1, 0, "m", number, value, at + number))


SUMMARY = "SELECT points, last, last_at, least, most FROM metric_summaries"


def test_points_are_written_with_the_other_records_in_one_go(started):
    log(started, [3.0, 1.0, 2.0])
    assert started.pending > 3
    assert rows(started, "SELECT * FROM metrics") == []
    started.flush(150.0)
    assert started.pending == 0
    assert rows(started, "SELECT step, value, at FROM metrics ORDER BY id") == [
        (0, 3.0, 0.0),
        (1, 1.0, 1.0),
        (2, 2.0, 2.0),
    ]
    assert rows(started, SUMMARY) == [(3, 2.0, 2.0, 1.0, 3.0)]


def test_a_summary_is_that_of_all_batches(started):
    for values, at in (([5.0, math.inf], 10.0), ([None], 20.0), ([-1.0, 4.0], 5.0)):
        log(started, values, at)
        started.flush(150.0)
    # The latest by time is no number, which is neither the least nor the most.
    assert rows(started, SUMMARY) == [(5, None, 20.0, -1.0, math.inf)]


def test_a_summary_of_nothing_but_nan_turns_into_one_of_numbers(started):
    log(started, [None, None])
    started.flush(150.0)
    assert rows(started, SUMMARY) == [(2, None, 1.0, None, None)]
    log(started, [7.0], 30.0)
    started.flush(151.0)
    assert rows(started, SUMMARY) == [(3, 7.0, 30.0, 7.0, 7.0)]


def test_the_last_value_of_a_parameter_counts(started):
    started.measures.add_param(LoggedParam(1, 0, "a", "1", 1.0))
    started.measures.add_param(LoggedParam(1, 0, "a", "2", 2.0))
    started.flush(150.0)
    assert rows(started, "SELECT name, value FROM logged_params") == [("a", "2")]


def test_a_run_that_is_another_s_records_no_metric(started):
    started.flush(150.0)
    other = sqlite3.connect(started._home.records)
    other.execute("UPDATE runs SET fence = fence + 1")
    other.commit()
    other.close()
    log(started, [1.0])
    started.measures.add_param(LoggedParam(1, 0, "a", "1", 1.0))
    with pytest.raises(LeaseLost):
        started.flush(151.0)
    assert rows(started, "SELECT * FROM metrics") == []
    assert rows(started, "SELECT * FROM metric_summaries") == []
    assert rows(started, "SELECT * FROM logged_params") == []
