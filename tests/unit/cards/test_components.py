"""Components describe themselves as strict JSON values, whatever they are given."""

import base64
import json
from typing import Any

import pytest
import yaml

from falaj.cards import (
    Artifact,
    CardComponent,
    Error,
    EventsTimeline,
    Image,
    JSONViewer,
    Markdown,
    MetaflowCardComponent,
    ProgressBar,
    PythonCode,
    Table,
    ValueBox,
    VegaChart,
    YAMLViewer,
)
from falaj.cards.component import describe
from falaj.cards.images import MOST_BYTES

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def described(component: Any) -> dict[str, Any]:
    """Return a component's description after a way through strict JSON."""
    found = describe(component)
    return json.loads(json.dumps(found, allow_nan=False).encode())


def test_markdown_loses_its_common_indentation():
    text = Markdown("\n        # Title\n          - item\n    ").render()["source"]
    assert text == "# Title\n  - item"


def test_markdown_can_change():
    component = Markdown("a")
    component.update("b")
    assert component.render()["source"] == "b"
    assert Markdown().render()["source"] == ""


def test_the_id_is_kept_and_is_a_string():
    component = Markdown("a")
    component.component_id = "mine"
    assert component.render()["id"] == "mine"
    with pytest.raises(TypeError, match="string, not int"):
        component.component_id = 3  # type: ignore[assignment]


def test_an_id_is_made_where_none_was_given():
    one, other = Markdown("a"), Markdown("b")
    assert one.component_id is None
    assert one.render()["id"] != other.render()["id"]
    assert one.render()["id"] == one.component_id


def test_code_of_a_function_and_of_a_string():
    def local(x: int) -> int:
        return x + 1

    assert PythonCode(local).render()["data"].startswith("def local(x: int)")
    component = PythonCode(code_string="    a = 1\n    b = 2")
    assert component.render()["data"] == "a = 1\nb = 2"
    component.update(code_string="c")
    assert component.render()["data"] == "c"
    assert "not known" in PythonCode(len).render()["data"]


def test_a_table_takes_numbers_words_and_components():
    data = [["a", 1, float("nan")], [Markdown("b"), None, True], "text"]
    found = described(Table(data, ["x", "y", "z"]))
    assert found["columns"] == ["x", "y", "z"]
    assert found["data"][0] == ["a", 1, "nan"]
    assert found["data"][1][0]["type"] == "markdown"
    assert found["data"][2] == ["text"]


def test_a_table_shows_its_first_rows_and_says_how_many_there_are():
    found = described(Table([[i, i] for i in range(100_000)]))
    assert (len(found["data"]), found["rows"]) == (1000, 100_000)
    wide = described(Table([list(range(500))]))
    assert (len(wide["data"][0]), wide["left_out"]) == (200, 300)
    assert described(Table())["data"] == []
    # A row that is one text has one cell, however long it is.
    assert "left_out" not in described(Table(["x" * 500]))


def test_a_table_is_not_updated_as_a_whole():
    table = Table([["a"]])
    with pytest.warns(UserWarning, match="Table has no update"):
        table.update([["b"]])
    assert table.render()["data"] == [["a"]]


def test_tables_of_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": range(30), "b": ["x"] * 30})
    found = described(Table.from_dataframe(frame))
    assert found["columns"] == ["", "a", "b"]
    assert (len(found["data"]), found["rows"]) == (10, 30)
    assert found["data"][3] == [3, 3, "x"]
    assert len(described(Table.from_dataframe(frame, truncate=False))["data"]) == 30
    several = described(Table.from_dataframe(frame.set_index(["b", "a"], append=True)))
    assert several["columns"] == ["", "b", "a"]
    assert described(Table.from_dataframe(frame["a"]))["columns"] == ["", "a"]


