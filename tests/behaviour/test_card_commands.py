"""`card list`, `get`, `view`, `create` and `server`, of a flow and of `falaj`."""

import contextlib
import json
import socket
import struct
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pagetext import text_on

from falaj.cards import get_cards

SOURCE = """
import os
from falaj import *
from falaj.cards import Markdown, MetaflowCard

class Mine(MetaflowCard):
    type = "mine"
    ALLOW_USER_COMPONENTS = True
    RUNTIME_UPDATABLE = True
    def render(self, task):
        if not os.path.exists("works"):
            raise ValueError("not yet")
        return f"<p>mine {self.options} {len(self.components)}"
    def render_runtime(self, task, data):
        return "runtime"
    def refresh(self, task, data):
        return {"mode": data["mode"]}

class F(FlowSpec):
    @card
    @card(type="blank", id="b")
    @card(type="mine", id="m")
    @step
    def start(self):
        current.card["b"].append(Markdown("in b"))
        current.card["m"].append(Markdown("in m"))
        self.next(self.end)
    @card
    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def done(project: Any) -> Any:
    """A finished run with four cards, one of which could not be rendered."""
    return project.run(SOURCE)


def falaj(project: Any, *arguments: str, code: int = 0) -> str:
    """Run `falaj ARGUMENTS` and return all that it said."""
    command = [sys.executable, "-m", "falaj_control.cli.main", *arguments]
    found = subprocess.run(
        command,
        cwd=project.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert found.returncode == code, found.stdout
    return found.stdout


def test_list_shows_the_cards_of_the_latest_run_a_step_or_a_task(project, done):
    rows = project.command("card", "list").out.splitlines()[1:]
    assert [row.split()[:2] for row in rows] == [
        ["F/1/start/1", "default"],
        ["F/1/start/1", "blank"],
        ["F/1/start/1", "mine"],
        ["F/1/end/2", "default"],
    ]
    assert len(project.command("card", "list", "end").out.splitlines()) == 2
    assert len(project.command("card", "list", "1/start").out.splitlines()) == 4
    assert len(project.command("card", "list", "start", "--type", "blank").out.splitlines()) == 2
    assert falaj(project, "card", "list", "F/1/end/2").count("default") == 1
    assert "Name a run" in falaj(project, "card", "list", code=2)


def test_list_as_json(project, done):
    found = json.loads(project.command("card", "list", "1/start/1", "--as-json").out)
    assert found["pathspec"] == "F/1/start/1"
    assert [sorted(one) for one in found["cards"]] == [["filename", "hash", "id", "type"]] * 3
    assert [one["id"] for one in found["cards"]] == [None, "b", "m"]
    project.command("card", "list", "1", "--file", "cards.json")
    whole = json.loads((project.folder / "cards.json").read_text())
    assert [len(one["cards"]) for one in whole] == [3, 1]


def test_get_writes_one_page(project, done):
    assert "in b" in project.command("card", "get", "start", "--id", "b").out
    project.command("card", "get", "1/end/2", "page.html")
    assert "F / 1 / end / 2" in text_on((project.folder / "page.html").read_text())
    hashed = get_cards("F/1/start/1")[1].hash
    assert "in b" in project.command("card", "get", "1/start", "--hash", hashed[:6]).out
    refused = project.command("card", "get", "start", code=1).err
    assert "has 3 cards; choose one by its hash" in refused
    assert hashed[:8] in refused
    assert "no such card" in project.command("card", "get", "start", "--id", "zz", code=1).err


def test_get_names_the_first_of_very_many_cards(project):
    project.run("""
    class F(FlowSpec):
        @step
        def start(self):
            self.xs = list(range(23))
            self.next(self.body, foreach="xs")

        @card(type="taskspec_card")
        @step
        def body(self):
            self.next(self.join)

        @step
        def join(self, inputs):
            self.next(self.end)

        @step
        def end(self):
            pass
    """)
    refused = project.command("card", "get", "body", code=1).err
    assert "has 23 cards" in refused
    assert refused.count(" --hash ") == 20
    assert "… and 3 more" in refused


def test_view_says_where_the_page_lies(project, done):
    path = project.command("card", "view", "end", "--no-open").out.strip()
    assert "F / 1 / end / 2" in text_on(Path(path).read_text())


def test_create_renders_again_what_could_not_be_rendered(project, done):
    assert "not yet" in project.command("card", "get", "start", "--id", "m").out
    refused = project.command("card", "create", "start", "--type", "mine", "--id", "m", code=1).err
    assert "not yet" in refused
    (project.folder / "works").touch()
    project.command("card", "create", "start", "--type", "mine", "--id", "m")
    assert project.command("card", "get", "start", "--id", "m").out == "<p>mine {} 1\n"
    assert len(get_cards("F/1/start/1")) == 3


def test_create_renders_the_card_that_could_not_be_rendered_and_no_other(project):
    source = SOURCE.replace("not os.path.exists", "self.options['n'] == 2 and not os.path.exists")
    two = "\n    ".join(f'@card(type="mine", options={{"n": {n}}})' for n in (1, 2))
    source = source.replace('@card(type="mine", id="m")', two)
    added = 'for n, page in enumerate(current.card.get("mine"), 1):\n'
    added += '            page.extend([Markdown("x")] * n)'
    done = project.run(source.replace('current.card["m"].append(Markdown("in m"))', added))
    task = done.run["start"].task.pathspec
    assert [card.record.state for card in get_cards(task, type="mine")] == ["rendered", "failed"]
    (project.folder / "works").touch()
    project.command("card", "create", "start", "--type", "mine")
    shown = [card.get() for card in get_cards(task, type="mine")]
    assert shown == ["<p>mine {'n': 1} 1", "<p>mine {'n': 2} 2"]


def test_create_keeps_the_components_of_a_card_that_was_to_leave_no_error(project):
    source = SOURCE.replace('type="mine", id="m"', 'type="mine", id="m", save_errors=False')
    task = project.run(source).run["start"].task.pathspec
    assert len(get_cards(task, id="m")) == 0
    (project.folder / "works").touch()
    project.command("card", "create", "start", "--type", "mine", "--id", "m")
    assert get_cards(task, id="m")[0].get() == "<p>mine {} 1"


def test_create_adds_a_card(project, done):
    (project.folder / "works").touch()
    (project.folder / "parts.json").write_text(json.dumps(["<b>one</b>", {"type": "x"}]))
    arguments = ("--type", "mine", "--options", '{"a": 1}', "--component-file", "parts.json")
    falaj(project, "card", "create", "flow.py", "1/end/2", *arguments)
    (card,) = get_cards("F/1/end/2", type="mine")
    assert card.get() == "<p>mine {'a': 1} 2"
    assert len(get_cards("F/1/end/2")) == 2


def test_create_by_other_methods(project, done):
    told = project.command("card", "create", "1/end/2", "--type", "mine", "--mode", "refresh").out
    assert json.loads(told) == {"mode": "refresh"}
    project.command("card", "create", "1/end/2", "--type", "mine", "--mode", "render_runtime")
    assert get_cards("F/1/end/2", type="mine")[0].get() == "runtime"


def test_create_keeps_an_error_where_it_is_told_to(project, done):
    arguments = ("card", "create", "1/end/2", "--type", "mine", "--render-error-card")
    assert "A card with the error was kept" in project.command(*arguments, code=1).err
    assert "not yet" in get_cards("F/1/end/2", type="mine")[0].get()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--options", "{"), "--options takes JSON"),
        (("--options", "[]"), "takes an object"),
        (("--component-file", "flow.py"), "holds no components"),
        (("--component-file", "one.json"), "holds no components"),
        (("--component-file", "deep.json"), "holds no components"),
        (("--options", "[" * 100_000), "--options takes JSON"),
        (("--timeout", "0"), "--timeout"),
    ],
)
def test_create_refuses_what_makes_no_sense(project, done, arguments, told):
    (project.folder / "one.json").write_text('{"type": "markdown", "source": "x"}')
    (project.folder / "deep.json").write_text("[" * 100_000)
    assert told in project.command("card", "create", "1/end/2", *arguments, code=2).err


@pytest.mark.parametrize("seconds", ["inf", "nan", "1e400", "1e10", "0"])
def test_create_refuses_a_time_that_never_ends(project, done, seconds):
    refused = project.command("card", "create", "1/start", "--timeout", seconds, code=2)
    assert "Invalid value for '--timeout'" in refused.err


def test_create_without_the_flow_says_so(project, done):
    assert "Name the flow's file" in falaj(project, "card", "create", "F/1/end/2", code=1)


@pytest.fixture
def server(project: Any, done: Any) -> Iterator[str]:
    """The address of a server of the run's cards."""
    process = project.start("card", "server", "--port", "0", "--poll-interval", "1")
    line = process.stdout.readline()
    yield line.split(" at ")[1].split()[0]
    process.send_signal(2)
    process.wait(30)


