"""Previews: strict JSON, bounded in size and time, whatever the value does."""

import collections
import datetime
import decimal
import enum
import json
import signal
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from falaj.store.preview import LIMIT, preview


def dumped(value: Any, limit: int = LIMIT) -> dict[str, Any]:
    """Return the preview of a value after checking what holds for every value."""
    text = json.dumps(preview(value, limit), allow_nan=False)
    assert len(text) <= limit
    text.encode("utf-8")
    shown = json.loads(text)
    assert {"type", "size", "repr"} <= shown.keys()
    return shown


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(st.sampled_from("\ud800\udfff\x00\x1b\x9f\u2603\U0001f600")),
    st.binary(max_size=300),
    st.complex_numbers(),
    st.decimals(),
    st.datetimes(),
    st.uuids(),
)
HASHABLE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(HASHABLE, inner),
        st.frozensets(HASHABLE),
        st.sets(HASHABLE),
    ),
    max_leaves=60,
)


@given(VALUES, st.sampled_from([LIMIT, 4096, 256]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_is_strict_json_under_the_limit(value: Any, limit: int):
    dumped(value, limit)


class Raises:
    def __repr__(self) -> str:
        raise ValueError("no")


class RaisesOddly:
    def __repr__(self) -> str:
        raise RaisesTwice("no")


class RaisesTwice(Exception):
    def __str__(self) -> str:
        raise ValueError("nor this")


class NoText:
    def __repr__(self) -> Any:
        return 7


class Huge:
    def __repr__(self) -> str:
        return "é" * 1_000_000


class Liar:
    @property
    def __class__(self) -> Any:
        raise ValueError("not telling")

    def __getattribute__(self, name: str) -> Any:
        raise ValueError("nothing here")


class Meta(type):
    @property
    def __module__(cls) -> Any:
        raise ValueError("homeless")

    def __getattribute__(cls, name: str) -> Any:
        raise ValueError("nothing here")


class BadSize:
    def __sizeof__(self) -> Any:
        raise ValueError("no size")


class BadDict(dict):
    def __len__(self) -> int:
        raise ValueError("no length")

    def __iter__(self) -> Any:
        raise ValueError("no keys")

    def items(self) -> Any:
        raise ValueError("no items")


class BadList(list):
    def __iter__(self) -> Any:
        raise ValueError("no elements")

    def __repr__(self) -> str:
        raise ValueError("no repr")


class BadString(str):
    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


class BadInteger(int):
    def __repr__(self) -> str:
        raise ValueError("no digits")

    def __eq__(self, other: object) -> bool:
        raise ValueError("incomparable")

    def __hash__(self) -> int:
        return 1


class Colour(enum.Enum):
    RED = 1


looped: list[Any] = []
looped.append(looped)
deep: Any = []
for _ in range(5000):
    deep = [deep]


def odd_values() -> list[Any]:
    # Made late: pytest looks into what a module holds, and these hit back.
    class Nameless(metaclass=Meta):
        pass

    return [
        Raises(), RaisesOddly(), NoText(), Huge(), Liar(), Nameless(), Nameless, BadSize(),
        BadDict(a=1), BadList([1, 2]), BadString("text"), BadInteger(5), looped, deep,
        [Raises()] * 100, {Raises(): Huge()}, {BadInteger(1): 2}, Raises, print, sys, lambda: 1,
        type, object, iter([1]), (number for number in range(3)), range(10**12), 10**100_000,
        -(10**5000), "\ud800" * 10_000, {"k" * 100_000: "v" * 100_000}, [["x" * 1000] * 1000] * 9,
        {index: list(range(1000)) for index in range(1000)}, collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]), collections.deque([1]), collections.Counter("aab"),
        Colour.RED, decimal.Decimal("NaN"), datetime.date(2020, 1, 1), b"\x00" * 10_000,
        bytearray(b"abc"), memoryview(b"abc"), float("nan"), float("-inf"), 1 << 60,
        threading.Lock(), ValueError("x"), {"…": 1},
    ]  # fmt: skip


@pytest.mark.parametrize("index", range(len(odd_values())))
def test_hostile_and_odd_values(index: int):
    value = odd_values()[index]
    assert "incomplete" not in dumped(value)
    dumped(value, 256)


