"""Reading back the cards of a task: `get_cards`, and what it returns."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union, overload

from falaj.cards.assets import complete
from falaj.cards.left import Left, load_left
from falaj.cards.registry import find_card
from falaj.cards.rendering import (
    REFRESH,
    RENDER,
    RENDER_RUNTIME,
    Subject,
    error_page,
    make_card,
    render_page,
)
from falaj.client import Task
from falaj.client.access import Access
from falaj.client.cardrecords import FAILED, OPEN, CardRecord, read_cards
from falaj.client.html import escape
from falaj.client.lookup import split_pathspec
from falaj.client.resolve import find_run, find_task
from falaj.client.taskfacts import TaskFacts
from falaj.errors import CardError, FalajException, NoSuchCard
from falaj.hashing import blob_digest, hex_of
from falaj.model import states
from falaj.model.cards import BUILT_IN, recorded_cards
from falaj.model.graph import FlowDescription
from falaj.model.graphdata import graph_nodes

_FORM = "Task('FlowName/RunID/StepName/TaskID')"
_SHORT = 12
# What a card may do in the frame of another page: its links open elsewhere, its charts are saved.
# Without an origin its scripts see nothing of the page around it.
SANDBOX = "allow-scripts allow-popups allow-popups-to-escape-sandbox allow-downloads"


class Card:
    """One card that a task has left, or shows while it runs."""

    def __init__(self, facts: TaskFacts, record: CardRecord, attributes: Mapping[str, Any]) -> None:
        """Show what `record` tells of the task that `facts` are about."""
        self._facts, self._attributes = facts, attributes
        self.record = record

    @property
    def type(self) -> str:
        """The type of the card, such as `default`."""
        return self.record.type

    @property
    def id(self) -> Optional[str]:
        """The id that the decorator gave it, or None."""
        return self.record.id

    @property
    def hash(self) -> str:
        """A digest of what the card shows; another one once that has changed."""
        record = self.record
        shown = record.html if record.html is not None and not self.is_live else record.data
        if shown is None:
            place = "{}/{}/{}".format(self.pathspec, record.attempt, record.position)
            shown = blob_digest(place.encode())
        return hex_of(shown)

    @property
    def path(self) -> Optional[str]:
        """The stored file that holds the page without what charts need; None for none yet."""
        digest = self.record.html
        return None if digest is None else self._facts.access.store.path(digest)

    @property
    def pathspec(self) -> str:
        """The path of the task that left the card."""
        source = self._facts.source
        parts = self._facts.run.parts
        return "/".join((parts[0], str(source.run), source.step, str(source.id)))

    @property
    def filename(self) -> str:
        """What a file of the card is called: type, id, hash, and what kind of file it is."""
        parts = [self.type, *([self.id] if self.id else ()), self.hash[:_SHORT]]
        name = "-".join("".join(c if c.isalnum() or c in "._-" else "_" for c in p) for p in parts)
        is_json = self.type == "default_json" and self.record.state != FAILED
        return name + (".json" if is_json else ".html")

    @property
    def is_live(self) -> bool:
        """Whether its task still runs, so that the card may change."""
        return self.record.state == OPEN and self._facts.sight().state not in states.TASK_FINAL

    def get(self) -> str:
        """Return the page: HTML that needs nothing from elsewhere.

        A card that was not rendered after its task is rendered now, one of a task that runs as it
        is at the moment. Raises CardError for one whose class is not known in this process.
        """
        return complete(self._page())

    def get_data(self) -> Any:
        """Return what the latest `refresh` of the step gave, as the card's class makes it.

        None for a card that was never refreshed with data and shows no component by an id.
        """
        left = self._left()
        data = left.data(REFRESH)
        if data["user"] is None and not data["components"]:
            return None
        found = find_card(self.type)
        if found is None or not found.RUNTIME_UPDATABLE:
            return data
        card = make_card(found, self._options(), left, self._subject())
        return card.refresh(self._task(), data)

    def view(self) -> None:
        """Open the page in a browser; where there is none, say where it lies."""
        # Imported here: only a person at a screen asks for it.
        import tempfile
        import webbrowser

        folder = tempfile.mkdtemp(prefix="falaj-card-")
        path = os.path.join(folder, self.filename)
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(self.get())
        if not webbrowser.open("file://" + path):
            sys.stdout.write("The card is in {}\n".format(path))

    def _repr_html_(self) -> str:
        return _framed(self)

    def __repr__(self) -> str:
        named = " id={!r}".format(self.id) if self.id else ""
        return "<Card type={!r}{} of {}>".format(self.type, named, self.pathspec)

    def _page(self) -> str:
        record = self.record
        if record.html is not None and (not self.is_live or self.type not in BUILT_IN):
            data = self._facts.access.store.read(record.html)
            return data.decode("utf-8", "replace")
        if record.state == FAILED:
            return self._error(record.reason)
        found = find_card(self.type)
        if found is None:
            raise CardError(self._unrendered())
        mode = RENDER_RUNTIME if self.is_live else RENDER
        try:
            return render_page(found, self._options(), self._left(), self._subject(), mode)
        except Exception as error:
            return self._error("{}: {}".format(type(error).__name__, error))

    def _unrendered(self) -> str:
        lead = "The card {} of {} has not been rendered".format(self.type, self.pathspec)
        if self.is_live:
            return lead + " yet: its task runs, and has not called current.card.refresh()."
        words = [self.pathspec.partition("/")[2], "--type", self.type]
        words += ["--id", self.id] if self.id else []
        # Imported here: only this mistake has words to quote.
        from shlex import quote

        return (
            "{}, and only the code of its class can do that. Render it with: "
            "python FLOW.py card create {}\nOr import the module that defines the class before "
            "you read the card.".format(lead, " ".join(map(quote, words)))
        )

    def _error(self, reason: str) -> str:
        error = {"type": "error", "title": "This card could not be rendered", "message": reason}
        try:
            left = self._left()
        except FalajException:
            left = Left()
        return error_page(self.pathspec, self.type, error, left)

    def _left(self) -> Left:
        return load_left(self._facts.access.store, self.record.data)

    def _options(self) -> Mapping[str, Any]:
        options: Any = self._attributes.get("options", {})
        return options

    def _subject(self) -> Subject:
        description = FlowDescription.from_wire(self._facts.run.record.graph)
        return Subject(self._task(), graph_nodes(description))

    def _task(self) -> Task:
        return Task._from(self._facts)  # pyright: ignore[reportPrivateUsage]


class CardContainer(Sequence[Card]):
    """The cards of a task, in the order of the step's decorators."""

    def __init__(self, cards: List[Card], pathspec: str) -> None:
        """Hold `cards` of the task at `pathspec`."""
        self._cards, self.pathspec = cards, pathspec

    @overload
    def __getitem__(self, index: int) -> Card: ...

    @overload
    def __getitem__(self, index: slice) -> List[Card]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Card, List[Card]]:
        return self._cards[index]

    def __len__(self) -> int:
        return len(self._cards)

    def __iter__(self) -> Iterator[Card]:
        return iter(self._cards)

    def __repr__(self) -> str:
        return "<{} card{} of {}>".format(
            len(self._cards), "" if len(self._cards) == 1 else "s", self.pathspec
        )

    def _repr_html_(self) -> str:
        if not self._cards:
            return "<p>{} has no cards.</p>".format(escape(self.pathspec))
        return "".join(
            "<h4>{}</h4>{}".format(escape(card.type), _framed(card)) for card in self._cards
        )


