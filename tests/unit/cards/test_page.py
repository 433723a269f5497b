"""Pages: Markdown, sanitised HTML, highlighted code, charts and what a hostile user can't do."""

import hashlib
import html.parser
import re
from pathlib import Path
from typing import Any

import pytest

from falaj.cards import assets
from falaj.cards.assets import MARK, VEGA, complete
from falaj.cards.document import render_document
from falaj.cards.page.code import highlighted
from falaj.cards.page.figures import figure, moment, size, span
from falaj.cards.page.graph import graph_svg
from falaj.cards.page.markdown import markdown
from falaj.cards.page.sanitise import sanitised

CHART = {"type": "vegaChart", "spec": {"mark": "bar", "data": {"values": [{"a": "</script>"}]}}}


def page(*components: Any) -> str:
    return render_document("Title", list(components), {})


def body(*components: Any) -> str:
    return page(*components).partition('<div class="body">')[2].rpartition("</main>")[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# One", '<h2 class="level-1">One</h2>'),
        ("## Two ##  ", '<h3 class="level-2">Two</h3>'),
        ("# C#", '<h2 class="level-1">C#</h2>'),
        ("# #", '<h2 class="level-1"></h2>'),
        ("#one", "<p>#one</p>"),
        ("One\n===", '<h2 class="level-1">One</h2>'),
        (
            "a *b* **c** ***d***",
            "<p>a <em>b</em> <strong>c</strong> <em><strong>d</strong></em></p>",
        ),
        ("a_b_c _d_ ~~e~~", "<p>a_b_c <em>d</em> <del>e</del></p>"),
        ("*a **b***", "<p><em>a <strong>b</strong></em></p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        ("**a*", "<p>*<em>a</em></p>"),
        ("`a*b*` ``c`d``", "<p><code>a*b*</code> <code>c`d</code></p>"),
        (r"\*a\* \<b>", "<p>*a* &lt;b&gt;</p>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("---", "<hr>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'),
        ("- a\n  - b", "<ul><li>a\n<ul><li>b</li></ul></li></ul>"),
        ("> a\n> b", "<blockquote><p>a\nb</p></blockquote>"),
        ("```\n<x>\n```", '<pre class="code" tabindex="0"><code>&lt;x&gt;</code></pre>'),
        ("    a\n    b", '<pre class="code" tabindex="0"><code>a\nb</code></pre>'),
        ("", ""),
    ],
)
def test_markdown(text, shown):
    assert markdown(text) == shown


def test_markdown_tables_links_and_images():
    table = markdown("| a | b |\n|---|--:|\n| 1 | x\\|y |\n| 2 |")
    assert table.count("<tr>") == 3
    assert '<td style="text-align:right">x|y</td>' in table
    link = markdown('[x](https://example.org/a_(b) "T") <https://a.b> https://c.d/e.')
    assert 'href="https://example.org/a_(b)" title="T"' in link
    assert link.count("<a ") == 3
    assert link.endswith("</a>.</p>")
    image = markdown("![a *b*](data:image/png;base64,QUJD) ![c](https://example.org/c.png)")
    assert '<img src="data:image/png;base64,QUJD" alt="a b">' in image
    assert "[image: c]" in image
    assert "<li><input" in markdown("- [x] done")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](javascript:alert(1))",
        '![" onerror="alert(1)](data:image/png;base64,QUJD)',
        '[x](https://a.b/" onclick="alert(1))',
        "<img src=x onerror=alert(1)>",
        '<https://a.b/"onclick=alert(1)>',
        "`<script>`",
        "```<script>\n</code><script>\n```",
        "| <script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | c |",
    ],
)
def test_markdown_lets_nothing_through(text):
    assert harmless(markdown(text))


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000, "*" * 50_000, "*a " * 20_000, "a*" * 20_000, "`" * 50_000, ">" * 20_000,
        "".join("`" * n + " " for n in range(300)), "- " * 5_000, "  \n" * 50_000, "[a](" * 10_000,
        "![" * 20_000 + "](b)" * 20_000, "|" * 20_000 + "\n" + "|-" * 10_000, "_a*" * 20_000,
        "<https://" * 10_000, "\n".join("  " * n + "- x" for n in range(300)), "x\n" * 100_000,
        "a|b\n-" + " " * 200_000 + "x", "# a" + " " * 200_000 + "b",
        "```" + " " * 200_000 + "`", "[a](" + " " * 200_000 + "x", "a" + " " * 200_000 + "b",
    ],
    ids=range(21),
)  # fmt: skip
@pytest.mark.timeout(20)
def test_markdown_is_quick_however_it_is_made(text):
    assert markdown(text) or not text.strip()


