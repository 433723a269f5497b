"""Cards: reports of tasks, made of components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List

from falaj.cards.card import MetaflowCard
from falaj.cards.charts import VegaChart
from falaj.cards.component import MetaflowCardComponent
from falaj.cards.errors import Error
from falaj.cards.gauges import ProgressBar, ValueBox
from falaj.cards.images import Image
from falaj.cards.tables import Table
from falaj.cards.timeline import EventsTimeline
from falaj.cards.values import Artifact
from falaj.cards.viewers import JSONViewer, YAMLViewer
from falaj.cards.writing import Markdown, PythonCode

if TYPE_CHECKING:
    from falaj.cards.builtin import BlankCard, DefaultCard, ErrorCard
    from falaj.cards.container import Card, CardContainer, get_cards

CardComponent = MetaflowCardComponent

__all__ = [
    "Artifact",
    "BlankCard",
    "Card",
    "CardComponent",
    "CardContainer",
    "DefaultCard",
    "Error",
    "ErrorCard",
    "EventsTimeline",
    "Image",
    "JSONViewer",
    "Markdown",
    "MetaflowCard",
    "MetaflowCardComponent",
    "ProgressBar",
    "PythonCode",
    "Table",
    "ValueBox",
    "VegaChart",
    "YAMLViewer",
    "get_cards",
]

_LATE = {
    "BlankCard": "builtin",
    "Card": "container",
    "CardContainer": "container",
    "DefaultCard": "builtin",
    "ErrorCard": "builtin",
    "get_cards": "container",
}


def __getattr__(name: str) -> Any:
    # A flow that only makes components does without the client and the code that renders.
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module("falaj.cards." + _LATE[name]), name)
    raise AttributeError("module 'falaj.cards' has no attribute {!r}".format(name))


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
