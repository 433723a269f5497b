"""Task: one execution of a step, with its artifacts, logs, error and neighbours."""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Tuple, Union

from falaj.client.access import Access, RunFacts
from falaj.client.artifacts import (
    ArtifactData,
    DataArtifact,
    artifact,
    artifacts_of,
    entry_of,
    no_artifact,
    public_names,
)
from falaj.client.code import FalajCode, code_of
from falaj.client.environments import environment_rows, task_environment
from falaj.client.failures import TaskException
from falaj.client.html import Row
from falaj.client.logs import read_log, text_of
from falaj.client.lookup import attempt_number, split_pathspec
from falaj.client.measured import MeasuredTask
from falaj.client.metadata import Metadata, metadata_of
from falaj.client.namespaces import get_namespace
from falaj.client.neighbours import followers_of, origin_of, parents_of
from falaj.client.objects import ClientObject, moment, title
from falaj.client.resolve import find_run, find_task
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajException
from falaj.model import states
from falaj.model.loglines import STDERR, STDOUT
from falaj.model.records import TaskRecord

if TYPE_CHECKING:
    from datetime import datetime

_STREAMS = {"stdout": STDOUT, "stderr": STDERR}


class Task(MeasuredTask, ClientObject):
    """One execution of a step: `Task("GenreStats/412/train/7")`.

    With `attempt`, the task as that attempt left it. A reused task shows the artifacts, logs and
    attempts of the task that really ran.
    """

    _FORM = "Task('FlowName/RunID/StepName/TaskID')"

    _facts: TaskFacts

    def __init__(self, pathspec: str, attempt: Optional[int] = None) -> None:
        """Look up the task; raise FalajNotFound for an attempt that there was not."""
        parts = split_pathspec(pathspec, self._FORM)
        self._open(Access(None, get_namespace()), parts, attempt_number(attempt))

    @classmethod
    def _from(cls, facts: TaskFacts) -> Task:
        made = cls.__new__(cls)
        made._access, made._attempt = facts.access, facts.attempt
        made._facts, made._parts = facts, facts.parts
        return made

    def _load(self) -> None:
        flow, run, step, task = self._parts
        self._facts = find_task(find_run(self._access, flow, run), step, task, self._attempt)
        self._parts = self._facts.parts

    def _run_facts(self) -> RunFacts:
        return self._facts.run

    def _child(self, name: str) -> Optional[DataArtifact]:
        entry = entry_of(self._facts, name)
        return None if entry is None else artifact(self._facts, name, entry)

    def _children(self) -> Iterator[DataArtifact]:
        return artifacts_of(self._facts)

    def _no_child(self, name: str) -> str:
        return no_artifact(self._facts, name)

    def __iter__(self) -> Iterator[DataArtifact]:
        return self._children()

    def __len__(self) -> int:
        return len(public_names(self._facts))

    def __getitem__(self, name: str) -> DataArtifact:
        return super().__getitem__(name)

    @property
    def data(self) -> ArtifactData:
        """The values of the task's artifacts as attributes, each loaded when read."""
        return ArtifactData(self._facts)

    @property
    def artifacts(self) -> Any:
        """The task's artifacts as a named tuple of DataArtifact."""
        found = list(self._children())
        names: Any = [one.id for one in found]
        make: Any = collections.namedtuple
        return make("Artifacts", names, rename=True)(*found)

    @property
    def state(self) -> str:
        """One of running, retrying, succeeded, reused, tolerated, failed, cancelled, lost."""
        return self._facts.sight().state

    @property
    def reason(self) -> str:
        """Why it ran or was reused, or how it ended."""
        return self._facts.sight().reason

    @property
    def successful(self) -> bool:
        """Whether it succeeded, was reused, or failed in a way that `@catch` tolerates."""
        return self.state in states.TASK_SUCCESSFUL

    @property
    def finished(self) -> bool:
        """Whether it has ended, well or badly."""
        return self.state in states.TASK_FINAL

    @property
    def finished_at(self) -> Optional[datetime]:
        """When it ended, in local time; None while it runs."""
        return moment(self._facts.sight().finished_at)

    def _began(self) -> float:
        return self._facts.sight().created_at

    @property
    def exception(self) -> Optional[TaskException]:
        """Why it failed; None where it did not, or where `@catch` kept the exception."""
        error = self._facts.error()
        return None if error is None else TaskException(error)

    @property
    def index(self) -> Optional[int]:
        """Its index in the innermost foreach; None outside of one."""
        indices = self._facts.record.indices
        return indices[-1] if indices else None

    @property
    def iteration(self) -> Optional[int]:
        """How often its step had led to itself before it, from 0; None in a step that can't."""
        record = self._facts.record
        return record.iteration if self._facts.run.loops(record.step) else None

    @property
    def label(self) -> str:
        """A short form of its foreach value; empty outside of one."""
        return self._facts.record.label

    @property
    def current_attempt(self) -> int:
        """The number of the attempt asked for, or of the latest that began."""
        return self._facts.current_attempt()

    @property
    def stdout(self) -> str:
        """What the current attempt has printed so far."""
        return self._printed("stdout").decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """What the current attempt has written to standard error so far."""
        return self._printed("stderr").decode("utf-8", "replace")

    @property
    def stdout_size(self) -> int:
        """The size of `stdout` in bytes."""
        return len(self._printed("stdout"))

    @property
    def stderr_size(self) -> int:
        """The size of `stderr` in bytes."""
        return len(self._printed("stderr"))

    def loglines(
        self, stream: str, as_unicode: bool = True
    ) -> Iterator[Tuple[datetime, Union[str, bytes]]]:
        """Yield (time, line) of `stdout` or `stderr`; the time is UTC without a zone.

        With `as_unicode=False` lines are bytes.
        """
        from datetime import datetime, timezone

        letter = _letter(stream)
        for line in read_log(self._log()):
            if line.stream == letter:
                at = datetime.fromtimestamp(line.at, timezone.utc).replace(tzinfo=None)
                yield at, line.text.decode("utf-8", "replace") if as_unicode else line.text

    def _printed(self, stream: str) -> bytes:
        return text_of(read_log(self._log()), _letter(stream))

    def _log(self) -> str:
        source = self._facts.source
        return self._access.home.log(source.run, source.id, self._facts.current_attempt())

    @property
    def metadata(self) -> List[Metadata]:
        """Facts about the task and its attempts, oldest first."""
        return metadata_of(self, self._facts)

    @property
    def metadata_dict(self) -> Dict[str, Any]:
        """The latest value of each fact in `metadata`."""
        return {one.name: one.value for one in self.metadata}

    @property
    def runtime_name(self) -> Optional[str]:
        """Where it ran, from the run's `runtime:` tag; None where there is none."""
        for tag in self.system_tags:
            if tag.startswith("runtime:"):
                return tag.partition(":")[2]
        return None

    @property
    def environment_info(self) -> Optional[Dict[str, Any]]:
        """What it ran in, with the keys that `falaj.client.environments` tells; for a reused task,
        what the task that really ran ran in. None where nothing was recorded."""
        return task_environment(self._facts)

    @property
    def code(self) -> Optional[FalajCode]:
        """The code that the run was started with; None where it was not kept."""
        return code_of(self._facts.run)

    @property
    def origin_pathspec(self) -> Optional[str]:
        """The path of the task that this one reuses, or spins."""
        return origin_of(self._facts)

    @property
    def parent_tasks(self) -> Iterator[Task]:
        """The tasks whose artifacts flowed into this one."""
        return (task_from(*found) for found in parents_of(self._facts))

    @property
    def child_tasks(self) -> Iterator[Task]:
        """The tasks that this one's artifacts flowed into."""
        return (task_from(*found) for found in followers_of(self._facts))

    @property
    def parent_task_pathspecs(self) -> Iterator[str]:
        """The paths of `parent_tasks`."""
        return (task.pathspec for task in self.parent_tasks)

    @property
    def child_task_pathspecs(self) -> Iterator[str]:
        """The paths of `child_tasks`."""
        return (task.pathspec for task in self.child_tasks)

    def _status(self) -> str:
        return title(self.state)

    def _html_rows(self) -> List[Row]:
        sight = self._facts.sight()
        rows = [
            ("status", title(sight.state)),
            ("reason", sight.reason),
            ("started", str(moment(sight.created_at))),
            ("finished", str(moment(sight.finished_at) or "")),
            ("attempt", str(self.current_attempt)),
        ]
        rows += environment_rows(self.environment_info)
        error = self.exception
        return rows if error is None else [*rows, ("error", str(error)[:500])]


def task_from(run: RunFacts, record: TaskRecord) -> Task:
    """Return the task object of a record that was just read."""
    return Task._from(TaskFacts(run, record))  # pyright: ignore[reportPrivateUsage]


def _letter(stream: str) -> str:
    if stream not in _STREAMS:
        raise FalajException(
            "There is no log stream {!r}. Ask for 'stdout' or 'stderr'.".format(stream)
        )
    return _STREAMS[stream]