class _Elements(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def harmless(text: str) -> bool:
    """Say whether HTML has nothing that could run, load or lead astray."""
    parser = _Elements()
    parser.feed(text)
    for tag, attributes in parser.found:
        if tag in ("script", "style", "iframe", "object", "embed", "form", "meta", "link", "base"):
            return False
        for name, value in attributes.items():
            text = (value or "").lower().strip()
            if name.startswith("on") or "javascript:" in text or "expression(" in text:
                return False
            if name == "src" and not text.startswith("data:image/"):
                return False
            if "url(" in text and "url(#" not in text:
                return False
    return True


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>x",
        "<SCRIPT SRC=//a.b></SCRIPT>",
        "<script>alert(1)",
        "<img src=x onerror=alert(1)>",
        "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
        "<a href='java&#115;cript:alert(1)'>x</a>",
        "<a href='\x01javascript:alert(1)'>x</a>",
        "<a href='vbscript:x' onclick=alert(1)>x</a>",
        "<svg onload=alert(1)><animate onbegin=alert(1)></svg>",
        "<svg><script>alert(1)</script></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<svg><foreignObject><iframe srcdoc='x'></foreignObject></svg>",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 "
        "onerror=alert(1)&gt;'>",
        "<p style='background:url(https://a.b/c)'>x</p>",
        "<p style='background:u\\72l(https://a.b/c)'>x</p>",
        "<p style='width:expression(alert(1))'>x</p>",
        "<rect fill='url(https://a.b/c)' />",
        "<form action='https://a.b'><input name=x><button>send</button></form>",
        "<iframe src='https://a.b'></iframe><object data=x></object><embed src=x>",
        "<meta http-equiv=refresh content='0;url=https://a.b'><base href='https://a.b'>",
        "<link rel=stylesheet href=x>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<!-- x --!><img src=x onerror=alert(1)>",
        "<![CDATA[<img src=x onerror=alert(1)>]]>",
        "<xmp><img src=x onerror=alert(1)></xmp>",
        "<div" + " a" * 1000 + "><<<img src=x onerror=alert(1)//",
        "</div></main></body></html><script>alert(1)</script>",
        "<textarea><img src=x onerror=alert(1)></textarea>",
        MARK,
    ],
)
def test_html_of_users_can_do_nothing(text):
    shown = sanitised(text)
    assert harmless(shown)
    assert MARK not in shown
    assert harmless(body({"type": "html", "html": text}))


def test_html_of_users_shows_what_it_should():
    text = (
        '<h2 style="color: red; position: fixed">A &amp; B</h2><table><tr><td colspan="2">1</td>'
        '</tr></table><a href="https://a.b/c?d=1&amp;e=2">x</a><svg viewBox="0 0 1 1"><path '
        'd="M0 0" fill="none"/></svg><details open><summary>s</summary>t</details>'
    )
    shown = sanitised(text)
    assert '<h2 style="color:red">A &amp; B</h2>' in shown
    assert '<td colspan="2">1</td>' in shown
    assert 'href="https://a.b/c?d=1&amp;e=2" rel="noopener noreferrer nofollow"' in shown
    assert '<svg viewbox="0 0 1 1"><path d="M0 0" fill="none"></path></svg>' in shown
    assert '<details open=""><summary>s</summary>t</details>' in shown


