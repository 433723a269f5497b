"""What is valid for the arguments of @custom_environment."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, cast

from falaj.authoring.wording import refuse
from falaj.errors import DecoratorError

_OWN = ("pypi", "conda", "uv")
_NAME = "custom_environment"


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
