"""How the command line tells times, durations and the ends of tasks and runs."""

from __future__ import annotations

import time

from falaj.home import user_name
from falaj.model import states
from falaj.model.orders import ErrorInfo
from falaj.version import VERSION
from falaj_control.ports.watching import RunOutcome, TaskTag


def banner(flow: str) -> str:
    """Return what a run says first."""
    return f"Falaj {VERSION} executing {flow} for user:{user_name()}"


def duration(seconds: float) -> str:
    """Return a length of time as people say it: `0.42 s`, `12 s`, `3 min 05 s`, `2 h 07 min`."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def moment(at: float) -> str:
    """Return a time of day with milliseconds, local: `2026-11-20 14:30:00.123`."""
    whole = int(at)
    return f"{_second(whole)}.{int((at - whole) * 1000):03d}"


def minute(at: float) -> str:
    """Return a date and time as people read it, local: `20 Nov 2026 14:30`."""
    return time.strftime("%d %b %Y %H:%M", time.localtime(at))


def pathspec(task: TaskTag) -> str:
    """Return a task's path below its flow, `412/start/1`."""
    return f"{task.run}/{task.step}/{task.task}"


def error_line(error: ErrorInfo | None, reason: str) -> str:
    """Return an error in one line with its place, or the reason where there is no error."""
    if error is None:
        return reason
    first = error.message.strip().partition("\n")[0]
    kind = error.type.rpartition(".")[2]
    said = f"{kind}: {first}" if first and not error.tells_all else first or kind
    return f"{said} ({error.location})" if error.location else said


def start_line(task: TaskTag, reason: str) -> str:
    """Return what is said when an attempt starts; `reason` is why a resumed run has it run."""
    if task.attempt:
        return f"Task is starting (try {task.attempt + 1})."
    return f"Task is starting: {reason}." if reason else "Task is starting."


def end_line(state: str, reason: str, error: ErrorInfo | None) -> str:
    """Return what is said when an attempt ends in `state` (the task's)."""
    if state == states.SUCCEEDED:
        return "Task finished successfully."
    why = error_line(error, reason)
    if state == states.RETRYING:
        said = "Task failed and will be tried again"
    elif state == states.TOLERATED:
        said = "Task failed, which this step tolerates"
    else:
        said = f"Task {states.TITLES.get(state, state)}"
    return f"{said}: {why}" if why else f"{said}."


def success_lines(outcome: RunOutcome) -> list[str]:
    """Return what is said when a run has ended well."""
    name = f"{outcome.flow}/{outcome.run}"
    if outcome.spun:
        took = duration(outcome.seconds)
        return [f'Done! {outcome.spun} spun in {took}. Read it with inspect_spin(), Run("{name}")']
    lines = [
        f"Done! {name} {states.TITLES[outcome.state]} in {duration(outcome.seconds)}. "
        f'Read it with Run("{name}").data'
    ]
    if outcome.tolerated:
        failures = "failure was" if outcome.tolerated == 1 else "failures were"
        lines.append(f"{outcome.tolerated} {failures} tolerated, as declared.")
    return lines


def failure_lines(outcome: RunOutcome) -> list[str]:
    """Return what is said when a run has not: the user's traceback, a sentence, what to do."""
    lines: list[str] = []
    error = outcome.error
    if error is not None:
        shown = error.message if error.tells_all else error.traceback or error.message
        lines += [*shown.rstrip("\n").split("\n"), ""]
    name = f"{outcome.flow}/{outcome.run}"
    name = f"The spin of {outcome.spun}" if outcome.spun else name
    sentence = f"{name} {states.TITLES[outcome.state]} after {duration(outcome.seconds)}"
    if outcome.failed_task is not None:
        task = outcome.failed_task
        label = f" for {task.label}" if task.label else ""
        sentence += f" in step {task.step}{label} ({pathspec(task)})"
    why = outcome.reason or error_line(error, "")
    lines.append(f"{sentence}: {why}" if why else f"{sentence}.")
    if outcome.resume_command:
        lines.append(f"Resume with: {outcome.resume_command}")
    return lines


_last: tuple[int, str] = (-1, "")


def _second(whole: int) -> str:
    # Lines come many to the second, and formatting a date costs more than all else about them.
    global _last
    if _last[0] != whole:
        _last = (whole, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(whole)))
    return _last[1]
