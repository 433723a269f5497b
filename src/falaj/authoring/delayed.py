"""Values that a flow's class body takes from its configs before these are known.

`cfg.train.cpu`, `cfg["train"]` and `config_expr("cfg.train.cpu * 2")` stand for what they give
once the configs are read; `**cfg.train` stands for all keys below. Whoever holds one of them
resolves it when the flow is described.
"""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterable, List, Mapping, NoReturn, Sequence, Tuple, cast

from falaj.authoring.configvalues import ConfigValue
from falaj.authoring.wording import caller_place, told
from falaj.errors import ConfigError

# Stands, as the only key of what is unpacked with `**`, for the keys that are not known yet.
_UNPACKED = "__falaj_unpacked_{}__"
_CONTAINERS = (list, tuple, set, frozenset)


class Delayed:
    """What an expression over configs will give; attributes and items of it are delayed, too."""

    def __init__(
        self,
        expression: str,
        names: Mapping[str, Any],
        path: Tuple[Any, ...] = (),
        place: Tuple[str, int] = ("", 0),
    ) -> None:
        """Keep the expression, the globals that it sees, and the keys to follow from its value."""
        self.__dict__["_falaj"] = (expression, names, path, place)

    def keys(self) -> List[str]:
        """Return the key that stands for all keys, for unpacking with `**`."""
        return [_UNPACKED.format(id(self))]

    def __getattr__(self, name: str) -> "Delayed":
        # Protocols ask for these; were they answered, everything could be copied, pickled, ...
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, key: Any) -> "Delayed":
        if isinstance(key, str) and key == _UNPACKED.format(id(self)):
            return self
        expression, names, path, place = self.__dict__["_falaj"]
        return Delayed(expression, names, (*path, key), place)

    def __iter__(self) -> NoReturn:
        _refuse(self, "gone through")

    def __repr__(self) -> str:
        return "<config value {}>".format(shown(self))

    def __str__(self) -> str:  # noqa: PLE0307
        _refuse(self, "made a text")

    def __format__(self, _: str) -> str:
        _refuse(self, "made a text")

    def __bool__(self) -> bool:  # noqa: PLE0304
        _refuse(self, "tested")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        _refuse(self, "called")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Delayed):
            return self is other
        _refuse(self, "compared")

    def __hash__(self) -> int:
        return id(self)


def config_expr(expr: str) -> Any:
    """Return what stands for the value of a Python expression over the flow's configs.

    The expression sees the configs by their names and the globals of the module that calls this.
    It can be used in arguments of decorators, parameters and mutators; it is evaluated when the
    flow is described.
    """
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    return Delayed(expr, frame.f_globals, (), caller_place())


def shown(delayed: Delayed) -> str:
    """Return a delayed value as it was written."""
    expression, _, path, _ = delayed.__dict__["_falaj"]
    parts = [expression]
    for key in path:
        plain = isinstance(key, str) and key.isidentifier()
        parts.append(".{}".format(key) if plain else "[{!r}]".format(key))
    return "".join(parts)


def holds_delayed(value: Any) -> bool:
    """Say whether a value is delayed, or a plain container holds one that is."""
    if isinstance(value, Delayed) or _is_declaration(value):
        return True
    if isinstance(value, dict):
        pairs = cast("Dict[Any, Any]", value)
        return any(holds_delayed(part) for pair in pairs.items() for part in pair)
    if type(value) in _CONTAINERS:
        return any(holds_delayed(item) for item in cast("Iterable[Any]", value))
    return False


def resolved(value: Any, configs: Mapping[str, Any]) -> Any:
    """Return a value with all that is delayed in it replaced by what `configs` give.

    Raises ConfigError where an expression fails.
    """
    if _is_declaration(value):
        value = value.__falaj_delayed__
    if isinstance(value, Delayed):
        return evaluated(value, configs)
    if isinstance(value, dict) and not isinstance(value, ConfigValue):
        return unpacked(cast("Dict[Any, Any]", value), configs)
    if type(value) in _CONTAINERS:
        kind = cast("Any", type(value))
        return kind(resolved(item, configs) for item in cast("Iterable[Any]", value))
    return value


