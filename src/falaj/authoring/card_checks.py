"""What is valid for the arguments of @card."""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, Mapping, cast

from falaj.authoring.wording import refuse

_ID = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_]*\Z")
LONGEST_TYPE = 200


def checked_card(given: Dict[str, Any], amount: Callable[[str, str, Any], Any]) -> Dict[str, Any]:
    """Return the arguments of @card as JSON values; `amount` checks one that is a number.

    Raises DecoratorError.
    """
    kind = given["type"]
    if not isinstance(kind, str) or not 0 < len(kind) <= LONGEST_TYPE:
        refuse("card", "type", "the type of a card, such as 'default' or 'blank'", kind)
    name = given["id"]
    if name is not None and not (isinstance(name, str) and _ID.match(name)):
        refuse("card", "id", "a name of letters, digits, `_` and `-`", name)
    given["options"] = _options(given["options"])
    seconds = amount("card", "timeout", given["timeout"])
    if not seconds:
        refuse("card", "timeout", "a number of seconds above 0", given["timeout"])
    given["timeout"] = seconds
    given["refresh_interval"] = amount("card", "refresh_interval", given["refresh_interval"])
    for argument in ("save_errors", "customize"):
        if not isinstance(given[argument], bool):
            refuse("card", argument, "True or False", given[argument])
    return given


def _options(options: Any) -> Any:
    wanted = "a dict of JSON values"
    if not isinstance(options, Mapping):
        refuse("card", "options", wanted, cast("object", options))
    try:
        return json.loads(json.dumps(options, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        refuse("card", "options", wanted, cast("object", options))
