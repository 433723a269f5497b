"""The decorator for environments of a kind that an installed package gives."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, TypeVar

from falaj.authoring.decorators import decorate, stated

Step = TypeVar("Step", bound=Callable[..., Any])


def custom_environment(
    *,
    kind: Optional[str] = None,
    options: Optional[Mapping[str, Any]] = None,
    python: Optional[str] = None,
    **unpacked: Any,
) -> Callable[[Step], Step]:
    """Run the step in an environment of a kind that an installed package gives.

    `options` are JSON values, which the package says the meaning of; `python` is a version such
    as `3.11`. Raises DecoratorError for what can't be meant.
    """
    given = stated(kind=kind, options=options, python=python, **unpacked)
    decorated: Callable[[Step], Step] = decorate("custom_environment", None, given)
    return decorated