def _framed(card: Card) -> str:
    try:
        page = card.get()
    except FalajException as error:
        return "<p>{}</p>".format(escape(str(error)))
    return (
        '<iframe sandbox="{}" style="width:100%;height:640px;border:0" '
        'srcdoc="{}"></iframe>'.format(SANDBOX, escape(page))
    )


def get_cards(
    task: Union[str, Task],
    id: Optional[str] = None,
    type: Optional[str] = None,
    follow_resumed: bool = True,
) -> CardContainer:
    """Return the cards of a task, given as such or by its path, of an `id` or a `type` if given.

    A reused task shows the cards of the task that really ran, unless `follow_resumed` is False. A
    path is looked up in every namespace, and the namespace of this process stays as it is.
    """
    facts = _facts(task)
    return CardContainer(cards_of_task(facts, id, type, follow_resumed), facts.pathspec)


def cards_of_task(
    facts: TaskFacts,
    id: Optional[str] = None,
    type: Optional[str] = None,
    follow_resumed: bool = True,
) -> List[Card]:
    """Return the cards that `get_cards` does."""
    source = facts.source
    if facts.record.state == states.REUSED and not follow_resumed:
        return []
    found = read_cards(facts.access.home, source.run, source.id, facts.current_attempt())
    graph = facts.run.record.graph
    if source.run != facts.record.run:
        origin = facts.access.reader.run(source.run)
        graph = graph if origin is None else origin.graph
    declared = recorded_cards(graph, source.step)
    return [
        Card(facts, record, attributes)
        for record, attributes in _with_attributes(found, declared)
        if (id is None or record.id == id) and (type is None or record.type == type)
    ]


def _with_attributes(
    records: List[CardRecord], declared: List[Dict[str, Any]]
) -> "Iterator[Tuple[CardRecord, Dict[str, Any]]]":
    for record in records:
        known = record.position < len(declared)
        attributes: Dict[str, Any] = declared[record.position] if known else {}
        # A card that failed and was to leave nothing then has left nothing.
        hidden = record.html is None and not attributes.get("save_errors", True)
        if not (record.state == FAILED and hidden):
            yield record, attributes


def _facts(task: Union[str, Task]) -> TaskFacts:
    if isinstance(task, Task):
        facts: TaskFacts = task._facts  # pyright: ignore[reportPrivateUsage]
        return facts
    given: Any = task
    if not isinstance(given, str):
        raise NoSuchCard("get_cards takes a Task or the path of one, not {!r}.".format(given))
    flow, run, step, number = split_pathspec(task, _FORM)
    return find_task(find_run(Access(None, None), flow, run), step, number, None)
