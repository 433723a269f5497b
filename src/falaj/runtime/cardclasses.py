"""Finding the class of a card by its type, or saying what types there are."""

from __future__ import annotations

from typing import Any, Optional

from falaj.authoring.wording import listed, near_miss
from falaj.cards.registry import card_types, find_card
from falaj.errors import NoSuchCard


def card_class(kind: str) -> Any:
    """Return the class of a type of card; raise NoSuchCard where nobody defines it."""
    found: Optional[Any] = find_card(kind)
    if found is not None:
        return found
    types = card_types()
    raise NoSuchCard(
        "There is no card of type {!r}{}; there are {}. Define a subclass of MetaflowCard with "
        "that `type` in the flow's file, or in a module that it imports.".format(
            kind, near_miss(kind, types), listed(types)
        )
    )
