"""Tells a run's notifiers of its end: all at once, each up to its time, whatever they do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence

from falaj.runtime.control import control_command
from falaj_control.ports.executing import Executor, LauncherGone, Signalled
from falaj_control.ports.notifying import RunEnded
from falaj_control.ports.watching import RunOutcome

_LONGEST = 2000
_CALL = "from falaj_control.notifiers.calling import main; sys.exit(main({}))"


class Notification:
    """One notifier at work: a process in a session of its own, and a thread that waits for it."""

    def __init__(self, text: str, event: RunEnded, seconds: float, done: Callable[[], None]):
        """Have the notifier `text` told of `event` within `seconds`; `done` is called at its end.

        Raises OSError where no process can be started.
        """
        self.name = text.partition(":")[0]
        self.problem = ""
        self._seconds, self._done = seconds, done
        read, write = os.pipe()
        self._answer = read
        # What the notifier leaves running may hold the other end.
        os.set_blocking(read, False)
        try:
            self._process = subprocess.Popen(
                control_command(_CALL.format(write)),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(write,),
                start_new_session=True,
            )
        except OSError:
            os.close(read)
            raise
        finally:
            os.close(write)
        said = json.dumps({"notifier": text, "event": event._asdict()})
        self._thread = threading.Thread(target=self._wait, args=(said.encode(),), daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Say whether the notifier has ended, or been ended."""
        return not self._thread.is_alive()

    def cut_off(self) -> None:
        """End the notifier and all that it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except OSError:
            # It has ended meanwhile.
            pass

    def _said(self) -> str:
        try:
            return os.read(self._answer, _LONGEST).decode("utf-8", "replace")
        except BlockingIOError:
            return ""
        finally:
            os.close(self._answer)

    def _wait(self, said: bytes) -> None:
        try:
            self._process.communicate(said, self._seconds)
        except subprocess.TimeoutExpired:
            self.problem = f"it did not end within {self._seconds:g} seconds"
            self.cut_off()
            self._process.wait()
        except OSError as error:
            self.problem = str(error.strerror)
        why = self._said()
        status = self._process.returncode
        if not self.problem and status:
            self.problem = why or f"its process ended with status {status}"
        self._done()


def event_of(outcome: RunOutcome, user: str, tags: tuple[str, ...], ended_at: float) -> RunEnded:
    """Return what notifiers are told of how a run ended, `ended_at` seconds since the epoch."""
    task, error = outcome.failed_task, outcome.error
    return RunEnded(
        flow=outcome.flow,
        run=outcome.run,
        state=outcome.state,
        reason=outcome.reason,
        user=user,
        tags=tags,
        started_at=ended_at - outcome.seconds,
        ended_at=ended_at,
        failed_task=f"{outcome.flow}/{outcome.run}/{task.step}/{task.task}" if task else "",
        error=f"{error.type}: {error.message}" if error else "",
        resume_command=outcome.resume_command,
    )


def tell_all(
    texts: Sequence[str],
    event: RunEnded,
    seconds: float,
    executor: Executor,
    note: Callable[[str], None],
) -> None:
    """Tell every notifier of `texts`, and `note` which of them failed.

    The person who stops the run, or has gone, waits no longer for them.
    """
    started: list[Notification] = []
    for text in texts:
        try:
            started.append(Notification(text, event, seconds, executor.wake))
        except OSError as error:
            _tell_failure(note, text.partition(":")[0], str(error.strerror))
    while not all(one.is_over for one in started):
        # The thread that wakes us has some instructions left before it is over.
        for happened in executor.poll(0.05):
            if isinstance(happened, Signalled | LauncherGone):
                for one in started:
                    one.cut_off()
    for one in started:
        if one.problem:
            _tell_failure(note, one.name, one.problem)


def _tell_failure(note: Callable[[str], None], name: str, why: str) -> None:
    note(f"The notifier {name} failed, which changes nothing about the run: {why.rstrip('.')}.")
