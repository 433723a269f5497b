"""The class of a card by its type: built in, of an installed package, or a user's own."""

from __future__ import annotations

from typing import Any, Optional, cast

from falaj import extensions
from falaj.authoring.wording import listed, near_miss
from falaj.cards import MetaflowCard
from falaj.cards.registry import card_types, find_card
from falaj.errors import ExtensionError, NoSuchCard


def card_class(kind: str) -> Any:
    """Return the class of a type: built in, registered, imported here, or of an installed package.

    Raises NoSuchCard, and ExtensionError where the package is amiss.
    """
    found: Optional[Any] = find_card(kind)
    if found is not None:
        return found
    if extensions.is_installed("cards", kind):
        return _of_package(kind)
    types = sorted({*card_types(), *extensions.names("cards")})
    raise NoSuchCard(
        "There is no card of type {!r}{}; there are {}. Define a subclass of MetaflowCard with "
        "that `type` in the flow's file, or in a module that it imports.".format(
            kind, near_miss(kind, types), listed(types)
        )
    )


def _of_package(kind: str) -> Any:
    found: Any = extensions.load("cards", kind)
    if not isinstance(found, type) or not issubclass(found, MetaflowCard):
        raise ExtensionError(
            "The card {!r} that an installed package gives is {!r}, which is no subclass of "
            "MetaflowCard.".format(kind, cast("object", found))
        )
    return found
