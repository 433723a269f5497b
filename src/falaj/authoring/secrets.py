"""`@secrets`: variables that a step gets from where secrets are kept."""

from __future__ import annotations

from typing import Any, Callable, Optional, Sequence, TypeVar, overload

from falaj.authoring.decorators import decorate
from falaj.authoring.secret_sources import Source

Step = TypeVar("Step", bound=Callable[..., Any])


@overload
def secrets(function: Step) -> Step: ...


@overload
def secrets(
    *, sources: Sequence[Source] = ..., role: Optional[str] = ..., allow_override: bool = ...
) -> Callable[[Step], Step]: ...


def secrets(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Set environment variables from where secrets are kept, before the step's code runs.

    Each of `sources` is `"TYPE.ID"` or a dict of `type`, `id`, `options` and `role`. `role` is that
    of sources without one. A variable that is there already, with another value, is an error unless
    `allow_override`.
    """
    return decorate("secrets", function, arguments)
