"""Takes the metrics and parameters that tasks tell while they run."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

from falaj.errors import FalajException
from falaj.model.measures import METRICS, PARAMS
from falaj.store.blobs import BlobStore
from falaj_control.engine.active import ActiveTask
from falaj_control.records.measures import LoggedParam, MeasureBatch, MetricPoint

_INTEGERS = 1 << 63


def measure_takers(
    batch: MeasureBatch, store: BlobStore
) -> Mapping[str, Callable[[ActiveTask, Any], None]]:
    """Return what takes the notes of each kind into `batch`.

    A note that is not of its form is left out: a process may write anything to its files.
    """
    return {METRICS: partial(_take_metrics, batch), PARAMS: partial(_take_params, batch, store)}


def _take_metrics(batch: MeasureBatch, task: ActiveTask, note: Any) -> None:
    for item in _rows(note, 4):
        name, value, step, at = item
        if not _is_name(name) or not _is_number(value) or not _is_time(at):
            continue
        if step is not None and (type(step) is not int or not -_INTEGERS <= step < _INTEGERS):
            continue
        kept = None if math.isnan(value) else float(value)
        batch.add_point(MetricPoint(task.planned.id, task.attempt, name, step, kept, float(at)))


def _take_params(batch: MeasureBatch, store: BlobStore, task: ActiveTask, note: Any) -> None:
    for name, text, digest, at in _rows(note, 4):
        if not _is_name(name) or not _is_time(at):
            continue
        if isinstance(digest, str):
            try:
                text = store.read(digest).decode("utf-8", "replace")
            except (FalajException, ValueError, OSError):
                continue
        if isinstance(text, str) and _is_json(text):
            batch.add_param(LoggedParam(task.planned.id, task.attempt, name, text, float(at)))


def _rows(note: Any, width: int) -> list[list[Any]]:
    items = cast("list[Any]", note) if isinstance(note, list) else []
    return [one for one in items if isinstance(one, list) and len(cast("Any", one)) == width]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
        # The records hold no lone surrogates.
        text.encode()
    except (ValueError, RecursionError):
        return False
    return True


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and abs(value) < 1 << 1023)


def _is_time(value: Any) -> bool:
    return _is_number(value) and math.isfinite(value)
