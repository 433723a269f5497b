"""One card of the running task: its components, rendered to JSON values and told to control."""

from __future__ import annotations

import json
import time
from _thread import allocate_lock
from typing import Any, Callable, Iterable, Iterator, List, Mapping, Optional, Tuple, cast

from falaj.cards import Error, MetaflowCardComponent
from falaj.cards.component import Rendered, failed, rendered
from falaj.cards.left import encode
from falaj.errors import FalajException, TimeoutException
from falaj.redaction import redact_json
from falaj.runtime.deadline import Deadline
from falaj.runtime.notes import tell
from falaj.store.blobs import BlobStore

# Bytes of JSON. An image of a few megabytes has room; a whole data set has not.
LARGEST_COMPONENT = 8 << 20
LARGEST_CARD = 32 << 20


class CardPage:
    """The components of one card, in order."""

    def __init__(
        self,
        position: int,
        attributes: Mapping[str, Any],
        store: Optional[BlobStore],
        warn: Callable[[str], None],
        takes_components: bool,
        is_updatable: bool,
    ) -> None:
        """Start empty; without a store nothing of it is kept."""
        self.attributes = attributes
        self.takes_components = takes_components
        self.is_touched = False
        self._position = position
        self._store, self._warn = store, warn
        self._is_updatable = is_updatable
        self._entries: "List[Tuple[Optional[str], MetaflowCardComponent]]" = []
        self._user: Any = None
        self._refreshed_at: Optional[float] = None
        self._told: Optional[str] = None
        self._busy = allocate_lock()
        self._telling = allocate_lock()

    def append(self, component: MetaflowCardComponent, id: Optional[str] = None) -> None:
        """Add a component; with an `id` it is found in `components`."""
        if not self.takes_components:
            self._warn("cards of type {!r} take no components.".format(self.attributes["type"]))
            return
        if not isinstance(cast("Any", component), MetaflowCardComponent):
            self._warn(
                "a {} is no component and is left out; wrap it, as in Markdown(...) or "
                "Artifact(...).".format(type(component).__name__)
            )
            return
        name = id
        if name is not None and (not isinstance(cast("Any", name), str) or name in self.components):
            self._warn("the id {!r} of a component is taken or no text; it has none.".format(name))
            name = None
        if name is not None:
            component.component_id = name
        self.is_touched = True
        self._entries.append((name, component))

    def extend(self, components: Iterable[MetaflowCardComponent]) -> None:
        """Add several components."""
        try:
            several = list(components)
        except TypeError:
            self._warn(
                "extend takes a list of components, not a {}.".format(type(components).__name__)
            )
            return
        for one in several:
            self.append(one)

    def clear(self) -> None:
        """Take all components off."""
        self.is_touched = True
        self._entries = []

    @property
    def components(self) -> "Components":
        """The components that have ids."""
        return Components(self._entries, self._warn)

    def __iter__(self) -> Iterator[MetaflowCardComponent]:
        return iter([component for _, component in self._entries])

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> MetaflowCardComponent:
        return self._entries[index][1]

    def refresh(self, data: Any = None, force: bool = False) -> None:
        """Show the card as it is now, at most every `refresh_interval` seconds."""
        if not self._is_updatable or self._store is None:
            return
        if data is not None:
            self._take_data(data)
        now, last = time.monotonic(), self._refreshed_at
        interval = float(self.attributes.get("refresh_interval") or 0)
        if last is not None and now - last < interval and not force:
            return
        # Another thread's refresh under way shows what this one would.
        if not self._busy.acquire(False):
            return
        try:
            self._refreshed_at = now
            self.is_touched = True
            self._tell(self._rendered(), live=True)
        except TimeoutException:
            # The step's own time is up.
            raise
        except Exception as error:
            self._warn("a refresh failed: {}".format(error))
        finally:
            self._busy.release()

    def leave(self, seconds: float) -> None:
        """Store the card for good; components that take longer than `seconds` are left out."""
        found: "List[Tuple[Optional[str], Rendered]]"
        with self._telling:
            # What a thread still renders for a refresh is not the last word.
            self._is_updatable = False
        try:
            with Deadline(seconds, "card"):
                found = self._rendered()
        except TimeoutException:
            text = "Its components took longer than {:g} seconds to render.".format(seconds)
            self._warn(text)
            found = [(None, error_component(FalajException(text), "Components left out"))]
        self._tell(found, live=False)

    def _take_data(self, data: Any) -> None:
        try:
            text = json.dumps(data)
            if len(text) > LARGEST_COMPONENT:
                raise ValueError("it is larger than {} MB".format(LARGEST_COMPONENT >> 20))
            # A copy: the step may go on with its own, and put there what is no JSON.
            self._user = redact_json(json.loads(text))
        except TimeoutException:
            raise
        except Exception as error:
            self._warn("the data of a refresh can't be kept: {}.".format(error))

    def _rendered(self) -> "List[Tuple[Optional[str], Rendered]]":
        found: "List[Tuple[Optional[str], Rendered]]" = []
        room = LARGEST_CARD
        for name, component in list(self._entries):
            one, size = _measured(component)
            if size > room:
                text = "The card is larger than {} MB; what follows is left out."
                error = FalajException(text.format(LARGEST_CARD >> 20))
                found.append((None, error_component(error, "Components left out")))
                self._warn(str(error))
                break
            room -= size
            found.append((name, one))
        return found

    def _tell(self, found: "List[Tuple[Optional[str], Rendered]]", live: bool) -> None:
        if self._store is None:
            return
        digest = self._store.put(encode(found, self._user))
        with self._telling:
            if digest != self._told and (self._is_updatable or not live):
                self._told = digest
                tell("card", {"position": self._position, "data": digest, "live": live})


