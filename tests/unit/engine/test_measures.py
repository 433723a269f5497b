"""What is taken of notes about metrics and parameters, and what is left out."""

import math
import types

import pytest

from falaj.model.measures import METRICS, PARAMS
from falaj.store.blobs import BlobStore
from falaj_control.engine.measures import measure_takers
from falaj_control.records.measures import LoggedParam, MeasureBatch, MetricPoint

TASK = types.SimpleNamespace(planned=types.SimpleNamespace(id=4), attempt=1)


@pytest.fixture
def take(tmp_path):
    """Return a function that takes a note and returns what came of it."""
    store = BlobStore(str(tmp_path / "store"))

    def taken(kind, note):
        batch = MeasureBatch()
        measure_takers(batch, store)[kind](TASK, note)
        return batch._points if kind == METRICS else batch._params

    taken.store = store
    return taken


def test_points_and_parameters_are_taken(take):
    assert take(METRICS, [["a", 1, None, 5.0], ["b", math.nan, 3, 6], ["c", -math.inf, -1, 7]]) == [
        MetricPoint(4, 1, "a", None, 1.0, 5.0),
        MetricPoint(4, 1, "b", 3, None, 6.0),
        MetricPoint(4, 1, "c", -1, -math.inf, 7.0),
    ]
    digest = take.store.put(b'"long"')
    assert take(PARAMS, [["a", "1", None, 5.0], ["b", None, digest, 6.0]]) == [
        LoggedParam(4, 1, "a", "1", 5.0),
        LoggedParam(4, 1, "b", '"long"', 6.0),
    ]


@pytest.mark.parametrize(
    "note",
    [
        None,
        7,
        {"a": 1},
        [7],
        [[]],
        [["a", 1, None]],
        [[1, 1, None, 5.0]],
        [["a\n", 1, None, 5.0]],
        [["\ud800", 1, None, 5.0]],
        [["a", "1", None, 5.0]],
        [["a", True, None, 5.0]],
        [["a", 10**400, None, 5.0]],
        [["a", 1, 1.5, 5.0]],
        [["a", 1, 1 << 63, 5.0]],
        [["a", 1, None, math.nan]],
        [["a", 1, None, "now"]],
    ],
)
def test_what_is_no_point_is_left_out(take, note):
    assert take(METRICS, note) == []


@pytest.mark.parametrize(
    "note",
    [
        [["a", None, None, 5.0]],
        [["a", 7, None, 5.0]],
        [["a", None, "sha256:0", 5.0]],
        "x",
        [["a", "no JSON", None, 5.0]],
        [["a", '"\ud800"', None, 5.0]],
        [["a", "[" * 10**5, None, 5.0]],
    ],
)
def test_what_is_no_parameter_is_left_out(take, note):
    assert take(PARAMS, note) == []
