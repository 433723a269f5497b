"""`current.card`: what a step puts on its cards, kept until the end of its body.

Nothing here raises: a card is an account of the work and must never be what breaks it.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional, Set

from falaj.cards import MetaflowCardComponent
from falaj.errors import FalajException
from falaj.model.cards import BUILT_IN, EDITABLE
from falaj.model.orders import Order
from falaj.runtime.cardpage import CardPage
from falaj.store.blobs import BlobStore

if TYPE_CHECKING:
    from falaj.runtime.cardpage import Components

# The longest that components may take to render once the body has ended, in seconds: of one card,
# and of all cards of a step with a @timeout, whose process is ended soon after that is up.
_LAST_WORDS = 10.0
_LAST_WORDS_IN_TIME = 2.0


class TaskCards:
    """The cards of the running task; without an id, its default card.

    The default card is, of those that take components, the one with `customize=True`, else the only
    one without an id, else the only one.
    """

    def __init__(self, order: Order) -> None:
        """Start with empty cards as the step's decorators have them."""
        self.order = order
        self._pid = os.getpid()
        self._warned: Set[str] = set()
        store = BlobStore(str(order.context["store"]))
        self._pages: List[CardPage] = []
        for position, attributes in enumerate(order.options["card"]):
            takes, shows = self._manners(str(attributes["type"]))
            page = CardPage(position, attributes, store, self.warn, takes, shows)
            self._pages.append(page)
        self._default = self._find_default()

    def _manners(self, kind: str) -> "tuple[bool, bool]":
        """Return whether cards of a type take components, and show them while the step runs."""
        if kind in BUILT_IN:
            return kind in EDITABLE, kind in EDITABLE
        # Imported here: most cards are built in.
        from falaj.runtime.cardclasses import card_class

        try:
            found = card_class(kind)
            return bool(found.ALLOW_USER_COMPONENTS), bool(found.RUNTIME_UPDATABLE)
        except FalajException as error:
            self.warn(str(error))
        except Exception as error:
            self.warn("The cards of type {!r} can't be loaded: {}".format(kind, error))
        return False, False

    def _find_default(self) -> Optional[CardPage]:
        editable = [page for page in self._pages if page.takes_components]
        customized = [page for page in editable if page.attributes.get("customize")]
        nameless = [page for page in editable if page.attributes.get("id") is None]
        for chosen in (customized, nameless, editable):
            if len(chosen) == 1:
                return chosen[0]
        return None

    def warn(self, message: str) -> None:
        """Tell the person something about cards, once."""
        if message not in self._warned:
            self._warned.add(message)
            try:
                sys.stderr.write("Card: {}\n".format(message))
            except (OSError, ValueError):
                # The step has closed its stream.
                pass

    def _page(self) -> CardPage:
        if self._default is not None:
            return self._default
        if not any(page.takes_components for page in self._pages):
            self.warn("no card of step {} takes components.".format(self.order.step))
        else:
            self.warn(
                "step {} has several cards, so current.card does not say which one; give one "
                "customize=True, or name it by its id: current.card['ID'].".format(self.order.step)
            )
        return self._nowhere()

    def _nowhere(self) -> CardPage:
        return CardPage(-1, {}, None, self.warn, True, False)

    def append(self, component: MetaflowCardComponent, id: Optional[str] = None) -> None:
        """Add a component to the default card; with an `id` it is found in `components`."""
        self._page().append(component, id)

    def extend(self, components: Iterable[MetaflowCardComponent]) -> None:
        """Add components to the default card."""
        self._page().extend(components)

    def clear(self) -> None:
        """Take all components off the default card."""
        self._page().clear()

    def refresh(self, data: Any = None, force: bool = False) -> None:
        """Show the default card as it is now, at most every `refresh_interval` seconds.

        `data` is a JSON value for cards that make something of it. With `force`, at once.
        """
        self._page().refresh(data, force)

    @property
    def components(self) -> "Components":
        """The components of the default card that have ids."""
        return self._page().components

    def get(self, type: Optional[str] = None) -> List[CardPage]:
        """Return the cards of a type, or all; each is a list of components."""
        return [page for page in self._pages if type is None or page.attributes.get("type") == type]

    def __getitem__(self, id: str) -> CardPage:
        for page in self._pages:
            if page.attributes.get("id") == id:
                return page
        self.warn("step {} has no card with the id {!r}.".format(self.order.step, id))
        return self._nowhere()

    def __setitem__(self, id: str, components: Iterable[MetaflowCardComponent]) -> None:
        page = self[id]
        page.clear()
        page.extend(components)

    def __contains__(self, id: object) -> bool:
        return any(id is not None and page.attributes.get("id") == id for page in self._pages)

    def __iter__(self) -> Iterator[MetaflowCardComponent]:
        return iter(self._page())

    def __len__(self) -> int:
        return len(self._page())

    def leave(self, went_well: bool) -> None:
        """Store what is on the cards, at the end of the step's body."""
        if os.getpid() != self._pid:
            # A child that the step forked has come back out of it.
            return
        pages = [
            page
            for page in self._pages
            if page.is_touched and (went_well or page.attributes.get("save_errors", True))
        ]
        most = _LAST_WORDS
        if pages and self.order.options.get("timeout") is not None:
            most = _LAST_WORDS_IN_TIME / len(pages)
        for page in pages:
            page.leave(min(float(page.attributes.get("timeout") or most), most))


_kept: Dict[str, TaskCards] = {}


def cards_of(order: Order) -> TaskCards:
    """Return the cards of the task that `order` runs, made when they are first asked for.

    Raises AttributeError where its step has none.
    """
    if not order.options.get("card"):
        raise AttributeError(
            "current.card is not set: step {} has no @card. Put one above it, or run with "
            "--with card.".format(order.step)
        )
    found = _kept.get("now")
    if found is None or found.order is not order:
        found = _kept["now"] = TaskCards(order)
    return found


def leave_cards(order: Order, went_well: bool) -> None:
    """Store the components that the task of `order` has put on cards; never raises."""
    found = _kept.get("now")
    if found is None or found.order is not order:
        return
    try:
        found.leave(went_well)
    except Exception as error:
        found.warn("the cards could not be stored: {}".format(error))
