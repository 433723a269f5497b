"""What a step logs while it runs: checked here, told to control at once."""

from __future__ import annotations

import json
import operator
import sys
import time
from typing import Any, List, Mapping, NoReturn, Optional, Tuple, cast

from falaj.authoring.wording import full_path, told
from falaj.errors import MetricError
from falaj.model.measures import METRICS, PARAMS
from falaj.redaction import redact, redact_beginning, redact_json
from falaj.runtime import notes

LONGEST_NAME = 250
LONGEST_REPR = 1000
LARGEST_PARAM = 1 << 20
# Of the characters of a note, those that may be its content.
_ROOM = notes.LONGEST - 64
_OURS = __name__.partition(".")[0] + "."


def log_metrics(metrics: Mapping[str, Any], step: Optional[int]) -> None:
    """Tell a point of each metric, all at the same `step` and time.

    Raises MetricError, telling nothing, where a name, a value or the step can't be kept.
    """
    at, kept = time.time(), _step(step)
    points = [[_name(name), _number(name, value), kept, at] for name, value in _items(metrics)]
    _tell(METRICS, points)


def log_params(params: Mapping[str, Any], store: str) -> None:
    """Tell each value as JSON, or its repr where it isn't; a long one through the `store`.

    Raises MetricError, telling nothing, where a name can't be kept or a value is too large.
    """
    at = time.time()
    rows: List[List[Any]] = []
    for name, value in _items(params):
        shown, text = _name(name), _json(value)
        if len(text) > LARGEST_PARAM:
            _refuse(
                "The parameter {!r} is {:,} characters long as JSON; {:,} can be logged. Assign it "
                "to self instead.".format(name, len(text), LARGEST_PARAM)
            )
        text = _without_secrets(text)
        row = [shown, text, None, at]
        if len(json.dumps(row)) > _ROOM:
            row = [shown, None, _put(text, store), at]
        rows.append(row)
    _tell(PARAMS, rows)


def _tell(kind: str, rows: List[List[Any]]) -> None:
    if len(rows) == 1:
        _send(kind, rows)
        return
    part: List[List[Any]] = []
    room = _ROOM
    for row in rows:
        size = len(json.dumps(row)) + 1
        if part and size > room:
            _send(kind, part)
            part, room = [], _ROOM
        part.append(row)
        room -= size
    if part:
        _send(kind, part)


def _send(kind: str, rows: List[List[Any]]) -> None:
    if not notes.tell(kind, rows):
        _refuse(
            "What is logged here can't be recorded: this process has closed the file through "
            "which it tells, as os.closerange() does, or is none of the task's own."
        )


def _items(given: Any) -> List[Tuple[Any, Any]]:
    if not isinstance(given, Mapping):
        _refuse("A dict of names and values is needed, not {}.".format(_shown(given)))
    return list(cast("Mapping[Any, Any]", given).items())


def _name(name: Any) -> str:
    if not isinstance(name, str):
        _refuse("A name that is logged has to be text, not {}.".format(_shown(name)))
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        _refuse(
            "{} can't be the name of what is logged: 1 to {} printable characters are "
            "needed.".format(_shown(name), LONGEST_NAME)
        )
    return redact(str(name))


def _number(name: str, value: Any) -> float:
    if type(value) is float:
        return value
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, (str, bytes, complex)) or kind == "c" or getattr(value, "ndim", 0):
        _no_number(name, value)
    try:
        return float(value)
    except OverflowError:
        _refuse("The metric {!r} is too large to be kept as a float.".format(name))
    except (TypeError, ValueError, RuntimeError):
        _no_number(name, value)


def _no_number(name: str, value: Any) -> NoReturn:
    _refuse(
        "The metric {!r} has to be a number, not {}. Values that are no numbers can be logged "
        "with current.log_param.".format(name, _shown(value))
    )


def _step(step: Any) -> Optional[int]:
    if step is None:
        return None
    try:
        number = operator.index(step)
    except TypeError:
        number = 1 << 64
    if isinstance(step, bool) or not -(1 << 63) <= number < 1 << 63:
        _refuse("The step of a metric has to be a whole number, not {}.".format(_shown(step)))
    return number


def _json(value: Any) -> str:
    try:
        return json.dumps(value, default=_plain)
    except (TypeError, ValueError, RecursionError):
        return json.dumps(_shown(value, LONGEST_REPR))


def _without_secrets(text: str) -> str:
    if redact(text) == text:
        return text
    shown = json.dumps(redact_json(json.loads(text)))
    # A number may be the value of a secret, too, and has no room for the placeholder.
    return shown if redact(shown) == shown else json.dumps(redact(shown))


def _plain(value: Any) -> Any:
    # Numbers of numpy and the like, also inside of a dict or list.
    item = getattr(value, "item", None)
    if callable(item) and not getattr(value, "ndim", 0):
        try:
            plain = item()
        except Exception:
            plain = None
        if isinstance(plain, (bool, int, float, str)):
            return plain
    return _shown(value, LONGEST_REPR)


def _shown(value: Any, longest: int = 100) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = "<{} whose repr fails: {}>".format(type(value).__name__, type(error).__name__)
    if len(text) <= longest:
        return redact_beginning(text, longest)
    return redact_beginning(text, longest - 1) + "…"


def _put(text: str, store: str) -> str:
    # Imported here: few parameters are that long.
    from falaj.store.blobs import BlobStore

    return BlobStore(store).put(text.encode())


def _refuse(message: str) -> NoReturn:
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).startswith(_OURS):
        frame = frame.f_back
    raise MetricError(told(full_path(frame.f_code.co_filename), frame.f_lineno, message))
