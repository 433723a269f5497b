"""The types of cards, by the name that `@card(type=…)` gives."""

from __future__ import annotations

from typing import Dict, Optional, Tuple, Type

from falaj.cards.builtin import BUILT_IN
from falaj.cards.card import MetaflowCard

_known: Dict[str, Type[MetaflowCard]] = {}


def find_card(type: str) -> Optional[Type[MetaflowCard]]:
    """Return the class of a type of card; None for a type that nobody registered."""
    return _known.get(type)


def register_card(card: Type[MetaflowCard]) -> None:
    """Make a class known by its `type`; a later one of the same type takes its place."""
    if not card.type:
        raise ValueError(
            "{} has no type; give the class one: type = 'my_card'.".format(card.__name__)
        )
    _known[card.type] = card


def card_types() -> Tuple[str, ...]:
    """Return the types that `find_card` knows."""
    return tuple(sorted(_known))


for _card in BUILT_IN:
    register_card(_card)
