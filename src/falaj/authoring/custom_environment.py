"""The decorator for environments of a kind that an installed package gives."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, TypeVar

from falaj.authoring.decorators import decorate

Step = TypeVar("Step", bound=Callable[..., Any])


def custom_environment(
    *,
    kind: str,
    options: Optional[Mapping[str, Any]] = None,
    python: Optional[str] = None,
) -> Callable[[Step], Step]:
    """Run the step in an environment of a kind that an installed package gives.

    `options` are JSON values, which the package says the meaning of; `python` is a version such
    as `3.11`. Raises DecoratorError for what can't be meant.
    """
    arguments = {"kind": kind, "options": options or {}, "python": python}
    decorated: Callable[[Step], Step] = decorate("custom_environment", None, arguments)
    return decorated
