"""Turning what people type or write as a parameter's value into the value that steps see."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, NamedTuple, Optional, Tuple

from falaj.authoring.wording import failing_line, told
from falaj.errors import ParameterError
from falaj.model.graph import ParameterSpec

TRUE_WORDS = ("true", "t", "yes", "y", "on", "1")
FALSE_WORDS = ("false", "f", "no", "n", "off", "0")
_WANTED = {
    "str": "a text",
    "int": "a whole number, such as 5",
    "float": "a number, such as 0.5",
    "bool": "true or false",
    "json": "JSON, such as '[1, 2]' or '{\"rate\": 0.1}'",
    "file": "the path of a local file",
}


class ParameterContext(NamedTuple):
    """What a function that computes a default is told about the run."""

    flow_name: str
    user_name: str
    parameter_name: str
    logger: Callable[..., None]
    ds_type: str
    configs: Any = None


def convert(spec: ParameterSpec, text: str) -> Any:
    """Return the JSON value that `text`, from a command line or a variable, has for `spec`.

    A file's value is its path with `~` expanded. Raises ParameterError.
    """
    if spec.separator:
        return text.split(spec.separator)
    if spec.type == "str":
        return text
    if spec.type == "file":
        return _path(spec, text)
    try:
        if spec.type == "int":
            return int(text)
        if spec.type == "float":
            return float(text)
        if spec.type == "json":
            return json.loads(text)
    except (ValueError, RecursionError):
        raise _mismatch(spec, repr(text)) from None
    word = text.strip().lower()
    if word not in TRUE_WORDS and word not in FALSE_WORDS:
        raise _mismatch(spec, repr(text))
    return word in TRUE_WORDS


def settle(spec: ParameterSpec, value: Any) -> Any:
    """Return the JSON value that a Python `value`, from the flow's source, has for `spec`.

    Texts are read as on a command line; other values must be of the type, or a number that
    becomes it without loss. Raises ParameterError.
    """
    if isinstance(value, str):
        return convert(spec, value)
    if spec.type == "json":
        return _json_value(spec, value)
    settled = _as_number(spec.type, value)
    if settled is None:
        raise _mismatch(spec, "{!r} ({})".format(value, type(value).__name__))
    return settled


def _as_number(kind: str, value: Any) -> Any:
    if isinstance(value, bool):
        return value if kind == "bool" else None
    if isinstance(value, (int, float)):
        if kind == "str":
            return str(value)
        if kind == "float":
            return float(value)
        if kind == "int" and isinstance(value, int):
            return int(value)
        if kind == "bool" and value in (0, 1):
            return bool(value)
    return None


def _json_value(spec: ParameterSpec, value: Any) -> Any:
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ParameterError(
            "Parameter `{}` takes JSON, and this {} can't be written as JSON: {}.".format(
                spec.name, type(value).__name__, error
            )
        ) from None


def _path(spec: ParameterSpec, text: str) -> str:
    if "://" in text:
        raise ParameterError(
            "Parameter `{}` takes the path of a local file, not the address {!r}: what is there "
            "can change between runs. Download it first.".format(spec.name, text)
        )
    if not text:
        raise _mismatch(spec, repr(text))
    return os.path.expanduser(text)


def _mismatch(spec: ParameterSpec, shown: str) -> ParameterError:
    return ParameterError(
        "Parameter `{}` takes {} ({}), not {}.".format(
            spec.name, _WANTED[spec.type], spec.type, shown
        )
    )


def read_included(name: str, path: str, encoding: Optional[str]) -> Any:
    """Return the file's text in `encoding`, or its bytes for None; raise ParameterError."""
    try:
        with open(os.path.expanduser(path), "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise ParameterError(
            "Parameter `{}`: the file {!r} can't be read ({}).".format(name, path, error.strerror)
        ) from None
    if encoding is None:
        return content
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ParameterError(
            "Parameter `{}`: the file {!r} is not {} text (byte {}). Give the right encoding=, or "
            "is_text=False for bytes.".format(name, path, encoding, error.start)
        ) from None


def computed_default(
    spec: ParameterSpec,
    function: Callable[..., Any],
    context: ParameterContext,
    place: Tuple[str, int],
) -> Any:
    """Return the JSON value that `function` gives for `spec`.

    Raises ParameterError, with the user's line (or `place`, for a function without source), where
    the function fails or gives a wrong type.
    """
    code = getattr(function, "__code__", None)
    file, line = (code.co_filename, code.co_firstlineno) if code else place
    context = context._replace(parameter_name=spec.name)
    # Flows written for Metaflow may ask whether they are being deployed.
    more = (False,) if _asks_deploy_time(function) else ()
    try:
        value = function(context, *more)
    except (Exception, SystemExit) as error:
        file, line = failing_line(error, file, (file, line))
        message = "The default function of parameter `{}` failed with {}: {}".format(
            spec.name, type(error).__name__, error
        )
        raise ParameterError(told(file, line, message), line) from error
    message = "The default function of parameter `{}` returned {!r} ({})".format(
        spec.name, value, type(value).__name__
    )
    if not _fits(spec, value):
        wanted = "{} was expected.".format(spec.type if spec.type != "file" else "a path")
        raise ParameterError(told(file, line, "{}; {}".format(message, wanted)), line)
    try:
        return settle(spec, value)
    except ParameterError as error:
        raise ParameterError(told(file, line, "{}. {}".format(message, error)), line) from None


def _fits(spec: ParameterSpec, value: Any) -> bool:
    # A computed value has its type already: unlike a typed one, it is not read from text.
    if spec.type in ("str", "file"):
        return isinstance(value, str)
    if spec.type == "json":
        return value is not None
    if isinstance(value, bool):
        return spec.type == "bool"
    if spec.type == "float":
        return isinstance(value, (int, float))
    return spec.type == "int" and isinstance(value, int)


def _asks_deploy_time(function: Callable[..., Any]) -> bool:
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    names = code.co_varnames[: code.co_argcount]
    bound = 1 if hasattr(function, "__self__") else 0
    optional = len(getattr(function, "__defaults__", None) or ())
    return "deploy_time" in names or len(names) - bound - optional >= 2