def test_tables_of_other_frames_and_of_none():
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    for frame in (polars.DataFrame({"a": range(30)}), arrow.table({"a": list(range(30))})):
        found = described(Table.from_dataframe(frame))
        assert (found["columns"], found["data"][2], found["rows"]) == (["a"], [2], 30)
    assert "can't be made of dict" in described(Table.from_dataframe({}))["columns"][0]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "png"),
        (b"\xff\xd8\xff\xe0rest", "jpeg"),
        (b"GIF89arest", "gif"),
        (b"RIFF0000WEBPrest", "webp"),
        (b'<?xml version="1.0"?><svg xmlns="x"></svg>', "svg+xml"),
    ],
)
def test_the_kind_of_an_image_is_in_its_bytes(data, kind):
    assert Image(data, "it").render()["src"].startswith(f"data:image/{kind};base64,")
    again = Image(Image(data).render()["src"])
    assert again.render()["src"] == Image(data).render()["src"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (None, "not as NoneType"),
        ("plot.png", "open(path, 'rb').read()"),
        ("data:image/png;base64,%%%", "no valid base64"),
        ("data:image/png;base64,QUJD", "no PNG"),
        (b"", "no PNG"),
        (b"<html><svg>", "no PNG"),
        (PNG + b"0" * MOST_BYTES, "8.0 MiB; a card shows up to 8 MiB"),
    ],
)
def test_what_is_no_image_leaves_a_note(source, words):
    found = described(Image(source))
    assert words in found["problem"]
    assert "src" not in found


def test_images_of_libraries():
    pillow = pytest.importorskip("PIL.Image")
    figures = pytest.importorskip("matplotlib.figure")
    image = Image.from_pil_image(pillow.new("RGB", (2, 2)), "two")
    assert (image.render()["src"][:14], image.render()["label"]) == ("data:image/png", "two")
    figure = figures.Figure()
    axes = figure.subplots()
    for plot in (figure, axes):
        assert Image.from_matplotlib(plot).render()["src"].startswith("data:image/png")
    image.update(figure, "figure")
    assert image.render()["label"] == "figure"
    image.update(PNG)
    assert image.render()["src"].endswith(base64.b64encode(PNG).decode())
    assert "no figure" in described(Image.from_matplotlib("text"))["problem"]
    assert "no image of Pillow" in described(Image.from_pil_image("text"))["problem"]


def test_a_value_box_checks_what_it_is_given():
    box = ValueBox("Title", 12.5, "below", "success", "up")
    assert box.render()["value"] == 12.5
    box.update(value="13", change_indicator="down")
    found = box.render()
    assert (found["value"], found["change_indicator"], found["title"]) == ("13", "down", "Title")
    for wrong, words in (
        ({"title": 3}, "title is a string, not int"),
        ({"value": []}, "value is a string or a number, not list"),
    ):
        with pytest.raises(TypeError, match=words):
            ValueBox(**wrong)
    for wrong, words in (
        ({"title": " "}, "title is empty"),
        ({"title": "x" * 201}, "201 characters; at most 200"),
        ({"value": "x" * 101}, "101 characters; at most 100"),
        ({"value": 1e16}, "beyond 1e15"),
        ({"theme": "a b"}, "Themes are default"),
    ):
        with pytest.raises(ValueError, match=words):
            ValueBox(**wrong)
    assert described(ValueBox(value=float("nan")))["value"] == "nan"


def test_a_progress_bar_moves():
    bar = ProgressBar(10, "Epochs", unit="epochs")
    bar.update(4, "loss 0.1")
    found = described(bar)
    assert (found["value"], found["max"], found["details"]) == (4, 10, "loss 0.1")
    bar.update(5)
    assert described(bar)["details"] == "loss 0.1"


def test_a_chart_loses_what_json_can_not_hold():
    numpy = pytest.importorskip("numpy")
    spec = {"data": {"values": [{"x": numpy.int64(3), "y": float("nan")}]}, "mark": "bar"}
    found = described(VegaChart(spec))
    assert found["spec"]["data"]["values"] == [{"x": 3, "y": None}]
    assert found["options"] == {"actions": False}
    assert "options" not in described(VegaChart(spec, show_controls=True))
    with pytest.raises(TypeError, match="from_altair_chart"):
        VegaChart("bar")  # type: ignore[arg-type]


