"""The decorator for environments of a kind that an installed package gives, and its checks."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, Mapping, Optional, TypeVar, cast

from falaj.authoring.decorators import decorate
from falaj.authoring.wording import refuse
from falaj.errors import DecoratorError

Step = TypeVar("Step", bound=Callable[..., Any])
_OWN = ("pypi", "conda", "uv")
_NAME = "custom_environment"


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
    # The place that a mistake is told with is where the decorator stands.
    arguments = {"kind": kind, "options": options or {}, "python": python}
    decorated: Callable[[Step], Step] = decorate(_NAME, None, arguments)
    return decorated


def checked(given: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments as JSON values; raise DecoratorError, without a place."""
    kind = given["kind"]
    if not isinstance(kind, str) or not kind:
        refuse(_NAME, "kind", "the name of a kind of environment that a package gives", kind)
    if kind in _OWN:
        raise DecoratorError("@{} is for other kinds; use @{} for this one.".format(_NAME, kind))
    python = given["python"]
    if python is not None and not (isinstance(python, str) and python[:1].isdigit()):
        refuse(_NAME, "python", "a version, such as '3.11'", python)
    options = given["options"]
    wanted = "a dict of JSON values"
    if not isinstance(options, Mapping):
        refuse(_NAME, "options", wanted, cast("object", options))
    try:
        given["options"] = json.loads(json.dumps(options, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        refuse(_NAME, "options", wanted, cast("object", options))
    return given
