"""What a step logs: which values are kept, and how they are told."""

import decimal
import fractions
import json
import os
import threading
from pathlib import Path

import numpy
import pytest

from falaj import redaction
from falaj.errors import MetricError
from falaj.runtime import logged, notes
from falaj.store.blobs import BlobStore


@pytest.fixture
def told():
    """Return a function that gives what has been told since, as (kind, rows)."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    notes.open_notes(write)
    pieces = []

    def take():
        while True:
            try:
                pieces.append(os.read(read, 1 << 16))
            except BlockingIOError:
                break
        found = [json.loads(line) for line in b"".join(pieces).splitlines()]
        pieces.clear()
        return found

    yield take
    notes.open_notes(-1)
    for file in (read, write):
        os.close(file)


@pytest.mark.parametrize(
    "value",
    [
        *(0.5, 1, True, numpy.float32(0.5), numpy.int8(3), numpy.bool_(True), numpy.array(2.5)),
        *(decimal.Decimal("0.25"), fractions.Fraction(1, 4), float("inf")),
    ],
)
def test_numbers_of_every_kind_are_kept(told, value):
    logged.log_metrics({"m": value}, numpy.int64(3))
    ((kind, ((name, kept, step, at),)),) = told()
    assert (kind, name, kept, step) == ("metrics", "m", float(value), 3)
    assert at > 1e9


@pytest.mark.parametrize(
    "value",
    [
        *("1.5", b"1", None, [1], numpy.array([1.0]), 1j, numpy.complex64(1), object()),
        *(10**400, Path("x")),
    ],
)
def test_what_is_no_number_is_refused(told, value):
    with pytest.raises(MetricError, match="test_logged.py:"):
        logged.log_metrics({"good": 1, "m": value}, None)
    assert told() == []


@pytest.mark.parametrize("step", [1.0, "1", True, 1 << 63, None.__class__])
def test_a_step_is_a_whole_number(told, step):
    with pytest.raises(MetricError, match="step of a metric"):
        logged.log_metrics({"m": 1}, step)


def test_many_metrics_are_told_in_lines_that_cannot_be_torn(told):
    names = {"é" * 200 + str(number): number for number in range(40)}
    logged.log_metrics(names, None)
    found = told()
    assert len(found) > 8
    assert {row[0]: row[1] for _, rows in found for row in rows} == names
    assert len({row[3] for _, rows in found for row in rows}) == 1


def test_values_are_json_or_their_repr(told, tmp_path):
    class Odd:
        def __repr__(self):
            raise ValueError

    circle = []
    circle.append(circle)
    logged.log_params(
        {
            "tuple": (1, "a"),
            "numpy": {"rate": numpy.float32(0.5), "all": numpy.zeros(2)},
            "set": {1},
            "keys": {(1, 2): 3},
            "circle": circle,
            "odd": Odd(),
            "none": None,
        },
        str(tmp_path),
    )
    values = {name: json.loads(text) for _, rows in told() for name, text, _, _ in rows}
    assert values == {
        "tuple": [1, "a"],
        "numpy": {"rate": 0.5, "all": "array([0., 0.])"},
        "set": "{1}",
        "keys": "{(1, 2): 3}",
        "circle": "[[...]]",
        "odd": "<Odd whose repr fails: ValueError>",
        "none": None,
    }


def test_a_long_value_goes_through_the_store_and_a_long_repr_is_cut(told, tmp_path):
    store = str(tmp_path / "store")
    logged.log_params({"long": "x" * 10_000, "repr": {"x" * 5000}}, store)
    (_, rows) = told()[0]
    assert rows[0][:2] == ["long", None]
    assert json.loads(BlobStore(store).read(rows[0][2])) == "x" * 10_000
    cut = json.loads(rows[1][1])
    assert len(cut) == logged.LONGEST_REPR
    assert cut.endswith("…")


@pytest.mark.parametrize(
    "value", ["hunter22", 4711471147, {"a": [4711471147, "hunter22"]}, {"x" * 992 + "hunter22"}]
)
@pytest.mark.parametrize("name", ["p", "the hunter22"])
def test_neither_names_nor_values_show_what_is_secret(told, tmp_path, monkeypatch, name, value):
    monkeypatch.setattr(redaction, "_of_task", None)
    redaction.hide(["hunter22", "4711471147"])
    store = str(tmp_path / "store")
    logged.log_params({name: value, name + "s": [value] * 400}, store)
    logged.log_metrics({name: 1.0}, None)
    with pytest.raises(MetricError) as refused:
        logged.log_metrics({"m": ["x" * 92 + "hunter22"]}, None)
    rows = [row for _, rows in told() for row in rows]
    texts = [BlobStore(store).read(row[2]).decode() for row in rows if isinstance(row[2], str)]
    shown = " ".join([json.dumps(rows), *texts, str(refused.value)])
    assert "47114" not in shown
    assert "hunt" not in shown
    assert all(json.loads(row[1]) for row in rows if isinstance(row[1], str))
    assert all(json.loads(text) for text in texts)


def test_where_nobody_hears_it_is_an_error():
    notes.open_notes(-1)
    with pytest.raises(MetricError, match="can't be recorded"):
        logged.log_metrics({"m": 1}, None)


def test_threads_log_at_once(told):
    def work(name):
        for number in range(100):
            logged.log_metrics({name: number}, number)

    threads = [threading.Thread(target=work, args=(str(one),)) for one in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told()) == 400
