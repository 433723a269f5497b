"""Why a task failed, as the client tells it."""

from __future__ import annotations

from falaj.errors import ExceptionWrapper
from falaj.model.orders import ErrorInfo


class TaskException(ExceptionWrapper):
    """A failed task's exception as text: `exception`, `type`, `stacktrace` and `location`.

    `type` is empty where the process died without an exception.
    """

    def __init__(self, error: ErrorInfo) -> None:
        """Keep what the records have of the exception."""
        super().__init__(error.message, error.type, error.traceback)
        self.location = error.location

    def __str__(self) -> str:
        text = "{}: {}".format(self.type, self.exception) if self.type else self.exception
        return "{} (at {})".format(text, self.location) if self.location else text

    def __repr__(self) -> str:
        return "<TaskException: {}>".format(self)
