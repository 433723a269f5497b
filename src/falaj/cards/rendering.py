"""Making the page of a card: by the class of its type, from a task and what its step left."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple

from falaj.cards.component import Rendered
from falaj.cards.document import render_document
from falaj.cards.left import Left
from falaj.errors import CardError

RENDER = "render"
RENDER_RUNTIME = "render_runtime"
REFRESH = "refresh"
# Characters; a browser opens no more.
LARGEST_PAGE = 64 << 20


class Subject(NamedTuple):
    """What a card is about: the client's task, the flow's graph and class, where they are there."""

    task: Any
    graph: Any = None
    flow: Any = None


def make_card(card_class: Any, options: Mapping[str, Any], left: Left, subject: Subject) -> Any:
    """Return the card of a class."""
    components = left.shown() if card_class.ALLOW_USER_COMPONENTS else []
    return card_class(
        options=dict(options), components=components, graph=subject.graph, flow=subject.flow
    )


def render_page(
    card_class: Any, options: Mapping[str, Any], left: Left, subject: Subject, mode: str
) -> str:
    """Return a card's page: as it is for good, or (RENDER_RUNTIME) while the task runs.

    Raises whatever the card's class raises, and CardError for what is no page.
    """
    card = make_card(card_class, options, left, subject)
    live = mode == RENDER_RUNTIME and card_class.RUNTIME_UPDATABLE
    if live:
        page: Any = card.render_runtime(subject.task, left.data(mode))
    else:
        page = card.render(subject.task)
    if not isinstance(page, str):
        raise CardError(
            "{}.{}() returned a {}; a card is HTML.".format(
                card_class.__name__, mode, type(page).__name__
            )
        )
    if len(page) > LARGEST_PAGE:
        raise CardError(
            "{}.{}() returned a page of {:.0f} MB; {} MB are the most.".format(
                card_class.__name__, mode, len(page) / (1 << 20), LARGEST_PAGE >> 20
            )
        )
    if card_class.RELOAD_POLICY_TOKEN in page:
        token = "final"
        if live and card_class.RELOAD_POLICY != card_class.RELOAD_POLICY_NEVER:
            token = str(card.reload_content_token(subject.task, left.data(mode)))
        page = page.replace(card_class.RELOAD_POLICY_TOKEN, token)
    return page


def error_page(pathspec: str, kind: str, error: Rendered, left: Left) -> str:
    """Return the page in place of a card that can't be rendered."""
    text = "The card of type {} could not be rendered.".format(kind)
    shown: Any = [error, *left.shown()]
    return render_document(pathspec, shown, {"pathspec": pathspec, "note": text})
