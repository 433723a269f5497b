"""Rendering one card of an attempt, in a process of its own, after the task or beside it."""

from __future__ import annotations

import errno
import os
from importlib import import_module
from typing import Any, Mapping, Optional

from falaj.authoring.secret_sources import without_values
from falaj.cards.left import Left, load_left
from falaj.cards.page.code import highlighted
from falaj.cards.rendering import (
    REFRESH,
    RENDER_RUNTIME,
    Subject,
    error_page,
    make_card,
    render_page,
)
from falaj.client import Task, namespace
from falaj.errors import CardError, FalajException
from falaj.model.graph import FlowDescription
from falaj.model.graphdata import graph_nodes
from falaj.model.orders import Order, Report
from falaj.runtime.beginning import mark_process
from falaj.runtime.cardclasses import card_class
from falaj.runtime.cardmemory import limit_memory
from falaj.runtime.cardpage import error_component
from falaj.runtime.failure import describe_exception
from falaj.store.blobs import FetchingStore

# What making a page imports late, as commands and steps have no use for it.
_LATE = (
    "falaj.cards.builtin",
    "falaj.client.effective",
    "falaj.client.figures",
    "falaj.client.metrics",
    "falaj.client.profiles",
    "falaj.client.reader",
    "urllib.parse",
)


def get_ready() -> None:
    """Do once, for all processes that are forked from this one, what each card would do first."""
    for name in _LATE:
        import_module(name)
    # Before Python 3.12 the expressions by which source is cut up are compiled when first used.
    highlighted("pass")


def render_card(flow_class: type, description: FlowDescription, order: Order) -> Report:
    """Render the card that the order's context tells of; the report's manifest is its digest.

    The context holds the card's `type` and `options`, the digest of its components as `data`, the
    `mode`, whether a failure is to leave a page (`save_errors`), and for a running task the digest
    of its page so far. With the mode `refresh`, what is stored is the card's data as JSON.
    """
    os.nice(10)
    limit_memory()
    store = FetchingStore(str(order.context["store"]))
    mark_process(order)
    # What the run may see bounds its steps, not the pages about them.
    namespace(None)
    asked = order.context
    left = Left()
    try:
        left = load_left(store, asked["data"])
        page = _page(flow_class, description, order, left)
        if page is None:
            return Report("succeeded", str(asked["previous"]), None, None, "", {})
        data = page.encode("utf-8", "backslashreplace")
        return Report("succeeded", store.put(data), None, None, "", {})
    except Exception as caught:
        error: Exception = caught
        if isinstance(caught, MemoryError) or getattr(caught, "errno", None) == errno.ENOMEM:
            error = CardError("Rendering it asked for more memory than a card may take.")
        info = describe_exception(error)
        digest: Optional[str] = None
        if asked["save_errors"]:
            shown = error_component(error, "This card could not be rendered")
            text = error_page(order.pathspec, str(asked["type"]), shown, left)
            digest = store.put(text.encode("utf-8", "backslashreplace"))
        return Report("failed", digest, None, info, "", {})


def _page(
    flow_class: type, description: FlowDescription, order: Order, left: Left
) -> Optional[str]:
    """Return the page; None where the one so far stays."""
    asked: Mapping[str, Any] = order.context
    kind, mode = str(asked["type"]), str(asked["mode"])
    found: Any = card_class(kind)
    if mode == RENDER_RUNTIME and asked["previous"] and found.RELOAD_POLICY == "never":
        return None
    task = _task(order)
    subject = Subject(task, graph_nodes(without_values(description)), flow_class)
    if mode != REFRESH:
        return render_page(found, asked["options"], left, subject, mode)
    # Imported here: only a person's command asks for it.
    import json

    card = make_card(found, asked["options"], left, subject)
    try:
        return json.dumps(card.refresh(task, left.data(mode)))
    except (TypeError, ValueError) as error:
        text = "{}.refresh() returned what is no JSON value: {}"
        raise FalajException(text.format(found.__name__, error)) from error


def _task(order: Order) -> Task:
    if order.context.get("spin") is None:
        return Task(order.pathspec, attempt=order.attempt)
    # Imported here: few cards are of a spun task, which the records of runs know nothing of.
    from falaj.client.homes import within_spins

    with within_spins():
        return Task(order.pathspec, attempt=order.attempt)
