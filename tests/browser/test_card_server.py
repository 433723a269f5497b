"""`card server` in a real browser: the list of cards, and a page that changes while a step runs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

SOURCE = """
import os, time
from falaj import *
from falaj.cards import *

class Loud(MetaflowCard):
    type = "loud"
    def render(self, task):
        return "<h1>LOUD</h1><script>document.title = parent.document.title</script>"

class F(FlowSpec):
    @card(refresh_interval=0)
    @step
    def start(self):
        current.card.append(Markdown("epoch 0"), id="state")
        current.card.append(JSONViewer({"a": {"b": {"c": {"d": 1}}}}))
        current.card.append(Table([[n] for n in range(200)]))
        current.card.append(Markdown("line\\n\\n" * 100))
        for number in (1, 2):
            current.card.components["state"].update(f"epoch {number}")
            current.card.refresh()
            while not os.path.exists(f"go{number}"):
                time.sleep(0.01)
        self.next(self.end)

    @card(type="loud", id="shout")
    @card(type="blank")
    @step
    def end(self):
        current.card.append(ValueBox("All", "done"))
        current.card.append(Markdown("[elsewhere](http://127.0.0.1:9/x)"))
        spec = {"data": {"values": [{"a": 1}]}, "mark": "bar", "encoding": {"y": {"field": "a"}}}
        current.card.append(VegaChart(spec, show_controls=True))

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def running(tmp_path: Path, home: Path) -> Iterator[Any]:
    """Give the folder of a flow that runs, and the address of a server of its cards."""
    (tmp_path / "flow.py").write_text(SOURCE, encoding="utf-8")

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "flow.py", *arguments],
            cwd=tmp_path,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        started.append(process)
        return process

    started: list[subprocess.Popen[str]] = []
    run = start("run")
    assert run.stdout is not None
    # The run is in the records once a task of it has begun.
    for line in run.stdout:
        if "Task is starting" in line:
            break
    server = start("card", "server", "--port", "0", "--poll-interval", "1")
    assert server.stdout is not None
    line = server.stdout.readline()
    assert " at " in line, line
    yield tmp_path, run, line.split(" at ")[1].split()[0]
    server.send_signal(2)
    for process in started:
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def opened(browser: Browser, address: str) -> "tuple[Page, list[str]]":
    page = browser.new_context(viewport={"width": 1180, "height": 800}).new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def test_the_open_page_follows_the_step_and_the_reader_stays_where_they_are(browser, running):
    folder, run, address = running
    page, complaints = opened(browser, address)
    card = page.frame_locator("iframe")
    expect(card.locator(".markdown").first).to_have_text("epoch 1")
    expect(page.locator("nav li")).to_have_text(["start/1default, running"])
    fold = card.locator(".viewer details").first
    expect(fold).to_have_attribute("open", "")
    fold.locator("summary").first.click()
    body = card.locator("body")
    body.evaluate("() => window.scrollTo(0, 300)")
    (folder / "go1").touch()
    expect(card.locator(".markdown").first).to_have_text("epoch 2")
    assert body.evaluate("() => window.scrollY") == 300
    expect(card.locator(".viewer details").first).not_to_have_attribute("open", "")
    (folder / "go2").touch()
    assert run.wait(60) == 0
    expect(page.locator("nav li")).to_have_count(3)
    expect(card.locator(".state")).to_have_text("succeeded")
    expect(page.locator("#state")).to_have_text("succeeded")
    # The one that is open stays open, though others have come before it.
    expect(page.locator("nav button[aria-current=true]")).to_contain_text("start/1")
    assert complaints == []


def test_cards_are_chosen_by_mouse_and_keys_and_reach_nothing_of_the_page(browser, running):
    folder, run, address = running
    (folder / "go1").touch()
    (folder / "go2").touch()
    run.communicate(timeout=60)
    page, _ = opened(browser, address)
    card = page.frame_locator("iframe")
    expect(page.locator("nav li")).to_have_count(3)
    page.locator("nav button", has_text="blank").click()
    expect(card.locator(".box-value")).to_have_text("done")
    page.locator("nav button", has_text="shout").focus()
    page.keyboard.press("Enter")
    expect(card.locator("h1")).to_have_text("LOUD")
    # The card's own script ran, and was stopped at the border of its frame.
    assert card.locator("body").evaluate("() => document.title") == ""
    assert page.title() == "Cards of F/1"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_links_of_a_card_open_charts_are_saved_and_back_leads_out(browser, running):
    folder, run, address = running
    (folder / "go1").touch()
    (folder / "go2").touch()
    run.communicate(timeout=60)
    page, _ = opened(browser, address)
    card = page.frame_locator("iframe")
    for name in ("shout", "default", "blank"):
        page.locator("nav button", has_text=name).click()
        expect(page.locator("nav button[aria-current=true]")).to_contain_text(name)
    with page.context.expect_page():
        card.locator("a", has_text="elsewhere").click()
    link = card.locator(".vega-actions a", has_text="SVG")
    link.dispatch_event("mousedown")
    expect(link).to_have_attribute("href", re.compile("^(blob|data):"))
    with page.expect_download() as saving:
        link.click()
    assert "<svg" in saving.value.path().read_text(encoding="utf-8")
    page.go_back()
    assert page.url == "about:blank"