def test_what_users_leave_open_is_closed():
    assert sanitised("<b><i>x") == "<b><i>x</i></b>"
    assert sanitised("</b>x</i>") == "x"
    assert sanitised("<b><i>x</b>y") == "<b><i>x</i></b>y"
    assert sanitised("<div>" * 10_000).count("<div>") == 200


@pytest.mark.parametrize("mark", ["<![word]>", "<![word[x]]>", "<![if !x]>", "<![endif]>", "<!x>"])
def test_marks_of_other_programs_are_no_text(mark):
    assert sanitised(f"a{mark}<b>b</b>") == "a<b>b</b>"
    assert "<b>b</b>" in body(f"a{mark}<b>b</b>")


def test_code_is_coloured_and_whole():
    code = '@step\ndef f(self, x=1.5):\n    """Doc."""\n    return len(f"{x} é") < 2  # why\n'
    shown = highlighted(code)
    for kind, text in (("keyword", "def"), ("name", "f"), ("number", "1.5"), ("builtin", "len")):
        assert f'<span class="k-{kind}">{text}</span>' in shown
    assert text_in(shown) == code
    for broken in ("def (", "'''", "\tx\n  y", "<script>", "a\\", "\x0c", "x = $", ""):
        assert text_in(highlighted(broken)) == broken


def text_in(shown: str) -> str:
    import html as library

    return library.unescape(re.sub(r"</?span[^>]*>", "", shown))


def test_a_page_allows_no_script_but_its_own():
    text = page({"type": "markdown", "source": "x"})
    policy = re.search(r'content="(default-src[^"]*)"', text)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    scripts = re.search(r"script-src ([^;]*);", policy[1])
    assert scripts is not None
    assert "unsafe" not in scripts[1]
    # The policy comes before all that a user wrote.
    assert text.index("Content-Security-Policy") < text.index("<title>")
    assert text.count("<script>") == 1


def test_the_chart_library_is_put_in_when_a_card_is_opened():
    stored = page(CHART)
    opened = complete(stored)
    assert stored.count(MARK) == 1
    assert len(stored) < 40_000
    assert MARK not in opened
    assert opened.count("<script>") == 4
    allowed = re.search(r"script-src ([^;]*);", opened)
    assert allowed is not None
    assert len(allowed[1].split()) == 4
    assert complete(opened) == opened
    without = page({"type": "markdown", "source": MARK})
    assert MARK not in without
    assert complete(without) == without


def test_a_users_own_page_may_ask_for_the_library():
    own = f"<html><body><p>mine</p>{MARK}<p>script-src x</p></body></html>"
    opened = complete(own)
    assert opened.startswith("<html><body><p>mine</p><script>")
    assert opened.endswith("<p>script-src x</p></body></html>")


def test_without_the_library_a_chart_stays_a_line(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "folder", lambda: str(tmp_path))
    stored = page(CHART)
    assert complete(stored) == stored
    assert "drawn when the card is opened" in stored


