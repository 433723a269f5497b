"""How an attempt ended, from what its process reported or how it died."""

from __future__ import annotations

import signal

from falaj.model.orders import EXIT_UNREPORTED, ErrorInfo
from falaj_control.engine.active import ActiveTask
from falaj_control.lifecycle.attempts import (
    ENDED_CAUGHT,
    ENDED_DIED,
    ENDED_FAILED,
    ENDED_STOPPED,
    ENDED_WELL,
)
from falaj_control.ports.executing import Ended

_OUTCOMES = {"succeeded": ENDED_WELL, "caught": ENDED_CAUGHT, "failed": ENDED_FAILED}
_HINTS = {
    signal.SIGKILL: "; the machine may have run out of memory",
    signal.SIGSEGV: ", a segmentation fault: native code crashed",
    signal.SIGABRT: "; native code gave up",
    signal.SIGBUS: "; a file that was mapped may have been cut short",
}


def ending_of(task: ActiveTask, event: Ended) -> tuple[str, ErrorInfo | None]:
    """Return how the attempt ended and its error, where there is one.

    A task that was told to stop and still succeeded has succeeded: its work is not thrown away.
    """
    if event.report is not None:
        ended = _OUTCOMES.get(event.report.outcome, ENDED_FAILED)
        if ended == ENDED_FAILED and task.stopped:
            return ENDED_STOPPED, None
        return ended, event.report.error
    if task.stopped:
        return ENDED_STOPPED, None
    return ENDED_DIED, describe_death(f"Step {task.planned.step}", event, task.timed_out)


def describe_death(what: str, event: Ended, timed_out: bool) -> ErrorInfo:
    """Return an error that tells how a process ended that reported nothing."""
    if timed_out:
        text = f"{what} did not react to its @timeout and was ended."
        return ErrorInfo("TimeoutException", text, "", "", True)
    if event.why:
        return ErrorInfo("TaskProcessDied", f"{what} could not run: {event.why}", "", "", True)
    status = event.status
    if status is None:
        return ErrorInfo("TaskProcessDied", f"{what} lost its process.", "", "", True)
    if status == EXIT_UNREPORTED:
        text = f"{what} closed the file through which it reports, as os.closerange() does."
        return ErrorInfo("TaskProcessDied", text, "", "", True)
    if status >= 0:
        text = f"{what} left its process with exit status {status}, as by os._exit()."
        return ErrorInfo("TaskProcessDied", text, "", "", True)
    try:
        number = signal.Signals(-status)
        text = f"{what} was killed by {number.name}{_HINTS.get(number, '')}."
    except ValueError:
        text = f"{what} was killed by signal {-status}."
    return ErrorInfo("TaskProcessDied", text, "", "", True)
