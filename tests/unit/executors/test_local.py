"""Reports of tasks as they come through their pipes: whole, torn or foreign."""

import json

import pytest

from falaj.model.orders import ErrorInfo, Report, Transition
from falaj_control.executors.underway import parse_report

REPORT = Report(
    outcome="succeeded",
    manifest="sha256:m",
    transition=Transition(("a", "b"), "xs", 3, "v"),
    error=ErrorInfo("E", "ü", "t", "l", True),
    label="x=1",
    usage={"wall": 1.5},
)
WHOLE = json.dumps(REPORT.to_wire()).encode()


@pytest.mark.parametrize(
    "report", [REPORT, REPORT._replace(transition=None), REPORT._replace(error=None)]
)
def test_a_whole_report_is_understood(report):
    assert parse_report(bytearray(json.dumps(report.to_wire()).encode())) == report


def test_a_report_that_was_torn_at_any_place_is_none():
    for size in range(len(WHOLE)):
        assert parse_report(bytearray(WHOLE[:size])) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{}",
        b"17",
        b'"text"',
        WHOLE + WHOLE,
        WHOLE.replace(b'"label"', b'"lable"'),
        WHOLE.replace(b"[[", b"["),
    ],
)
def test_what_is_no_report_is_none(data):
    assert parse_report(bytearray(data)) is None
