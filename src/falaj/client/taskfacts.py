"""What a task and its artifacts share: the record, the attempt that is looked at, the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Tuple

from falaj.client.access import RunFacts
from falaj.errors import FalajNotFound
from falaj.model import states
from falaj.model.orders import ErrorInfo
from falaj.model.records import AttemptRecord, TaskRecord

if TYPE_CHECKING:
    from falaj.store.manifests import Manifest


class Sight(NamedTuple):
    """A task, or the one attempt of it that was asked for, as it stands."""

    state: str
    reason: str
    created_at: float
    finished_at: Optional[float]


class TaskFacts:
    """One task of a run, seen as a whole or at one attempt.

    A reused task's attempts and logs are those of the task that really ran.
    """

    def __init__(self, run: RunFacts, record: TaskRecord, attempt: Optional[int] = None) -> None:
        """Start from `record`, as it was just read."""
        self.run = run
        self.access = run.access
        self.attempt = attempt
        self._record = record
        self._source: Optional[TaskRecord] = None
        self._manifest: Optional[Manifest] = None

    def __getstate__(self) -> Tuple[RunFacts, TaskRecord, Optional[int]]:
        return (self.run, self._record, self.attempt)

    def __setstate__(self, state: Tuple[RunFacts, TaskRecord, Optional[int]]) -> None:
        self.__init__(*state)

    @property
    def parts(self) -> Tuple[str, ...]:
        """The path components of the task."""
        return (*self.run.parts, self._record.step, str(self._record.id))

    @property
    def pathspec(self) -> str:
        """The path of the task."""
        return "/".join(self.parts)

    @property
    def record(self) -> TaskRecord:
        """The task as it is now; read again until it has ended."""
        record = self._record
        if record.state not in states.TASK_FINAL or record.state == states.LOST:
            found = self.access.reader.task(record.run, record.id)
            if found is None:
                raise FalajNotFound("Task {} has been deleted meanwhile.".format(self.pathspec))
            self._record = record = found
        return record

    @property
    def source(self) -> TaskRecord:
        """The task that really ran: this one, or the one that it reuses."""
        record = self.record
        if record.state != states.REUSED:
            return record
        if self._source is None:
            self._source = self.access.reader.origin_of(record)
        return self._source

    def attempts(self) -> List[AttemptRecord]:
        """Return the attempts by number."""
        source = self.source
        return self.access.reader.attempts(source.run, source.id)

    def current_attempt(self) -> int:
        """Return the number of the attempt asked for, or of the latest that began."""
        return self.source.attempt if self.attempt is None else self.attempt

    def attempt_record(self) -> Optional[AttemptRecord]:
        """Return the attempt asked for, or the latest that began; None before the first."""
        attempts = self.attempts()
        if self.attempt is None:
            return attempts[-1] if attempts else None
        return next((one for one in attempts if one.number == self.attempt), None)

    def sight(self) -> Sight:
        """Return the state of the task, or of the attempt asked for."""
        if self.attempt is not None:
            one = self.attempt_record()
            if one is not None:
                return Sight(one.state, one.reason, one.started_at, one.finished_at)
        record = self.record
        return Sight(record.state, record.reason, record.created_at, record.finished_at)

    def error(self) -> Optional[ErrorInfo]:
        """Return why the task, or the attempt asked for, failed; None where it did not.

        A process that died without an exception has an error without a type.
        """
        state, reason = self.sight()[:2]
        if state not in (states.FAILED, states.LOST, states.CANCELLED, states.RETRYING):
            return None
        one = self.attempt_record()
        if one is not None and one.error is not None:
            return one.error
        if state == states.RETRYING:
            return None
        text = (one.reason if one is not None else "") or reason or state
        return ErrorInfo("", text, "", "", True)

    def manifest(self) -> Optional[Manifest]:
        """Return what the task, or the attempt asked for, left; None where nothing was.

        Where the task has not succeeded, that is what its latest attempt left behind.
        """
        latest = self.attempt is None or self.attempt == self.source.attempt
        digest = self.record.manifest if latest else None
        if digest is None:
            one = self.attempt_record()
            digest = None if one is None else one.manifest
        if self._manifest is None or self._manifest.digest != digest:
            self._manifest = self.access.manifest(digest)
        return self._manifest


def facts_of(task: Any) -> TaskFacts:
    """Return the facts behind a Task of the client."""
    facts: TaskFacts = task._facts
    return facts