def fetch(address: str, **headers: str) -> "tuple[int, Any, str]":
    request = urllib.request.Request(address, headers=headers)
    # A proxy of the environment has no business with this machine's own addresses.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with contextlib.closing(opener.open(request, timeout=30)) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with contextlib.closing(error):
            return error.code, error.headers, error.read().decode()


def test_the_server_lists_and_shows_the_cards_of_the_latest_run(project, server):
    status, headers, page = fetch(server)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "1000" in page
    state = json.loads(fetch(server + "state.json")[2])
    assert (state["run"], state["state"], state["more"]) == ("F/1", "succeeded", 0)
    assert [card["type"] for card in state["cards"]] == ["default", "default", "blank", "mine"]
    path = state["cards"][2]["path"]
    status, headers, page = fetch(server + path[1:] + "?anything")
    assert "in b" in page
    assert headers["Content-Security-Policy"] == (
        "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox allow-downloads"
    )
    token = state["cards"][3]["token"]
    (project.folder / "works").touch()
    project.command("card", "create", "start", "--type", "mine", "--id", "m")
    changed = json.loads(fetch(server + "state.json")[2])
    assert changed["cards"][3]["token"] != token
    project.command("run")
    assert json.loads(fetch(server + "state.json")[2])["run"] == "F/2"