def test_plain_values():
    assert preview(7) == {"type": "int", "size": sys.getsizeof(7), "repr": "7", "value": 7}
    assert dumped(True)["value"] is True
    assert dumped(None)["value"] is None
    assert dumped(2.5)["value"] == 2.5
    assert dumped(float("nan"))["value"] == "nan"
    assert dumped(float("-inf"))["value"] == "-inf"
    assert dumped(2**60)["value"] == str(2**60)
    assert dumped(10**5000)["value"] == "integer of 16,610 bits"
    assert dumped("hé")["text"] == "hé"
    text = dumped("x" * 5000)
    assert (text["len"], text["text"]) == (5000, "x" * 1000)


def test_containers_show_their_beginning():
    shown = dumped(list(range(100)))
    assert shown["len"] == 100
    assert shown["elements"] == [*range(20), "… 80 more"]
    assert dumped((1, "a"))["repr"] == "(1, 'a')"
    assert dumped({"a": [1, {"b": 2}], 3: None})["items"] == {"a": [1, {"b": 2}], "3": None}
    assert dumped([[[[1]]]])["elements"] == [[["… 1 more"]]]
    assert dumped({1, 2})["repr"] == "{1, 2}"
    assert dumped([Colour.RED])["elements"] == ["<Colour.RED: 1>"]


def test_types_are_qualified():
    assert dumped(Colour.RED)["type"] == f"{__name__}.Colour"
    assert dumped([])["type"] == "list"


class Stubborn:
    def __repr__(self) -> str:
        while True:
            # Code that eats what it does not know gets another interrupt.
            try:
                while True:
                    pass
            except BaseException:
                self.caught = getattr(self, "caught", 0) + 1
                if self.caught > 2:
                    raise


# The default way of timing tests out uses the very timer.
@pytest.mark.timeout(60, method="thread")
def test_a_slow_repr_is_stopped():
    before = signal.getsignal(signal.SIGALRM)
    began = time.perf_counter()
    shown = dumped([Stubborn(), Stubborn(), 5])
    assert time.perf_counter() - began < 3
    assert shown["elements"][2] == 5
    assert "takes too long" in shown["elements"][0]
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_running_timer_is_left_alone():
    def ring(*_: object) -> None:
        raise AssertionError("rang too early")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 60)
    try:
        assert dumped(object())["repr"].startswith("<object")
        assert signal.getsignal(signal.SIGALRM) is ring
        assert 50 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_other_threads_preview_too():
    found: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: found.append(dumped([object(), 1])))
    thread.start()
    thread.join()
    assert found[0]["len"] == 2


def test_a_signal_that_ends_the_process_passes():
    class Interrupts:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        preview(Interrupts())


def test_arrays():
    numpy = pytest.importorskip("numpy")
    shown = dumped(numpy.arange(12.0).reshape(3, 4))
    assert (shown["shape"], shown["dtype"], shown["len"]) == ([3, 4], "float64", 3)
    assert shown["statistics"] == {"nan": 0, "min": 0.0, "max": 11.0, "mean": 5.5}
    assert len(shown["histogram"]["counts"]) == 20
    assert sum(shown["histogram"]["counts"]) == 12
    assert shown["size"] == 96

    missing = dumped(numpy.array([1.0, float("nan"), float("inf")]))
    assert missing["statistics"]["nan"] == 1
    assert missing["statistics"]["max"] == "inf"
    assert dumped(numpy.float32(1.5))["value"] == 1.5
    assert dumped(numpy.bool_(True))["value"] is True
    assert dumped([numpy.int64(3)])["elements"] == ["3"]

    large = dumped(numpy.ones((1000, 1000), order="F")[:, ::3])
    assert large["sampled"] <= 100_000
    assert large["statistics"]["mean"] == 1.0


