"""A small server of cards for this machine alone: it reads records, and runs no code of users."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, cast

from falaj.cards.container import SANDBOX, Card, cards_of_task
from falaj.client.access import RunFacts
from falaj.client.cardrecords import read_cards
from falaj.client.html import escape
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajException
from falaj.model import states
from falaj.model.cards import recorded_cards

_HOST = "127.0.0.1"
_HTML = "text/html; charset=utf-8"
_CARD_POLICY = f"sandbox {SANDBOX}"
_PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
)


class CardServer(ThreadingHTTPServer):
    """Serves the page, the state of the cards as JSON, and each card."""

    daemon_threads = True

    def __init__(
        self, run: Callable[[], RunFacts], port: int, poll_interval: int, max_cards: int
    ) -> None:
        """Listen on this machine; `run` tells which run is shown now. Raises OSError."""
        super().__init__((_HOST, port), _Handler)
        self._run = run
        self._max_cards = max_cards
        folder = resources.files("falaj_control.cli").joinpath("cardserver.html")
        page = folder.read_text("utf-8").replace("SANDBOX", SANDBOX)
        self.page = page.replace("POLL_MILLISECONDS", str(1000 * poll_interval))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep silent where a browser has gone away; show any other error, which is a bug."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.server_address[1])

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{_HOST}:{self.port}/"

    def state(self) -> dict[str, Any]:
        """Return the cards to be shown, the latest tasks first."""
        run = self._run()
        cards = [
            {
                "path": f"/card/{task.record.run}/{task.record.id}/{place}",
                "task": f"{task.record.step}/{task.record.id}",
                "type": card.type,
                "id": card.id,
                "live": card.is_live,
                "token": f"{card.record.state} {card.hash}",
            }
            for task in _with_cards(run)
            for place, card in enumerate(cards_of_task(task))
        ]
        shown = cards[: self._max_cards]
        return {
            "run": "/".join(run.parts),
            "state": run.record.state,
            "cards": shown,
            "more": len(cards) - len(shown),
        }

    def card(self, run: str, task: str, place: str) -> Card | None:
        """Return a card of the run that is shown, by the numbers in its path."""
        facts = self._run()
        if str(facts.id) != run or not (task.isdecimal() and place.isdecimal()):
            return None
        # No number that is longer is that of a task.
        record = facts.access.reader.task(facts.id, int(task[:18]))
        cards = cards_of_task(TaskFacts(facts, record)) if record is not None else []
        return cards[int(place[:9])] if int(place[:9]) < len(cards) else None


def _with_cards(run: RunFacts) -> Iterator[TaskFacts]:
    left = {record.task for record in read_cards(run.access.home, run.id)}
    graph = run.record.graph
    steps = {one["name"] for one in graph.get("steps", ()) if recorded_cards(graph, one["name"])}
    for record in reversed(run.access.reader.tasks(run.id)):
        reused = record.state == states.REUSED and record.step in steps
        if record.id in left or reused:
            yield TaskFacts(run, record)


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD; everything else is refused by what it derives from."""

    server_version = "Falaj"
    sys_version = ""

    @property
    def _cards(self) -> CardServer:
        return cast("CardServer", self.server)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep silent: the terminal is the person's."""

    def _answer(self, with_body: bool) -> None:
        status, kind, policy, body = self._found()
        data = body.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if with_body:
            self.wfile.write(data)

    def _found(self) -> tuple[int, str, str, str]:
        # Another site's page may have a name that leads here; it must not read cards by it.
        host = self.headers.get("Host", "")
        if host not in (f"{name}:{self._cards.port}" for name in (_HOST, "localhost")):
            return 403, _HTML, _PAGE_POLICY, _message(f"Open {self._cards.address} instead.")
        path = self.path.partition("?")[0]
        try:
            if path == "/":
                return 200, _HTML, _PAGE_POLICY, self._cards.page
            if path == "/state.json":
                state = json.dumps(self._cards.state())
                return 200, "application/json", _PAGE_POLICY, state
            card = self._card(path)
            if card is not None:
                kind = "application/json" if card.filename.endswith(".json") else _HTML
                return 200, kind, _CARD_POLICY, card.get()
        except FalajException as error:
            return 500, _HTML, _CARD_POLICY, _message(str(error))
        return 404, _HTML, _PAGE_POLICY, _message("There is no such card.")

    def _card(self, path: str) -> Card | None:
        match path.split("/"):
            case ["", "card", run, task, place]:
                return self._cards.card(run, task, place)
            case _:
                return None


def _message(text: str) -> str:
    return f"<!doctype html><meta charset=utf-8><title>Cards</title><p>{escape(text)}</p>"