@pytest.mark.parametrize(
    "path",
    [
        "card/1/1/9",
        "card/2/1/0",
        "card/1/99/0",
        "card/1/1/-1",
        "card/1/1/0/0",
        "card/1/%2e%2e/0",
        "card/../../records.db",
        "card/1/" + "9" * 500 + "/0",
        "card/1/\u0661/0".encode().decode("latin-1"),
        "records.db",
    ],
)
def test_the_server_shows_nothing_else(server, path):
    assert fetch(server + urllib.request.quote(path, safe="/%."))[0] == 404


def test_the_server_answers_to_its_own_name_alone(server):
    assert fetch(server, Host="evil.example")[0] == 403
    assert fetch(server, Host="")[0] == 403


def test_the_server_says_nothing_of_browsers_that_go_away_or_ask_oddly(project, done):
    process = project.start("card", "server", "--port", "0")
    port = int(process.stdout.readline().split(" at ")[1].split("/")[2].rpartition(":")[2])
    head = f" HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"

    def ask(path: str, goes_away: bool) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            if goes_away:
                # Closing is then a reset, which the server meets while it writes.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(f"GET {path}{head}".encode())
            return b"" if goes_away else connection.recv(12)

    for _ in range(10):
        ask("/card/1/1/0", goes_away=True)
    for path in ("http://[", "//[", "/card/1/1/0?[", "?"):
        assert ask(path, goes_away=False).startswith(b"HTTP/1.0 ")
    process.send_signal(2)
    said, _ = process.communicate(timeout=30)
    assert said == ""


def test_the_server_says_that_a_port_is_taken(project, server):
    port = server.rstrip("/").rpartition(":")[2]
    refused = project.command("card", "server", "--port", port, code=2).err
    assert "Choose another with --port" in refused


def test_the_server_needs_a_run(project):
    project.write(SOURCE)
    assert "has no run yet" in project.command("card", "server", code=1).err
    assert "Name a run" in falaj(project, "card", "server", code=2)
