"""A real browser, which writes down all that a page says, asks for and gets wrong."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

OPTIONS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Opened:
    """A page that is open: its complaints, what it asked for, and what of that was forbidden."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    forbidden: set[str] = field(default_factory=set)

    def failed(self, request: Request) -> None:
        """Take note of a request that the page's policy stopped."""
        if request.failure == "csp":
            self.forbidden.add(request.url)


def _program() -> str:
    for name in PROGRAMS:
        found = shutil.which(name)
        if found:
            return found
    if shutil.which("apt-get"):
        done = subprocess.run(
            ["apt-get", "install", "-y", "chromium"], capture_output=True, text=True, check=False
        )
        found = shutil.which("chromium")
        if found:
            return found
        pytest.fail(
            f"Tests in a browser need chromium, which apt-get can't install:\n{done.stderr}"
        )
    pytest.fail("Tests in a browser need one of these programs: " + ", ".join(PROGRAMS))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a file of tests one browser.

    No longer: while it is open an event loop runs in this thread, and tests of others want theirs.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=_program(), args=OPTIONS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Return a function that opens HTML as a file, in a `scheme`, and gives what is open."""
    contexts: list[Any] = []

    def opened(html: str, scheme: Any = "light", width: int = 1180) -> Opened:
        path = tmp_path / "card.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 900}, accept_downloads=True
        )
        contexts.append(context)
        found = Opened(context.new_page())
        page = found.page
        page.on("console", lambda message: found.complaints.append(message.text))
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on("request", lambda request: found.requests.append(request.url))
        page.on("requestfailed", found.failed)
        page.goto(path.as_uri())
        for place in page.locator(".vega").all():
            place.locator("svg.marks, .problem").first.wait_for()
        return found

    yield opened
    for context in contexts:
        context.close()
