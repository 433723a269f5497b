"""The types of cards that Falaj brings."""

from __future__ import annotations

from falaj.cards.card import MetaflowCard


class DefaultCard(MetaflowCard):
    """The card that a bare @card leaves."""

    type = "default"
    ALLOW_USER_COMPONENTS = True
    RUNTIME_UPDATABLE = True


class BlankCard(DefaultCard):
    """A card of components alone."""

    type = "blank"


class DefaultCardJSON(DefaultCard):
    """The default card as JSON."""

    type = "default_json"


class ErrorCard(MetaflowCard):
    """The card in place of one that can't be rendered."""

    type = "error"


class TaskSpecCard(MetaflowCard):
    """The task's path."""

    type = "taskspec_card"