def test_odd_arrays():
    numpy = pytest.importorskip("numpy")
    for array in (
        numpy.zeros(0),
        numpy.zeros((0, 3)),
        numpy.array(5),
        numpy.array(["a", "b"]),
        numpy.array([Raises(), None], dtype=object),
        numpy.array([1 + 2j]),
        numpy.array([True, False]),
        numpy.array(["2020-01-01"], dtype="datetime64[D]"),
        numpy.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
        numpy.array([1.7e308, -1.7e308]),
        numpy.array([2**64 - 1], dtype="uint64"),
        numpy.array([numpy.nan]),
        numpy.ma.masked_array([1, 2], mask=[True, False]),
        numpy.float16([65504, 65504, 1]),
        numpy.longdouble([1.5]),
        numpy.broadcast_to(numpy.arange(3), (100_000, 3)),
        numpy.datetime64("2020"),
    ):
        assert "incomplete" not in dumped(array), array.dtype


def test_pandas_tables():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "a": range(12),
            "b": [*"aabbccddeef", None],
            "c": pandas.date_range("2020", periods=12),
            "d": [1.5, None] * 6,
            "e": [Raises()] * 12,
        }
    )
    shown = dumped(frame)
    assert shown["shape"] == [12, 5]
    assert [column["name"] for column in shown["schema"]] == list("abcde")
    assert len(shown["rows"]) == 10
    assert shown["rows"][1][:4] == [1, "a", "2020-01-02 00:00:00", "nan"]
    a, b, c, d, _ = shown["statistics"]
    assert a == {
        "name": "a", "count": 12, "nulls": 0, "min": 0, "max": 11, "mean": 5.5, "distinct": 12,
        "histogram": {"low": 0.0, "high": 11.0, "counts": a["histogram"]["counts"]},
    }  # fmt: skip
    assert sum(a["histogram"]["counts"]) == 12
    # Words and dates have no bins, nor has a column of one value.
    assert not any("histogram" in column for column in (b, c, d))
    assert (b["nulls"], b["distinct"], b["min"], b["max"]) == (1, 6, "a", "f")
    assert (d["count"], d["nulls"], d["mean"]) == (6, 6, 1.5)

    series = dumped(frame["a"])
    assert series["shape"] == [12, 1]
    assert series["statistics"] == [a]

    large = dumped(pandas.DataFrame({"a": range(250_000)}))
    assert large["sampled"] <= 100_000
    assert sum(large["statistics"][0]["histogram"]["counts"]) <= 10_000
    wide = dumped(pandas.DataFrame([[0] * 1000]))
    assert (len(wide["rows"][0]), wide["columns_left_out"]) == (50, 950)


def test_odd_pandas_tables():
    pandas = pytest.importorskip("pandas")
    for table in (
        pandas.DataFrame(),
        pandas.DataFrame(columns=["a"]),
        pandas.DataFrame([[1, 2]], columns=["same", "same"]),
        pandas.DataFrame({("a", 1): [1], ("b", 2): [2]}),
        pandas.DataFrame({"x": [[1], [2]], "y": [{}, {"a": 1}]}),
        pandas.Series([1, "a", None, Raises()], name=("odd", 3)),
        pandas.Series([pandas.NA, 1], dtype="Int64"),
        pandas.Series([], dtype="float64"),
        pandas.Series(["x" * 100_000] * 20),
        pandas.DataFrame({"k" * 10_000: [1]}),
    ):
        assert "incomplete" not in dumped(table)
        dumped(table, 300)


def test_tables_of_other_libraries():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1, 2, None], "b": ["x", "y", "y"], "c": [[1], [2], [3]]})
    shown = dumped(frame)
    assert shown["shape"] == [3, 3]
    assert shown["rows"][0][:2] == [1, "x"]
    assert shown["statistics"][0] == {
        "name": "a", "count": 2, "nulls": 1, "min": 1, "max": 2, "mean": 1.5, "distinct": 2,
        "histogram": {"low": 1.0, "high": 2.0, "counts": [1, *[0] * 18, 1]},
    }  # fmt: skip
    assert dumped(frame["b"])["shape"] == [3, 1]
    assert "incomplete" not in dumped(polars.DataFrame())

    arrow = pytest.importorskip("pyarrow")
    shown = dumped(arrow.table({"a": [1, 2, None], "b": ["x", "y", "y"]}))
    assert shown["shape"] == [3, 2]
    assert shown["rows"][2] == [None, "y"]
    assert shown["statistics"][0]["nulls"] == 1
    assert [column["dtype"] for column in shown["schema"]] == ["int64", "string"]
