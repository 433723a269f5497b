"""What a Parameter or IncludeFile may declare: names, arguments and types."""

from __future__ import annotations

import codecs
from typing import Any, Iterable, Mapping, Tuple

from falaj.authoring.wording import listed, near_miss

# Names that options of the `run` command have, or have in flows written for Metaflow.
_OPTION_NAMES = (
    "help",
    "params",
    "with",
    "tag",
    "namespace",
    "obj",
    "tags",
    "decospecs",
    "run-id-file",
    "max-num-splits",
    "max-workers",
    "max-log-size",
    "user-namespace",
    "run-id",
    "task-id",
    "runner-attribute-file",
)
RESERVED = frozenset(_OPTION_NAMES) | {name.replace("-", "_") for name in _OPTION_NAMES}
# Options of the command-line library below Metaflow that change how help looks and nothing else.
_DISPLAY_OPTIONS = frozenset(("hidden", "metavar", "show_choices", "show_envvar"))
# Truth values are whole numbers to Python: they come first.
_TYPES: Tuple[type, ...] = (bool, int, float, str)


class JSONTypeClass:
    """The type of parameters that take any JSON value; use its one object, JSONType."""

    name = "JSON"

    def __repr__(self) -> str:
        return "JSON"


JSONType = JSONTypeClass()


def name_fault(name: Any, attribute: str) -> str:
    """Return what is wrong with a parameter's name, or with the attribute that holds it."""
    if not isinstance(name, str):
        return "A parameter's name is a text, not {!r}.".format(name)
    if not name.replace("-", "_").isidentifier() or name.startswith("-"):
        return (
            "Parameter name {!r} can't be an option; use letters, digits, `_` and `-`, with a "
            "letter first.".format(name)
        )
    if name in RESERVED:
        return (
            "Parameter name `{0}` is reserved: `--{0}` is an option of Falaj. Choose another "
            "name.".format(name)
        )
    if attribute.startswith("_"):
        return (
            "Parameter `{}` is held by the private attribute `{}`; let the attribute start with "
            "a letter.".format(name, attribute)
        )
    return ""


def option_fault(name: str, options: Mapping[str, Any], known: Iterable[str]) -> str:
    """Return what is wrong with arguments that a parameter does not have."""
    for option in options:
        if option not in _DISPLAY_OPTIONS:
            return "Parameter `{}` has no argument `{}`{}; it takes {}.".format(
                name, option, near_miss(option, known), listed(known)
            )
    return ""


def function_fault(name: str, required: Any, show_default: Any, separator: Any) -> str:
    """Return what is wrong with the arguments that can't be functions, or texts alone."""
    fields = {"required": required, "show_default": show_default, "separator": separator}
    for field, value in fields.items():
        if callable(value):
            return "Parameter `{}`: `{}` can't be a function; only `default` can.".format(
                name, field
            )
    if separator is not None and not isinstance(separator, str):
        return "Parameter `{}`: `separator` is a text, such as ','.".format(name)
    return ""


def type_fault(name: str, kind: Any, default: Any) -> str:
    """Return what is wrong with a parameter's type, be it given or the default's."""
    if type_name(kind, default):
        return ""
    if kind is None:
        return (
            "Parameter `{}`: a default can't be a {}; use str, int, float, bool or "
            "JSONType.".format(name, type(default).__name__)
        )
    return (
        "Parameter `{}`: type={} is not supported; use str, int, float, bool or JSONType.".format(
            name, getattr(kind, "__name__", repr(kind))
        )
    )


def type_name(kind: Any, default: Any) -> str:
    """Return the name of the type that is given, or else the default's; empty for others."""
    if isinstance(kind, JSONTypeClass) or kind is JSONTypeClass:
        return "json"
    if kind is not None:
        return str(kind.__name__) if kind in _TYPES else ""
    if default is None or callable(default):
        return "str"
    for known in _TYPES:
        if isinstance(default, known):
            return known.__name__
    return "json" if isinstance(default, (dict, list, tuple)) else ""


def include_fault(name: str, default: Any, encoding: str, parser: Any) -> str:
    """Return what is wrong with what only an IncludeFile declares."""
    if not (default is None or callable(default) or isinstance(default, str)):
        return "IncludeFile `{}`: the default is the path of a file, not {!r}.".format(
            name, default
        )
    try:
        codecs.lookup(encoding)
    except LookupError:
        return "IncludeFile `{}`: there is no encoding {!r}.".format(name, encoding)
    named = isinstance(parser, str) and "." in parser
    if parser is not None and not named and not callable(parser):
        return (
            "IncludeFile `{}`: `parser` is a function or a dotted name such as "
            "'package.module.function', not {!r}.".format(name, parser)
        )
    return ""