def test_charts_of_altair():
    altair = pytest.importorskip("altair")
    chart = altair.Chart(altair.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    assert described(VegaChart.from_altair_chart(chart))["spec"]["mark"]["type"] == "point"
    layered = VegaChart.from_altair_chart(chart + chart)
    assert len(described(layered)["spec"]["layer"]) == 2
    layered.update(chart)
    assert "mark" in described(layered)["spec"]
    with pytest.raises(ValueError, match="not dict"):
        VegaChart.from_altair_chart({})


def test_events_come_latest_first_and_are_counted():
    events = EventsTimeline("Calls", max_events=2)
    given = {"action": "a"}
    events.update(given)
    events.update({"action": "b"}, style_theme="success", payloads={"x": Markdown("y")})
    events.update({"action": "c", "timestamp": 5}, priority="high", finished=True)
    found = described(events)
    assert [event["metadata"]["action"] for event in found["events"]] == ["c", "b"]
    assert found["events"][0]["metadata"]["timestamp"] == 5
    assert found["events"][1]["payloads"]["x"]["source"] == "y"
    assert (found["stats"]["total_events"], found["stats"]["finished"]) == (3, True)
    # The caller's own dict stays as it was.
    assert given == {"action": "a"}
    with pytest.raises(TypeError, match="payload 'x' is VegaChart"):
        events.update({}, payloads={"x": VegaChart({})})
    with pytest.raises(ValueError, match="Themes are ai_response"):
        events.update({}, style_theme="a b")


def test_json_and_yaml():
    data: dict[str, Any] = {
        "a b": [1, 2.5, None, True, [], {}, [[1], {"x": [{"y": "z"}]}]],
        "text": "one\ntwo\n\nthree",
        "ends": "one\n",
        "spaces": "  led\nby",
        "words": ["yes", "null", "1.5", "", "- x", "a: b", "#c", "é", "ümlaut: ja", "@x", "\t"],
        "1": {"-": "?", "nested": {"deep": [{"k": "v", "l": [1]}]}},
    }
    assert json.loads(described(JSONViewer(data))["json_string"]) == data
    assert yaml.safe_load(described(YAMLViewer(data))["yaml_string"]) == data
    assert described(YAMLViewer('{"a": 1}'))["yaml_string"] == "a: 1\n"
    assert described(YAMLViewer("free: text"))["yaml_string"] == "free: text"
    viewer = JSONViewer("not json", title="T", max_height="10px", show_copy_button=False)
    assert described(viewer)["json_string"] == '"not json"'
    viewer.update([1])
    assert json.loads(described(viewer)["json_string"]) == [1]


def test_an_error_has_its_traceback():
    try:
        raise KeyError("gone")
    except KeyError as error:
        found = described(Error(error, "Title"))
    assert (found["title"], found["name"], found["message"]) == ("Title", "KeyError", "'gone'")
    assert "raise KeyError" in found["traceback"]
    assert described(Error("words"))["message"] == "words"


def test_an_artifact_shows_its_preview():
    found = described(Artifact({"a": [1, 2]}, "mine"))
    assert (found["name"], found["preview"]["type"]) == ("mine", "dict")
    whole = described(Artifact(list(range(100)), compressed=False))
    assert "99]" in whole["text"]


class Broken(MetaflowCardComponent):
    """Fails in its render."""

    def render(self) -> str:
        raise RuntimeError("no")


class Own(CardComponent):
    """Gives what it is told to."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def render(self) -> Any:
        return self.made


def test_components_of_a_users_own():
    assert described(Own("<b>x</b>"))["html"] == "<b>x</b>"
    assert described(Own({"type": "markdown", "source": float("inf")}))["source"] == "inf"
    assert "returned list" in described(Own([]))["title"]
    found = described(Broken())
    assert "Broken could not be rendered" in found["title"]
    assert "RuntimeError" in found["traceback"]
    with pytest.raises(NotImplementedError, match="has no render"):
        MetaflowCardComponent().render()
    found = described(Table([[Broken(), "x"]]))
    assert found["data"][0][0]["type"] == "error"


class Hostile:
    """Answers every question with an exception."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


def nested(depth: int) -> Any:
    """Return lists within each other."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "value",
    ["\ud800", "\x00", Hostile(), nested(500), CYCLE, {Hostile(): 1}, 10**400, b"\xff", {1, 2}],
    ids=["surrogate", "zero", "hostile", "deep", "cycle", "key", "huge", "bytes", "set"],
)
def test_no_value_is_too_much(value):
    for component in (
        Markdown(value),
        Table([[value]], [value]),
        Artifact(value, "x"),
        JSONViewer(value),
        YAMLViewer(value),
        VegaChart({"data": {"values": [value]}}),
        Error(value),
        ProgressBar(value, value, value, value),
        Image(value),
    ):
        assert described(component)["type"]
