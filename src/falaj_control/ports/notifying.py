"""Who is told that a run has ended: a notifier, and the event that it is given."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class RunEnded(NamedTuple):
    """How a run ended; times are seconds since the epoch.

    `state` and `reason` are those of the records. `failed_task` is the pathspec of the task whose
    failure ended the run, `error` the type and the message of what it raised; both are empty where
    no task failed. `resume_command` is what a person types to go on.
    """

    flow: str
    run: int
    state: str
    reason: str
    user: str
    tags: tuple[str, ...]
    started_at: float
    ended_at: float
    failed_task: str
    error: str
    resume_command: str


class Notifier(Protocol):
    """Tells somebody; made with the text that follows the name in `--notify NAME:TARGET`."""

    def notify(self, event: RunEnded) -> None:
        """Tell of `event`; what it raises is shown to the person and changes nothing."""
        ...