class Components:
    """The components of a card that have ids; one that is missing takes anything and does nothing.

    Assigning to an id that is there replaces its component in place.
    """

    def __init__(
        self,
        entries: "List[Tuple[Optional[str], MetaflowCardComponent]]",
        warn: Callable[[str], None],
    ) -> None:
        """Look into the entries of a card."""
        self._entries, self._warn = entries, warn

    def __contains__(self, id: object) -> bool:
        return any(name is not None and name == id for name, _ in self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self._entries if name is not None])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __getitem__(self, id: str) -> Any:
        for name, component in self._entries:
            if name is not None and name == id:
                return component
        self._warn("the card has no component with the id {!r}.".format(id))
        return ThrownAway()

    def __setitem__(self, id: str, component: MetaflowCardComponent) -> None:
        if not isinstance(cast("Any", component), MetaflowCardComponent):
            self._warn("a {} is no component.".format(type(component).__name__))
            return
        for index, (name, _) in enumerate(self._entries):
            if name == id:
                self._entries[index] = (id, component)
                return
        self._warn("the card has no component with the id {!r} to replace.".format(id))


class ThrownAway:
    """Stands for a component that is not there: every method of it does nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _do_nothing


def _do_nothing(*_: Any, **__: Any) -> None:
    return None


def _measured(component: MetaflowCardComponent) -> "Tuple[Rendered, int]":
    """Return a component as a JSON value or HTML, and its size; one that fails as its error."""
    try:
        value = redact_json(rendered(component))
        size = len(json.dumps(value))
        if size <= LARGEST_COMPONENT:
            return value, size
        text = "It is {:.0f} MB large, and {} MB are the most."
        error: Exception = ValueError(text.format(size / (1 << 20), LARGEST_COMPONENT >> 20))
    except TimeoutException:
        raise
    except Exception as failure:
        # Values that derive from str or int and are none.
        error = failure
    value = redact_json(failed(component, error))
    return value, len(json.dumps(value))


def error_component(error: BaseException, title: str) -> Rendered:
    """Return the component that shows an error."""
    return cast("Rendered", redact_json(Error(error, title).render()))
