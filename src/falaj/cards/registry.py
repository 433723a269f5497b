"""The types of cards, by the name that `@card(type=…)` gives: built in, registered, or defined."""

from __future__ import annotations

from importlib import import_module
from typing import Dict, Iterator, Optional, Tuple, Type

from falaj.cards.card import MetaflowCard
from falaj.model.cards import BUILT_IN

_registered: Dict[str, Type[MetaflowCard]] = {}


def find_card(type: str) -> Optional[Type[MetaflowCard]]:
    """Return the class of a type of card: a registered one, one that Falaj brings, or a subclass of
    MetaflowCard that this process has imported, the latest; None for a type that nobody knows."""
    found = _registered.get(type)
    if found is not None:
        return found
    if type in BUILT_IN:
        built_in: Type[MetaflowCard] = getattr(import_module("falaj.cards.builtin"), BUILT_IN[type])
        return built_in
    own = [one for one in _defined(MetaflowCard) if one.type == type]
    return own[-1] if own else None


def register_card(card: Type[MetaflowCard]) -> None:
    """Make a class known by its `type`; a later one of the same type takes its place."""
    if not card.type:
        raise ValueError(
            "{} has no type; give the class one: type = 'my_card'.".format(card.__name__)
        )
    _registered[card.type] = card


def card_types() -> Tuple[str, ...]:
    """Return the types that `find_card` knows."""
    own = [one.type for one in _defined(MetaflowCard) if isinstance(one.type, str) and one.type]
    return tuple(sorted({*BUILT_IN, *_registered, *own}))


def _defined(base: Type[MetaflowCard]) -> Iterator[Type[MetaflowCard]]:
    for one in base.__subclasses__():
        yield one
        yield from _defined(one)
