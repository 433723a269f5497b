"""Finding the class of a card by its type: built in, or defined by the user."""

from __future__ import annotations

from typing import Any, List, Optional

from falaj.authoring.wording import listed, near_miss
from falaj.cards import MetaflowCard
from falaj.cards.kinds import BUILT_IN
from falaj.cards.registry import find_card
from falaj.errors import NoSuchCard


def card_class(kind: str) -> Any:
    """Return the class of a type: a built-in or registered one, else one that is imported here.

    Raises NoSuchCard.
    """
    found: Optional[Any] = find_card(kind)
    if found is not None:
        return found
    own = _defined_here(MetaflowCard)
    for one in reversed(own):
        if one.type == kind:
            return one
    types = {*BUILT_IN, *(one.type for one in own if isinstance(one.type, str) and one.type)}
    raise NoSuchCard(
        "There is no card of type {!r}{}; there are {}. Define a subclass of MetaflowCard with "
        "that `type` in the flow's file, or in a module that it imports.".format(
            kind, near_miss(kind, types), listed(sorted(types))
        )
    )


def _defined_here(base: Any) -> List[Any]:
    found: List[Any] = []
    for one in base.__subclasses__():
        found += [one, *_defined_here(one)]
    return found
