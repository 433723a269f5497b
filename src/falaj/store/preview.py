"""What can be shown of a value without loading it: computed in its task, kept as JSON beside it.

A preview is small, strict JSON and cheap; it never raises, whatever the value's own methods do.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, cast

from falaj.redaction import redact_beginning, redact_first_bytes, redact_json
from falaj.store.preview_arrays import show_array, show_tensor
from falaj.store.preview_tables import show_table, table_kind
from falaj.store.sketch import (
    Sketcher,
    clean,
    integer_text,
    is_kind,
    items_of,
    kind_of,
    module_of,
    number,
    plain_scalar,
    shortened,
    type_name,
)
from falaj.store.timed import Allowance, OutOfTime

_dict: Any = dict

LIMIT = 65536
TEXT = 1000
SECONDS = 0.5
_REPR = 4000
_QUOTED = 200
_BYTES = 64
# Libraries whose arrays have a shape and a dtype that cost nothing to ask.
_TENSORS = frozenset(("torch", "jax", "jaxlib", "tensorflow", "cupy", "scipy", "xarray"))
# What is left out of a preview that is too large, in this order.
_SPARED = ("histogram", "rows", "elements", "items", "statistics", "schema", "text", "repr")


def preview(value: Any, limit: int = LIMIT) -> Dict[str, Any]:
    """Return a description of `value` as JSON values, at most `limit` bytes when dumped.

    Always there: `type`, `size` (bytes in memory, a hint) and `repr`. Further by kind: `value`
    (numbers), `text` and `len` (strings), `elements`, `items` and `len` (containers), `shape`,
    `dtype`, `statistics`, `histogram` (arrays), `schema`, `rows`, `statistics` (tables). Where
    statistics come from a sample, `sampled` says of how many rows or elements. `limit` is at
    least 256.
    """
    kind = kind_of(value)
    if kind is int or kind is float or kind is bool or value is None:
        return _scalar(value, kind)
    if kind is str:
        shown = _text(value)
    else:
        shown = {"type": shortened(type_name(kind), 200), "size": 0, "repr": ""}
        try:
            _show(value, kind, shown)
        except OutOfTime:
            shown["out_of_time"] = True
        except Exception as error:
            shown["incomplete"] = shortened(type_name(type(error)), 200)
        if not shown["repr"]:
            shown["repr"] = "<{}>".format(shown["type"])
    return _fitted(redact_json(shown), limit)


def _scalar(value: Any, kind: type) -> Dict[str, Any]:
    if kind is int:
        plain = number(value)
        # Very long digits cost time that grows with their square.
        text = str(plain)
    else:
        plain = number(value) if kind is float else value
        text = repr(value)
    return {
        "type": kind.__name__,
        "size": sys.getsizeof(value),
        "repr": text,
        "value": plain,
    }


def _text(value: str) -> Dict[str, Any]:
    shown = redact_beginning(value, TEXT)
    more = len(shown) > _QUOTED or len(value) > TEXT
    return {
        "type": "str",
        "size": sys.getsizeof(value),
        "repr": clean(repr(shown[:_QUOTED])) + ("…" if more else ""),
        "len": len(value),
        "text": clean(shown),
    }


def _show(value: Any, kind: type, shown: Dict[str, Any]) -> None:
    sketcher = Sketcher(Allowance(SECONDS))
    if is_kind(kind, dict):
        length = _dict.__len__(value)
        shown["len"] = length
        _container(value, shown, sketcher, "items", sketcher.pairs(value, length, 2))
        return
    found = items_of(value)
    if found is not None:
        shown["len"] = found[1]
        _container(value, shown, sketcher, "elements", sketcher.elements(found[0], found[1], 2))
        return
    if kind is bytes or kind is bytearray:
        shown["len"], shown["size"] = len(value), sys.getsizeof(value)
        shown["repr"] = repr(redact_first_bytes(value, _BYTES)) + (
            "…" if len(value) > _BYTES else ""
        )
        return
    plain = plain_scalar(value)
    if plain is not value:
        shown.update(value=number(plain) if type(plain) is not bool else plain)
        shown.update(size=sys.getsizeof(value), repr=str(plain))
        return
    if _is_array(kind):
        show_array(value, shown, sketcher)
        return
    table = table_kind(kind)
    if table is not None:
        show_table(table, value, shown, sketcher)
        return
    if module_of(kind).partition(".")[0] in _TENSORS:
        show_tensor(value, shown)
    _object(value, kind, shown, sketcher)


def _container(
    value: Any, shown: Dict[str, Any], sketcher: Sketcher, name: str, sketch: Any
) -> None:
    shown[name] = sketch
    builtin = module_of(kind_of(value)) == "builtins"
    shown["size"] = sys.getsizeof(value) if builtin else 0
    # Where all is shown and none of it is foreign, Python's own repr is short and safe.
    shown["repr"] = shortened(repr(value if sketcher.whole and builtin else sketch), _REPR)
    if not builtin:
        shown["size"] = sketcher.allowance.call(_size, value)


def _object(value: Any, kind: type, shown: Dict[str, Any], sketcher: Sketcher) -> None:
    try:
        shown["size"] = sketcher.allowance.call(_size, value)
    except Exception:
        # The repr tells more than the size; it gets what time is left.
        shown["size"] = 0
    shown["repr"] = sketcher.foreign(value, _REPR)
    if issubclass(kind, int):
        plain = int.__index__(value)
        shown["value"] = number(plain)
        shown.setdefault("text", integer_text(plain))
    elif issubclass(kind, str):
        shown["len"], shown["text"] = (
            str.__len__(value),
            clean(redact_beginning(str.__str__(value), TEXT)),
        )


def _size(value: Any) -> int:
    size = sys.getsizeof(value)
    return size if type(size) is int else 0


def _is_array(kind: type) -> bool:
    array = getattr(sys.modules.get("numpy"), "ndarray", None)
    return array is not None and issubclass(kind, array)


def _fitted(shown: Dict[str, Any], limit: int) -> Dict[str, Any]:
    if _length(shown) <= limit:
        return shown
    shown["truncated"] = True
    for name in _SPARED:
        part = shown.get(name)
        if part is None:
            continue
        shown[name] = _less(part)
        if _length(shown) <= limit:
            return shown
        if name == "repr":
            shown["repr"] = ""
        else:
            del shown[name]
        if _length(shown) <= limit:
            return shown
    short: Dict[str, Any] = {"type": str(shown["type"])[:40], "size": shown["size"]}
    short.update(repr="", truncated=True)
    return short


def _less(part: Any) -> Any:
    if isinstance(part, str):
        return part[:80] + "…"
    if isinstance(part, list):
        elements = cast(List[Any], part)
        return elements[: len(elements) // 4]
    if isinstance(part, dict):
        entries = list(cast(Dict[str, Any], part).items())
        return dict(entries[: len(entries) // 4])
    return part


def _length(shown: Dict[str, Any]) -> int:
    try:
        return len(json.dumps(shown, allow_nan=False))
    except Exception:
        # Nothing that is no strict JSON may leave; which part it was does not matter.
        shown.clear()
        shown.update(type="object", size=0, repr="")
        return 0
