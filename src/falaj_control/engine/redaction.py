"""Keeps secrets out of what is recorded and shown of a task that has ended, or of what it told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from falaj.model.orders import ErrorInfo, Report
from falaj.redaction import NOTE, Redactor
from falaj_control.engine.active import ActiveTask
from falaj_control.ports.executing import Ended


def without_secrets(event: Ended, redactor: Redactor) -> Ended:
    """Return the event without what is secret in its error, its label and its reason."""
    if not redactor.is_active:
        return event
    report = None if event.report is None else _report(event.report, redactor)
    return event._replace(report=report, why=redactor.redact(event.why))


def _report(report: Report, redactor: Redactor) -> Report:
    error = None if report.error is None else _error(report.error, redactor)
    return report._replace(error=error, label=redactor.redact_cut(report.label))


def _error(error: ErrorInfo, redactor: Redactor) -> ErrorInfo:
    message, trace = redactor.redact(error.message), redactor.redact(error.traceback)
    return error._replace(message=message, traceback=trace)


def secret_takers(redactor: Redactor) -> Mapping[str, Callable[[ActiveTask, Any], None]]:
    """Return what takes in the secrets that tasks have got by themselves."""
    pieces: dict[tuple[int, str], str] = {}

    def take(task: ActiveTask, note: Any) -> None:
        items = cast("list[Any]", note) if isinstance(note, list) else []
        if len(items) != 3 or not isinstance(items[1], str):
            # A process may write anything to its files.
            return
        number, piece, is_last = items
        key = (task.number, str(number))
        pieces[key] = pieces.get(key, "") + piece
        if is_last:
            redactor.add([pieces.pop(key)])

    return {NOTE: take}