def unpacked(pairs: Mapping[Any, Any], configs: Mapping[str, Any]) -> Dict[Any, Any]:
    """Return a dict with delayed values resolved and those unpacked with `**` spread out."""
    result: Dict[Any, Any] = {}
    for key, value in pairs.items():
        source = _below_declaration(value)
        if isinstance(source, Delayed) and key == _UNPACKED.format(id(source)):
            spread = evaluated(source, configs)
            if not isinstance(spread, Mapping):
                message = "`**{}` needs a dict in the config, and there is {!r}."
                _fail(source, message.format(shown(source), spread))
            result.update(cast("Mapping[Any, Any]", spread))
        else:
            result[resolved(key, configs)] = resolved(value, configs)
    return result


def evaluated(delayed: Delayed, configs: Mapping[str, Any]) -> Any:
    """Return what a delayed value stands for; raise ConfigError."""
    expression, names, path, _ = delayed.__dict__["_falaj"]
    try:
        # All names are globals: what is nested in an expression sees no other ones.
        known = expression in configs
        value = configs[expression] if known else eval(expression, {**names, **configs})
    except Exception as error:
        message = "`{}` can't be evaluated: {}: {}"
        _fail(delayed, message.format(shown(delayed), type(error).__name__, error))
    for position, key in enumerate(path):
        step = resolved(key, configs)
        try:
            value = follow(value, step)
        except (KeyError, IndexError, TypeError, AttributeError):
            before = Delayed(expression, names, path[:position])
            message = "`{}`: {}".format(shown(delayed), missing(shown(before), value, step))
            _fail(delayed, message)
    return value


def follow(value: Any, key: Any) -> Any:
    """Return the item of that key, or else the attribute of that name."""
    if isinstance(value, Mapping) and key in cast("Mapping[Any, Any]", value):
        return cast("Mapping[Any, Any]", value)[key]
    held = cast("Any", value)
    return getattr(held, key) if isinstance(key, str) else held[key]


def missing(before: str, value: Any, key: Any) -> str:
    """Return the sentence that says that `before`, which is `value`, has no `key`."""
    if value is None:
        return "`{}` has no value.".format(before)
    if isinstance(value, Mapping):
        from falaj.authoring.wording import listed, near_miss

        keys = [str(one) for one in cast("Mapping[Any, Any]", value)]
        there = "; there is {}".format(listed(keys)) if keys else ""
        return "`{}` has no `{}`{}{}.".format(before, key, near_miss(str(key), keys), there)
    return "`{}` is {!r}, which has no `{}`.".format(before, value, key)


def value_at(configs: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the value that `self.<names[0]>.<names[1]>...` has in steps, given the configs.

    Raises ConfigError for a config or a key that is not there.
    """
    value: Any = configs
    for position, name in enumerate(names):
        try:
            value = follow(value, name)
        except (KeyError, TypeError, AttributeError):
            before = ".".join(("self", *names[:position]))
            raise ConfigError(missing(before, value, name)) from None
    return value


def _is_declaration(value: Any) -> bool:
    return hasattr(cast(Any, type(value)), "__falaj_delayed__")


def _below_declaration(value: Any) -> Any:
    return value.__falaj_delayed__ if _is_declaration(value) else value


def _refuse(delayed: Delayed, done: str) -> NoReturn:
    file, line = caller_place()
    message = (
        "`{0}` can't be {1} here: its value is known only when the flow is described. Write "
        "config_expr({2!r}) with the whole expression instead."
    )
    name = shown(delayed)
    raise ConfigError(told(file, line, message.format(name, done, name + " ...")), line)


def _fail(delayed: Delayed, message: str) -> NoReturn:
    file, line = delayed.__dict__["_falaj"][3]
    raise ConfigError(told(file, line, message), None)
