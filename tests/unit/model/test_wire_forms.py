"""Values that cross processes come back as they were from JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falaj.model.graph import DecoratorSpec, FlowDescription, Graph, ParameterSpec, StepSpec
from falaj.model.loglines import LogLine, format_line, parse_line
from falaj.model.orders import (
    ErrorInfo,
    Frame,
    InputRef,
    Order,
    Report,
    Transition,
    indices_of,
)
from falaj.model.records import pack_ids, unpack_ids

STEP = StepSpec(
    "a", "linear", ("b",), None, False, (DecoratorSpec("retry", {"times": 3}),), "d", "f", 3
)
FLOW = FlowDescription(
    name="F",
    doc="doc",
    file="flow.py",
    steps=(STEP, STEP._replace(name="b", targets=(), kind="end", decorators=())),
    parameters=(ParameterSpec("p", "p", "int", 3, False, True, "h", None, True, True, "utf-8", 4),),
    start="a",
    end="b",
    siblings=("G",),
    decorators=(DecoratorSpec("pypi_base", {"packages": {"six": ""}}, 2, False, "flow.py"),),
)
ORDER = Order(
    kind="task",
    flow="F",
    run=1,
    step="a",
    task=2,
    attempt=0,
    inputs=(InputRef("s", 1, "m"),),
    frames=(Frame("s", "xs", 2, 5, "v"), Frame("t", "ys", 0, 1, "w")),
    parameters=None,
    options={"timeout": 3.0},
    context={"tags": ["x"]},
)
REPORT = Report(
    "caught", "m", Transition(("a",), "xs", 2, "v"), ErrorInfo("E", "m", "t", "l"), "", {}
)


@pytest.mark.parametrize(
    "value",
    [
        FLOW,
        ORDER,
        ORDER._replace(inputs=(), frames=(), parameters="p"),
        REPORT,
        REPORT._replace(transition=None, error=None, manifest=None),
        REPORT._replace(environment="e"),
    ],
)
def test_what_goes_over_the_wire_comes_back(value):
    assert type(value).from_wire(json.loads(json.dumps(value.to_wire()))) == value


def test_indices_are_those_of_the_frames_from_outside():
    assert indices_of(ORDER.frames) == [2, 0]


def test_a_steps_decorator_is_found_by_name():
    found = FLOW.step("a").decorator("retry")
    assert found is not None
    assert found.attributes == {"times": 3}
    assert FLOW.step("a").decorator("catch") is None
    assert FLOW.decorator("pypi_base") == FLOW.decorators[0]
    assert FLOW.decorator("retry") is None
    with pytest.raises(KeyError):
        FLOW.step("absent")


def test_descendants_are_the_named_steps_and_all_after_them():
    graph = Graph(FLOW)
    assert graph.order == ("a", "b")
    assert graph.parents == {"a": [], "b": ["a"]}
    assert graph.descendants(["a"]) == {"a", "b"}
    assert graph.descendants(["b"]) == {"b"}


@given(ids=st.lists(st.integers(1, 40), unique=True).map(sorted).map(tuple))
def test_ids_come_back_from_their_short_form(ids):
    assert unpack_ids(pack_ids(ids)) == ids


def test_a_wide_joins_ids_are_short():
    assert pack_ids(tuple(range(2, 100_002))) == "2-100001"
    assert pack_ids((1, 2, 3, 7, 9, 10)) == "1-3,7,9-10"


@given(
    at=st.integers(0, 2**40).map(float),
    stream=st.sampled_from("oe"),
    text=st.binary().filter(lambda text: b"\n" not in text),
    whole=st.booleans(),
)
def test_a_log_line_comes_back(at, stream, text, whole):
    line = LogLine(at, stream, text, whole)
    assert parse_line(format_line(line)) == line


@pytest.mark.parametrize("stored", [b"", b"\n", b"1.0", b"1.0 x text", b"when o text", b"1.0 oo t"])
def test_a_torn_or_foreign_log_line_is_none(stored):
    assert parse_line(stored) is None
