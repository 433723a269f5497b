"""Reading a run's configs: from what was given, else from their defaults, through their parsers."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple, cast

from falaj.authoring.configdata import data_of, value_of
from falaj.authoring.configs import Config, Declaration, declaration_of, folded
from falaj.authoring.configvalues import ConfigValue, flattened
from falaj.authoring.conversion import ParameterContext
from falaj.authoring.parameters import imported_parser
from falaj.authoring.wording import failing_line, full_path, listed, near_miss, told
from falaj.errors import ConfigError, ConfigUsage, FalajException
from falaj.model.graph import ConfigSpec


class GivenConfigs(NamedTuple):
    """What a person gives configs by: files and texts by name; both may come from variables.

    `known` holds configs that are already read, by name: those of a run that is resumed, or of
    the process that launched this one.
    """

    files: Mapping[str, str] = {}
    values: Mapping[str, str] = {}
    known: Mapping[str, ConfigSpec] = {}


class _Source(NamedTuple):
    """The text of a config and where it is from; `value` is there instead where no text is."""

    text: Optional[str]
    shown: str
    file: str = ""
    value: Any = None


def read_configs(
    flow: str, file: str, user: str, configs: Mapping[str, Config], given: GivenConfigs
) -> "Tuple[Dict[str, Any], Tuple[ConfigSpec, ...]]":
    """Return the values by attribute, and the configs as data.

    Raises ConfigError with all that is wrong, or ConfigUsage for what was typed wrongly.
    """
    _check_names(flow, configs, given)
    values: Dict[str, Any] = {}
    specs: List[ConfigSpec] = []
    faults: List[str] = []
    known = {folded(name): spec for name, spec in given.known.items()}
    for attribute, config in configs.items():
        declared = declaration_of(config)
        try:
            spec = known.get(folded(declared.name))
            if spec is not None:
                value = value_of(spec)
                spec = spec._replace(attribute=attribute, plain=declared.plain)
            else:
                source = _source(declared, flow, file, user, given)
                value = None if source is None else _parsed(declared, source)
                spec = data_of(declared, attribute, value, source.shown if source else "")
            is_wrapped = isinstance(value, Mapping) and not declared.plain
            values[attribute] = ConfigValue(cast("Any", value)) if is_wrapped else value
            specs.append(spec)
        except ConfigError as error:
            faults.append(error.message)
        except RecursionError:
            message = "Config `{}` is nested too deeply, or holds itself."
            faults.append(declared.error(message.format(declared.name)).message)
    if faults:
        raise ConfigError("\n".join(faults))
    return values, tuple(specs)


def _check_names(flow: str, configs: Mapping[str, Config], given: GivenConfigs) -> None:
    names = {folded(declaration_of(config).name) for config in configs.values()}
    for option, asked in (("--config", given.files), ("--config-value", given.values)):
        for name in asked:
            if folded(name) in names:
                continue
            known = [declaration_of(config).name for config in configs.values()]
            hint = near_miss(name, known) + "; there is {}".format(listed(known)) if known else ""
            raise ConfigUsage("{} {}: {} has no such Config{}.".format(option, name, flow, hint))
    twice = {folded(name) for name in given.files} & {folded(name) for name in given.values}
    if twice:
        raise ConfigUsage(
            "Config {} is given both as a file and as a value; give one of them.".format(
                listed(sorted(twice))
            )
        )


def _source(
    declared: Declaration, flow: str, file: str, user: str, given: GivenConfigs
) -> Optional[_Source]:
    name = folded(declared.name)
    files = {folded(key): path for key, path in given.files.items()}
    texts = {folded(key): text for key, text in given.values.items()}
    if name in files:
        path = files[name]
        return _Source(_read(declared, path, "--config"), path, path)
    if name in texts:
        return _Source(texts[name], "--config-value")
    context = ParameterContext(flow, user, declared.name, _say, "local", None)
    if declared.default is not None:
        path = _computed(declared, declared.default, context)
        if path is not None and not isinstance(path, str):
            raise declared.error(
                "The default function of config `{}` returned {!r}; the path of a file was "
                "expected.".format(declared.name, path)
            )
        if path is not None:
            path = _beside(path, file)
            return _Source(_read(declared, path, "default"), path, path)
    value = _computed(declared, declared.default_value, context)
    if value is not None:
        return _default(declared, value)
    if declared.required:
        raise declared.error(
            "Config `{0}` is required: give it before the command, as --config {0} FILE or "
            "--config-value {0} JSON.".format(declared.name)
        )
    return None


def _default(declared: Declaration, value: Any) -> _Source:
    if isinstance(value, str):
        return _Source(value, "default_value")
    value = flattened(value)
    if declared.parser is None:
        return _Source(None, "default_value", value=value)
    try:
        return _Source(json.dumps(value), "default_value")
    except (TypeError, ValueError) as error:
        raise declared.error(
            "Config `{}`: `default_value` goes through the parser as JSON, and can't be written "
            "so: {}.".format(declared.name, error)
        ) from None


def _beside(path: str, file: str) -> str:
    """Return where a default file lies: where the command was typed, else beside the flow."""
    path = os.path.expanduser(path)
    other = os.path.join(os.path.dirname(file), path)
    return other if not os.path.exists(path) and os.path.exists(other) else path


def _read(declared: Declaration, path: str, given_by: str) -> str:
    path = os.path.expanduser(path)
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except OSError as error:
        why = error.strerror or str(error)
    except (UnicodeDecodeError, ValueError) as error:
        why = "it is no UTF-8 text: {}".format(error)
    message = "The file {} of config `{}` can't be read: {}.".format(path, declared.name, why)
    if given_by == "default":
        raise declared.error(message)
    raise ConfigError("--config {}: {}".format(declared.name, message))


def _computed(declared: Declaration, default: Any, context: ParameterContext) -> Any:
    if not callable(default):
        return default
    try:
        return cast("Any", default)(context)
    except FalajException:
        raise
    except Exception as error:
        code = getattr(default, "__code__", None)
        own = code.co_filename if code else ""
        file, line = failing_line(error, own, (declared.file, declared.line))
        message = "The default function of config `{}` failed with {}: {}".format(
            declared.name, type(error).__name__, error
        )
        raise ConfigError(told(file, line, message), line) from error


def _parsed(declared: Declaration, source: _Source) -> Any:
    if source.text is None:
        value = source.value
    elif declared.parser is not None:
        value = _by_parser(declared, source)
    elif declared.plain:
        return source.text
    else:
        try:
            value = json.loads(source.text)
        except (ValueError, RecursionError) as error:
            raise _malformed(declared, source, "no valid JSON", error) from None
    if declared.plain:
        return value
    if not isinstance(value, Mapping):
        raise _malformed(
            declared,
            source,
            "{} and no mapping of names to values; with plain=True anything will do".format(
                "a {}".format(type(value).__name__)
            ),
        )
    return flattened(value)


def _by_parser(declared: Declaration, source: _Source) -> Any:
    parser: Any = declared.parser
    if isinstance(parser, str):
        try:
            parser = imported_parser(parser)
        except ImportError as error:
            raise declared.error(
                "The parser {!r} of config `{}` can't be imported: {}.".format(
                    parser, declared.name, error
                )
            ) from error
    try:
        return parser(source.text)
    except FalajException as error:
        raise _malformed(declared, source, "refused by its parser: {}".format(error)) from error
    except Exception as error:
        code = getattr(parser, "__code__", None)
        own = code.co_filename if code else ""
        place = failing_line(error, own, ("", 0))
        message = "refused by its parser: {}: {}".format(type(error).__name__, error)
        if place[0]:
            message += " (in {})".format(told(place[0], place[1], "").rstrip(": "))
        raise _malformed(declared, source, message, error, whole=True) from error


def _malformed(
    declared: Declaration,
    source: _Source,
    what: str,
    error: Optional[Exception] = None,
    whole: bool = False,
) -> ConfigError:
    line = getattr(error, "lineno", 0)
    line = line if isinstance(line, int) else 0
    if error is not None and not whole:
        column = getattr(error, "colno", None)
        at = " (line {}, column {})".format(line, column) if not source.file and column else ""
        what = "{}: {}{}".format(what, getattr(error, "msg", error), at)
    message = "Config `{}` is {}.".format(declared.name, what.rstrip("."))
    if source.file:
        return ConfigError(told(full_path(source.file), line, message))
    if source.shown == "default_value":
        return declared.error(message)
    return ConfigError("{} {}: {}".format(source.shown, declared.name, message))


def _say(text: str = "", *_: Any, **__: Any) -> None:
    sys.stderr.write("{}\n".format(text))
