"""Any value as a small JSON value: bounded in breadth, depth, text and time."""

from __future__ import annotations

import math
import sys
from itertools import islice
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from falaj.redaction import redact_beginning, redact_first_bytes
from falaj.store.timed import Allowance, OutOfTime

BREADTH = 20
DEPTH = 3
NESTED_TEXT = 200
EXACT_INTEGERS = 1 << 53
_PRINTED_BITS = 4096
_CHARACTERS = 40_000

# A value's type, whatever the value says of itself.
kind_of: Callable[[Any], Any] = type
is_kind: Callable[[Any, type], bool] = issubclass

# The type's own accounts of its name; a metaclass may answer anything.
_qualified: Any = type.__dict__["__qualname__"].__get__
_dict: Any = dict
_module: Any = type.__dict__["__module__"].__get__


def type_name(kind: type) -> str:
    """Return a type as people write it: `int`, `pandas.core.frame.DataFrame`."""
    module, name = module_of(kind), clean(name_of(kind))
    return name if module == "builtins" else "{}.{}".format(clean(module), name)


def name_of(kind: type) -> str:
    """Return a type's qualified name without its module."""
    return str(_qualified(kind))


def module_of(kind: type) -> str:
    """Return the name of the module that defines a type."""
    module = _module(kind)
    return module if type(module) is str else "builtins"


def number(value: Any) -> Any:
    """Return an exact int or float as a JSON number where JSON can hold it, else as text."""
    if type(value) is float:
        return value if math.isfinite(value) else repr(value)
    if -EXACT_INTEGERS <= value <= EXACT_INTEGERS:
        return value
    return integer_text(value)


def integer_text(value: int) -> str:
    """Return an integer's digits, or only its size where there are very many."""
    bits = value.bit_length()
    if bits > _PRINTED_BITS:
        return "{}integer of {:,} bits".format("negative " if value < 0 else "", bits)
    return str(value)


def clean(text: str) -> str:
    """Return text that can be encoded as UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def shortened(text: str, limit: int) -> str:
    """Return the first `limit` characters, with an ellipsis where there were more; no secrets."""
    shown = clean(redact_beginning(text, limit))
    return shown if len(text) <= limit else shown + "…"


def items_of(value: Any) -> Optional[Tuple[Iterable[Any], int]]:
    """Return a builtin sequence or set's elements and length, asking no method of a subclass."""
    kind = kind_of(value)
    for base in (list, tuple, set, frozenset):
        if kind is base or issubclass(kind, base):
            owner: Any = base
            return owner.__iter__(value), owner.__len__(value)
    return None


class Sketcher:
    """Makes sketches that share one allowance of time and one of characters.

    `whole` turns false once something was left out or code that is not ours was asked.
    """

    def __init__(self, allowance: Allowance) -> None:
        """Spend time from `allowance`."""
        self.allowance = allowance
        self.whole = True
        self._characters = _CHARACTERS

    def value(self, value: Any, depth: int = DEPTH) -> Any:
        """Return a JSON value that shows `value` as far as it goes; never raises."""
        kind = kind_of(value)
        if kind is int or kind is float:
            self._characters -= 16
            return number(value)
        if kind is str:
            return self.text(value, NESTED_TEXT)
        if value is None or kind is bool:
            return value
        if kind is dict or issubclass(kind, dict):
            return self._nested(value, _dict.__len__(value), depth, self.pairs)
        found = items_of(value)
        if found is None:
            self.whole = False
            return self.foreign(value, NESTED_TEXT)
        if kind not in (list, tuple):
            self.whole = False
        return self._nested(found[0], found[1], depth, self.elements)

    def elements(self, items: Iterable[Any], length: int, depth: int) -> List[Any]:
        """Return the first elements and, where there are more, how many."""
        shown: List[Any] = []
        for item in islice(items, BREADTH):
            if self._characters <= 0:
                break
            shown.append(self.value(item, depth))
        if length > len(shown):
            self.whole = False
            shown.append("… {:,} more".format(length - len(shown)))
        return shown

    def pairs(self, mapping: Any, length: int, depth: int) -> Dict[str, Any]:
        """Return the first entries by key as text and, where there are more, how many."""
        shown: Dict[str, Any] = {}
        count = 0
        for key, item in islice(_dict.items(mapping), BREADTH):
            if self._characters <= 0:
                break
            count += 1
            shown[self.key(key)] = self.value(item, depth)
        if length > count:
            self.whole = False
            shown["…"] = "{:,} more".format(length - count)
        return shown

    def key(self, key: Any) -> str:
        """Return a mapping's key as text."""
        if type(key) is str:
            return self.text(key, NESTED_TEXT)
        shown = self.value(key, 0)
        return shown if type(shown) is str else str(shown)

    def text(self, text: str, limit: int) -> str:
        """Return text, shortened to `limit` characters."""
        shown = shortened(text, limit)
        if len(text) > limit or shown != text:
            self.whole = False
        self._characters -= len(shown)
        return shown

    def foreign(self, value: Any, limit: int) -> str:
        """Return the repr of a value that is not of a builtin container or scalar type."""
        kind = kind_of(value)
        try:
            if kind is bytes or kind is bytearray:
                shown = repr(redact_first_bytes(value, limit))
                return self.text(shown + "…" if len(value) > limit else shown, limit + 1)
            plain = plain_scalar(value)
            if plain is not value:
                return self.text(str(number(plain)) if plain is not None else "None", limit)
            shown = self.allowance.call(repr, value)
            if type(shown) is not str:
                shown = str.__str__(shown)
            return self.text(shown, limit)
        except OutOfTime:
            return "<{}, whose repr takes too long>".format(shortened(type_name(kind), 100))
        except Exception as error:
            return "<{}, whose repr raises {}>".format(
                shortened(type_name(kind), 100), shortened(type_name(type(error)), 100)
            )

    def _nested(
        self, value: Any, length: int, depth: int, show: Callable[[Any, int, int], Any]
    ) -> Any:
        self._characters -= 4
        if length and (depth <= 0 or self._characters <= 0):
            self.whole = False
            return "… {:,} more".format(length)
        return show(value, length, depth - 1)


def plain_scalar(value: Any) -> Any:
    """Return a NumPy number as Python's int, float or bool; any other value as it is."""
    numpy = sys.modules.get("numpy")
    generic = getattr(numpy, "generic", None)
    if generic is not None and issubclass(type(value), generic):
        plain = value.item()
        if type(plain) in (int, float, bool):
            return plain
    return value
