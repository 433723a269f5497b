"""The kinds of cards by type."""

from __future__ import annotations

from typing import Dict, Optional, Type

from falaj.cards.base import (
    BlankCard,
    DefaultCard,
    DefaultCardJSON,
    ErrorCard,
    MetaflowCard,
    TaskSpecCard,
)

_CARDS: Dict[str, Type[MetaflowCard]] = {
    kind.type: kind for kind in (DefaultCard, BlankCard, DefaultCardJSON, ErrorCard, TaskSpecCard)
}


def find_card(kind: str) -> Optional[Type[MetaflowCard]]:
    """Return the class of cards of a type, or None."""
    return _CARDS.get(kind)
