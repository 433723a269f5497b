"""The decorator `@card`."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, overload

from falaj.authoring.decorators import Number, Step, decorate


@overload
def card(function: Step) -> Step: ...


@overload
def card(
    *,
    type: str = ...,
    id: Optional[str] = ...,
    options: Mapping[str, Any] = ...,
    timeout: Number = ...,
    save_errors: bool = ...,
    customize: bool = ...,
    refresh_interval: Number = ...,
) -> Callable[[Step], Step]: ...


def card(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Leave a card, a page about the task, of a `type`; a step may have several.

    `id` tells cards of a step apart, `options` go to the card's class. Rendering it may take
    `timeout` seconds, and where it fails a card with the error is left, unless `save_errors` is
    False. `customize=True` makes it the one that `current.card` speaks of. While the step runs the
    card is brought up to date at most every `refresh_interval` seconds.
    """
    return decorate("card", function, arguments)
