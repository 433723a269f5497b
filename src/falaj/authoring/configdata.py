"""The value of a config as data, in which form it crosses to control and to other hosts."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any, Dict, List, cast

from falaj.authoring.configs import Declaration
from falaj.errors import ConfigError
from falaj.model.graph import ConfigSpec

JSON = "json"
PICKLE = "pickle"
_PLAIN_TYPES = (str, int, float, bool, type(None))


def data_of(declared: Declaration, attribute: str, value: Any, source: str) -> ConfigSpec:
    """Return a config with its value; raise ConfigError for one that can't be pickled."""
    form, kept = JSON, value
    if not _is_json(value):
        try:
            form = PICKLE
            # Old enough for every interpreter that a step may ask for.
            kept = base64.b64encode(pickle.dumps(value, 4)).decode()
        except Exception as error:
            raise declared.error(
                "Config `{}` holds a {} that can't be pickled, so that steps can't be given it: "
                "{}.".format(declared.name, type(value).__name__, error)
            ) from error
    return ConfigSpec(
        name=declared.name,
        attribute=attribute,
        help=declared.help,
        required=declared.required and declared.default is None and declared.default_value is None,
        plain=declared.plain,
        default=_shown_default(declared),
        source=source,
        form=form,
        value=kept,
        line=declared.line,
    )


def _shown_default(declared: Declaration) -> str:
    default = declared.default if declared.default is not None else declared.default_value
    if default is None or not declared.show_default:
        return ""
    if callable(default):
        return "computed"
    if isinstance(default, str):
        return default
    try:
        return json.dumps(default)
    except (TypeError, ValueError):
        return repr(default)


def _is_json(value: Any) -> bool:
    """Say whether a value comes back from JSON as it is."""
    if type(value) in _PLAIN_TYPES:
        return value == value and value not in (float("inf"), -float("inf"))
    if type(value) is list:
        return all(map(_is_json, cast("List[Any]", value)))
    if type(value) is dict:
        pairs = cast("Dict[Any, Any]", value)
        return all(type(key) is str and _is_json(inner) for key, inner in pairs.items())
    return False


def value_of(spec: ConfigSpec) -> Any:
    """Return the plain value that a config's data hold; raise ConfigError."""
    if spec.form != PICKLE:
        return spec.value
    try:
        return pickle.loads(base64.b64decode(spec.value))
    except Exception as error:
        raise ConfigError(
            "The kept value of config `{}` can't be read here: {}: {}. Is the code gone that it is "
            "made of?".format(spec.name, type(error).__name__, error)
        ) from error
