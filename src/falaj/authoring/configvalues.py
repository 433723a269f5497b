"""What a Config holds: nested values that can be read by key or by attribute, and not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, NoReturn, Tuple, cast

_SEQUENCES = (list, tuple, set, frozenset)


class ConfigValue(Dict[str, Any]):
    """The value of a Config: `value.a.b` is `value["a"]["b"]`.

    It is a dict that can't be changed, equal to a plain dict with the same content. A key that is
    also the name of a method of dicts, such as `items`, is read by key alone.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Take over `data`; mappings within it become values of this kind as well."""
        super().__init__((key, _deepened(value)) for key, value in data.items())

    @classmethod
    def fromkeys(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, iterable: Iterable[str], value: Any = None
    ) -> "ConfigValue":
        """Return a value that holds `value` under each key."""
        return cls(dict.fromkeys(iterable, value))

    def to_dict(self) -> Dict[str, Any]:
        """Return the content as plain dicts, at every level."""
        return cast("Dict[str, Any]", flattened(self))

    def copy(self) -> "ConfigValue":
        """Return an equal value."""
        return ConfigValue(self)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                "The config has no `{}` here; there is {}.".format(
                    name, ", ".join("`{}`".format(key) for key in self) or "nothing"
                )
            ) from None

    def __dir__(self) -> List[str]:
        keys = [key for key in map(str, self) if key.isidentifier()]
        return [*super().__dir__(), *keys]

    def __reduce__(self) -> "Tuple[type, Tuple[Dict[str, Any]]]":
        return ConfigValue, (self.to_dict(),)

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("A config can't be changed; copy it with to_dict() and change the copy.")

    if not TYPE_CHECKING:
        # To a checker these are a dict's own: code that changes a config fails, and says why.
        __setattr__ = __delattr__ = __setitem__ = __delitem__ = __ior__ = _refuse
        clear = pop = popitem = setdefault = update = _refuse


def flattened(value: Any) -> Any:
    """Return a value with plain dicts for all mappings within it."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return {key: flattened(inner) for key, inner in pairs.items()}
    return _rebuilt(value, flattened)


def _deepened(value: Any) -> Any:
    if isinstance(value, ConfigValue):
        return value
    if isinstance(value, Mapping):
        return ConfigValue(cast("Mapping[str, Any]", value))
    return _rebuilt(value, _deepened)


def _rebuilt(value: Any, change: Any) -> Any:
    # Named tuples and the like take their items one by one; they stay as they are.
    if type(value) in _SEQUENCES:
        return type(value)(change(item) for item in value)
    return value