def test_the_chart_library_is_what_it_should_be():
    folder = Path(assets.folder())
    for name, source in VEGA.items():
        data = (folder / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == source["sha256"], name
        # What would end the element early, or change the text that the policy's hash is of.
        assert not re.search(rb"</script|<!--|\r|\x00", data, re.IGNORECASE)
    licences = {path.name for path in folder.glob("LICENSE.*")}
    assert {f"LICENSE.{source['package']}" for source in VEGA.values()} <= licences


def test_a_chart_does_not_load_its_data():
    spec = {"layer": [{"data": {"url": "https://a.b/c.csv"}, "mark": "bar"}]}
    assert "takes its data from https://a.b/c.csv" in body({"type": "vegaChart", "spec": spec})


def test_a_chart_of_too_much_data_says_so():
    rows = [{"a": "x" * 100}] * 100_000
    shown = body({"type": "vegaChart", "spec": {"mark": "bar", "data": {"values": rows}}})
    assert "summary or a sample" in shown
    assert len(shown) < 1000


def test_one_bad_component_does_not_spoil_the_others():
    shown = body(
        {"type": "table", "data": 3},
        {"type": "unheard of"},
        {"type": "image", "src": "https://a.b/c.png"},
        {"type": "vegaChart"},
        {"type": "progressBar", "max": "x", "value": None},
        {"type": "valueBox", "value": "v", "theme": 'x" onclick="y'},
        {"type": "jsonViewer", "json_string": "[" * 100_000, "max_height": "1px;position:fixed"},
        None,
        3,
        {"type": "markdown", "source": "the last"},
    )
    assert "the last" in shown
    assert "no component of type &#x27;unheard of&#x27;" in shown
    assert harmless(shown)
    assert "position:fixed" not in shown


def test_components_that_hold_themselves_end():
    one: dict[str, Any] = {"type": "table", "columns": []}
    one["data"] = [[one]]
    assert "Too many components within each other" in body(one)


def test_titles_and_facts_are_text():
    text = render_document(
        "<b>\ud800\x00",
        [],
        {"pathspec": "<i>/1", "state": "<s>", "rows": [("<u>", "<u>")], "note": "<n>"},
    )
    text.encode()
    assert "\x00" not in text
    assert not re.search(r"<(?:b|i|s|u|n)>", text)


def test_graphs_of_every_shape():
    def drawn(**targets: list[str]) -> str:
        steps = [{"name": name, "targets": ends} for name, ends in targets.items()]
        return graph_svg({"steps": steps}, "b", {"a": "succeeded"})

    assert drawn(a=["b", "c"], b=["d"], c=["d"], d=[]).count('class="edge"') == 4
    assert drawn(a=["a", "b"], b=["a"]).count("<rect") == 2
    assert drawn(a=["gone"]).count('class="edge"') == 0
    assert drawn(**{f"s{n}": [] for n in range(500)}) == ""
    assert graph_svg({}, "a", {}) == ""
    assert "<script>" not in drawn(**{"<script>": []})
    # Two cases of a switch that lead to the same step are one line.
    assert drawn(a=["b", "b"], b=[]).count('class="edge"') == 1


def test_a_loop_is_drawn_in_the_order_of_its_steps():
    targets = {"way": ["again", "end"], "again": ["again", "way"], "start": ["again"], "end": []}
    steps = [{"name": name, "targets": ends} for name, ends in targets.items()]
    shown = graph_svg({"steps": steps}, "start", {})
    left = {name: float(x) for x, name in re.findall(r'<text x="([^"]*)"[^>]*>(\w+)<', shown)}
    assert sorted(left, key=lambda name: left[name]) == ["start", "again", "way", "end"]
    assert len(set(left.values())) == 4
    assert shown.count('class="edge"') == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2024, "2024"), (12345, "12,345"), (1.0, "1"), (0.5, "0.5"), (4618523.25, "4,618,523"),
        (1234.5678, "1234.57"), (1e-7, "1e-07"), (float("nan"), "nan"), (True, "True"), ("x", "x"),
        (-0.001234, "-0.001234"), (1e300, "1e+300"),
    ],
)  # fmt: skip
def test_numbers_as_people_read_them(value, text):
    assert figure(value) == text


def test_sizes_and_spans_as_people_read_them():
    assert (size(5), size(2048), size(5 << 30)) == ("5 B", "2.0 KiB", "5.0 GiB")
    spans = [span(s) for s in (None, 0.085, 12.5, 200, 7500, 90_000)]
    assert spans == ["", "85 ms", "12.5 s", "3 min 20 s", "2 h 5 min", "1 d 1 h"]
    assert moment(1e300) == "1e+300"
