"""Cards: pages that tasks leave, their components, and reading them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from falaj.cards.card import MetaflowCard
from falaj.cards.component import MetaflowCardComponent
from falaj.cards.errors import Error
from falaj.cards.writing import Markdown

if TYPE_CHECKING:
    from falaj.cards.container import Card, CardContainer, get_cards

__all__ = [
    "Card",
    "CardContainer",
    "Error",
    "Markdown",
    "MetaflowCard",
    "MetaflowCardComponent",
    "get_cards",
]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: a step that makes components reads no cards.
    if name in __all__:
        from falaj.cards import container

        return getattr(container, name)
    raise AttributeError("module 'falaj.cards' has no attribute {!r}".format(name))
