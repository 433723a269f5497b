"""The kinds of cards by type."""

from __future__ import annotations

from typing import Dict, Optional, Type

from falaj.cards.builtin import BlankCard, DefaultCard, DefaultCardJSON, ErrorCard, TaskSpecCard
from falaj.cards.card import MetaflowCard

_CARDS: Dict[str, Type[MetaflowCard]] = {
    kind.type: kind for kind in (DefaultCard, BlankCard, DefaultCardJSON, ErrorCard, TaskSpecCard)
}


def find_card(kind: str) -> Optional[Type[MetaflowCard]]:
    """Return the class of cards of a type, or None."""
    return _CARDS.get(kind)
