"""Any value as a strict JSON value: what JSON can't hold becomes text, numbers of NumPy numbers."""

from __future__ import annotations

from typing import Any, Dict, List, Set, Tuple

from falaj.errors import TimeoutException
from falaj.store.sketch import clean, kind_of, number, plain_scalar

_DEPTH = 60
_SEQUENCES = (list, tuple, set, frozenset)


def text_of(value: Any) -> str:
    """Return a value as text that can be encoded; raises TimeoutException alone."""
    if isinstance(value, str):
        return clean(str.__str__(value))
    try:
        return clean(str(value))
    except TimeoutException:
        raise
    except Exception:
        return "<{}>".format(type(value).__name__)


def plain(value: Any, missing: Any = None) -> Any:
    """Return `value` as a JSON value; floats that are no number become `missing` or, for None,
    their text."""
    return _plain(value, missing, _DEPTH, set())


def scalar(value: Any) -> Any:
    """Return None, a bool, a number or text; numbers that JSON can't hold become text."""
    kind = kind_of(value)
    if value is None or kind is bool:
        return value
    if kind is int or kind is float:
        return number(value)
    if kind is str:
        return clean(value)
    found = plain_scalar(value)
    if found is not value:
        return found if type(found) is bool else number(found)
    return text_of(value)


def _plain(value: Any, missing: Any, depth: int, above: Set[int]) -> Any:
    if isinstance(value, dict):
        return _nested(value, missing, depth, above, _pairs)
    if isinstance(value, _SEQUENCES):
        return _nested(value, missing, depth, above, _elements)
    tolist = getattr(value, "tolist", None)
    if callable(tolist) and not isinstance(value, type) and hasattr(value, "dtype"):
        # An array or one number of NumPy's.
        found = tolist()
        if found is not value:
            return _plain(found, missing, depth - 1, above) if depth > 0 else text_of(found)
    if missing is not None and isinstance(value, float) and value - value != 0:
        return None if missing is False else missing
    isoformat = getattr(value, "isoformat", None)
    if callable(isoformat) and not isinstance(value, type):
        return text_of(isoformat())
    return scalar(value)


def _nested(value: Any, missing: Any, depth: int, above: Set[int], make: Any) -> Any:
    if depth <= 0 or id(value) in above:
        return "…"
    above.add(id(value))
    made = make(value, missing, depth - 1, above)
    above.discard(id(value))
    return made


def _pairs(value: Dict[Any, Any], missing: Any, depth: int, above: Set[int]) -> Dict[str, Any]:
    pairs: List[Tuple[str, Any]] = []
    for key, item in value.items():
        pairs.append((text_of(key), _plain(item, missing, depth, above)))
    return dict(pairs)


def _elements(value: Any, missing: Any, depth: int, above: Set[int]) -> List[Any]:
    return [_plain(item, missing, depth, above) for item in value]
