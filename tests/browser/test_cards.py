"""Cards in a real browser: components show, charts draw, nothing is loaded or complained of."""

import base64
import re
from typing import Any

import pytest
from playwright.sync_api import expect

from falaj.cards import (
    Artifact,
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
from falaj.cards.assets import complete
from falaj.cards.component import describe
from falaj.cards.document import render_document

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
BARS: dict[str, Any] = {
    "data": {"values": [{"a": "A", "b": 28}, {"a": "</script><b>B", "b": 55}]},
    "mark": "bar",
    "encoding": {
        "x": {"field": "a", "type": "nominal"},
        "y": {"field": "b", "type": "quantitative", "title": "How many"},
    },
}


def card(*components: MetaflowCardComponent) -> str:
    """Return a card as it is when opened."""
    described = [describe(component) for component in components]
    return complete(render_document("Title", described, {"pathspec": "F/1/a/2"}))


def timeline() -> EventsTimeline:
    events = EventsTimeline("Calls")
    events.update({"action": "called"}, "success", payloads={"code": PythonCode(code_string="1")})
    return events


def error() -> Error:
    try:
        raise ValueError("did not converge")
    except ValueError as raised:
        return Error(raised, "Training failed")


COMPONENTS = {
    "markdown": (Markdown("# Head\n\nsome **bold** text"), "strong"),
    "table": (Table([["a", 1], [Markdown("*b*"), 2]], ["x", "y"]), "td em"),
    "image": (Image(PNG, "A dot"), "figure img[alt='A dot']"),
    "error": (error(), "[role=alert] summary"),
    "progress": (ProgressBar(10, "Epochs", 4), "[role=progressbar] div"),
    "box": (ValueBox("Revenue", 12, theme="success"), ".box-value"),
    "chart": (VegaChart(BARS), "svg.marks .mark-rect path"),
    "code": (PythonCode(code_string="def f(): pass"), ".k-keyword"),
    "timeline": (timeline(), "ol .event"),
    "json": (JSONViewer({"a": [1, 2]}), ".viewer .tree details[open]"),
    "yaml": (YAMLViewer({"a": [1, 2]}), ".viewed pre"),
    "artifact": (Artifact([1, 5, 2, 8], "losses"), "svg.spark polyline"),
}


@pytest.mark.parametrize("name", COMPONENTS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_component_is_seen(show, name, scheme):
    component, selector = COMPONENTS[name]
    opened = show(card(component), scheme)
    assert opened.page.locator(selector).first.is_visible()
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []


def contrast(page: Any, selector: str) -> float:
    """Return how far an element's colour stands out from what is behind it (WCAG's ratio)."""
    return page.locator(selector).first.evaluate(
        """element => {
          const numbers = text => text.match(/[\\d.]+/g).map(Number);
          const light = text => {
            const [r, g, b] = numbers(text).slice(0, 3).map(v => v / 255)
              .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          let back = element;
          while (back && /, 0\\)$/.test(getComputedStyle(back).backgroundColor))
            back = back.parentElement;
          const a = light(getComputedStyle(element).color);
          const b = light(getComputedStyle(back || document.body).backgroundColor);
          return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_can_be_read(show, scheme):
    page = show(card(*(component for component, _ in COMPONENTS.values())), scheme).page
    for selector in (
        "h1", "header .path", "dt", "th", "td", ".k-keyword", ".k-name", ".k-number", "summary",
        ".error-title", ".error-message", ".box-title", ".box-value", ".note", "figcaption",
        ".viewer button", ".chip", ".muted",
    ):  # fmt: skip
        assert contrast(page, selector) >= 4.5, selector


def test_dark_is_dark_and_paper_is_light(show):
    page = show(card(Markdown("x"), VegaChart(BARS)), "dark").page

    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    def bars() -> str:
        return page.locator(".mark-rect path").first.evaluate("e => getComputedStyle(e).fill")

    dark = background(), bars()
    page.emulate_media(media="print")
    paper = background(), bars()
    page.emulate_media(media="screen", color_scheme="light")
    light = background(), bars()
    assert paper == ("rgb(255, 255, 255)", light[1])
    assert dark[0] != light[0]
    # Charts follow without being drawn anew.
    assert dark[1] != light[1]


def test_on_paper_nothing_is_cut_off(show):
    page = show(card(Table([[n] for n in range(200)]))).page
    assert page.locator(".scroll").evaluate("e => e.scrollHeight > e.clientHeight")
    page.emulate_media(media="print")
    assert page.locator(".scroll").evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    assert page.pdf().startswith(b"%PDF")


def test_a_narrow_screen_has_no_wide_page(show):
    wide = Table([[f"a rather long text {n}" for n in range(20)]])
    page = show(card(*(component for component, _ in COMPONENTS.values()), wide), width=390).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_chart_is_saved_as_an_image(show):
    page = show(card(VegaChart(BARS, show_controls=True))).page
    link = page.locator(".vega-actions a", has_text="SVG")
    link.dispatch_event("mousedown")
    expect(link).to_have_attribute("href", re.compile("^(blob|data):"))
    with page.expect_download() as waiting:
        link.click()
    saved = waiting.value.path().read_text(encoding="utf-8")
    assert "<svg" in saved
    # A saved image knows no style sheet.
    assert "var(" not in saved


@pytest.mark.parametrize("wrong", [{"mark": "stripes"}, {"transform": [{"filter": "datum.("}]}])
def test_a_chart_that_is_wrong_says_so_and_takes_no_other_along(show, wrong):
    page = show(card(VegaChart({**BARS, **wrong}), VegaChart(BARS))).page
    assert "The chart can't be drawn: " in page.locator(".vega .problem").inner_text()
    assert page.locator(".mark-rect path").count() == 2


def test_expressions_of_a_chart_work_without_new_code(show):
    spec = {**BARS, "transform": [{"calculate": "datum.b * 2", "as": "twice"}]}
    spec["encoding"] = {**BARS["encoding"], "y": {"field": "twice", "type": "quantitative"}}
    opened = show(card(VegaChart(spec)))
    assert opened.page.locator(".mark-rect path").count() == 2
    assert "110" in opened.page.locator("svg.marks").text_content()
    assert opened.complaints == []


def test_what_slipped_through_would_still_not_run(show):
    # As if the sanitiser had a hole.
    page = card(VegaChart(BARS)).replace(
        '<div class="body">',
        '<div class="body"><script>document.title="bad"</script><img src="x" '
        'onerror="document.title=\'bad\'"><iframe src="https://example.org"></iframe>'
        '<img src="https://example.org/x.png">',
    )
    opened = show(page)
    assert opened.page.title() == "Title"
    assert {url for url in opened.requests if "example.org" in url} <= opened.forbidden
    assert any("Content Security Policy" in one for one in opened.complaints)


def test_the_copy_button_copies(show):
    page = show(card(JSONViewer({"a": 1}))).page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy]").click()
    page.locator("[data-copy]", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == '{\n  "a": 1\n}'


def test_all_that_folds_is_reached_by_keys(show):
    page = show(card(JSONViewer({"a": {"b": {"c": 1}}}))).page
    folded = page.locator(".tree details:not([open]) > summary").first
    folded.focus()
    folded.press("Enter")
    assert page.locator(".tree details:not([open])").count() == 0


def test_headings_are_in_order(show):
    page = show(card(Markdown("# One\n## Two"))).page
    levels = page.locator("h1,h2,h3").evaluate_all("all => all.map(e => e.tagName)")
    assert levels == ["H1", "H2", "H3"]
    assert page.locator("html").get_attribute("lang") == "en"


def test_hostile_text_stays_text(show):
    hostile = "</script></style><script>document.title='bad'</script><img src=x onerror=alert(1)>"
    spec = {**BARS, "title": hostile, "description": hostile}
    opened = show(
        card(
            Markdown(hostile), Table([[hostile]], [hostile]), JSONViewer({hostile: hostile}),
            ValueBox("x", "y", hostile), PythonCode(code_string=hostile), VegaChart(spec),
            YAMLViewer({hostile: hostile}), Artifact(hostile, hostile), ProgressBar(1, hostile),
            Error(hostile, hostile), Image(PNG, hostile),
        )
    )  # fmt: skip
    assert opened.page.title() == "Title"
    assert opened.complaints == []
    assert opened.page.locator("script").count() == 4


LOOPS = {
    "start": ["b", "c", "end"],
    "b": ["e"],
    "c": ["c", "join"],
    "e": ["f"],
    "f": ["b", "join"],
    "join": ["start", "end"],
    "end": [],
}


def test_no_line_of_a_graph_runs_through_a_step_or_out_of_the_drawing(show):
    steps = [{"name": name, "targets": ends} for name, ends in LOOPS.items()]
    described = {"type": "graph", "graph": {"steps": steps}, "marked": "c", "states": {}}
    page = show(render_document("Title", [described], {})).page
    found = page.locator("svg.graph").evaluate(
        """drawing => {
          const frame = drawing.viewBox.baseVal;
          const boxes = [...drawing.querySelectorAll(".node rect")].map(one => one.getBBox());
          const wrong = [], lines = [...drawing.querySelectorAll(".edge")];
          for (const line of lines)
            for (let way = 0; way <= line.getTotalLength(); way += 1) {
              const { x, y } = line.getPointAtLength(way);
              const within = (one, edge) => x > one.x + edge && x < one.x + one.width - edge
                && y > one.y + edge && y < one.y + one.height - edge;
              if (boxes.some(one => within(one, 1)) || !within(frame, 0))
                wrong.push([line.getAttribute("d"), x, y]);
            }
          return [lines.length, wrong];
        }"""
    )
    assert found == [11, []]


def test_a_large_table_opens(show):
    page = show(card(Table([[n, "text", n / 3] for n in range(100_000)], ["a", "b", "c"]))).page
    assert page.locator("tbody tr").count() == 1000
    assert re.search(r"first 1000 of 100,000 rows", page.locator(".note").inner_text())
