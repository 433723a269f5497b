"""Artifacts: the values that a task left, by name, loaded when they are asked for."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Tuple,
    cast,
)

from falaj.client.access import Access, RunFacts
from falaj.client.html import Row
from falaj.client.lookup import (
    ArtifactAttributeMissing,
    absent,
    attempt_number,
    split_pathspec,
)
from falaj.client.namespaces import get_namespace
from falaj.client.objects import ClientObject, moment
from falaj.client.resolve import find_run, find_task
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajNotFound
from falaj.hashing import hex_of

if TYPE_CHECKING:
    from datetime import datetime

    from falaj.store.manifests import Entry


class DataArtifact(ClientObject):
    """One artifact of a task: `DataArtifact("GenreStats/412/train/7/model")`."""

    _FORM = "DataArtifact('FlowName/RunID/StepName/TaskID/ArtifactName')"

    _task: TaskFacts
    _entry: Entry

    def __init__(self, pathspec: str, attempt: Optional[int] = None) -> None:
        """Look up the artifact as `attempt`, or the task in the end, left it."""
        parts = split_pathspec(pathspec, self._FORM)
        self._open(Access(None, get_namespace()), parts, attempt_number(attempt))

    @classmethod
    def _from(cls, task: TaskFacts, name: str, entry: Entry) -> DataArtifact:
        made = cls.__new__(cls)
        made._access, made._attempt = task.access, task.attempt
        made._parts = (*task.parts, name)
        made._task, made._entry = task, entry
        return made

    def _load(self) -> None:
        flow, run, step, task, name = self._parts
        facts = find_run(self._access, flow, run)
        self._task = find_task(facts, step, task, self._attempt)
        found = entry_of(self._task, name)
        if found is None:
            raise FalajNotFound(no_artifact(self._task, name))
        self._parts = (*self._task.parts, name)
        self._entry = found

    def _run_facts(self) -> RunFacts:
        return self._task.run

    @property
    def data(self) -> Any:
        """The value, loaded anew each time.

        Raises ArtifactNotLoadable where its class is absent here, CorruptBlob or MissingBlob
        where the stored bytes are damaged or gone.
        """
        run = self._task.run.record
        return self._access.load(self._entry, self.id, run, self._task.pathspec)

    @property
    def size(self) -> int:
        """How many bytes the stored value takes."""
        return self._entry.size

    @property
    def sha(self) -> str:
        """The SHA-256 of the stored value; equal values of one type mostly share it."""
        return hex_of(self._entry.digest)

    @property
    def type(self) -> str:
        """The value's type as people write it, known without loading the value."""
        return self._entry.type

    @property
    def preview(self) -> Optional[Dict[str, Any]]:
        """What was computed of the value in its task, as JSON values; needs no loading."""
        manifest = self._task.manifest()
        return None if manifest is None else manifest.preview(self.id)

    @property
    def finished_at(self) -> Optional[datetime]:
        """When the task finished; None while it runs."""
        return moment(self._task.sight().finished_at)

    def _began(self) -> float:
        sight = self._task.sight()
        return sight.created_at if sight.finished_at is None else sight.finished_at

    @property
    def origin_pathspec(self) -> Optional[str]:
        """The path of the same artifact in the task that this one's task reuses."""
        origin = self._task.record.origin
        if origin is None:
            return None
        run, task = origin
        return "/".join((self._parts[0], str(run), self._parts[2], str(task), self.id))

    def _status(self) -> str:
        return "{}, {}".format(self._entry.type, _size(self._entry.size))

    def _html_rows(self) -> List[Row]:
        shown = (self.preview or {}).get("repr", "")
        return [
            ("type", self._entry.type),
            ("size", _size(self._entry.size)),
            ("value", str(shown)[:300]),
        ]


class ArtifactData:
    """The values of a task's artifacts as attributes: `run.data.model`; loaded when read."""

    def __init__(self, task: TaskFacts, only: Optional[Iterable[str]] = None) -> None:
        """Give the values of `task`, or those named in `only`."""
        self.__task = task
        self.__only = None if only is None else frozenset(only)

    def __getattr__(self, name: str) -> Any:
        # Protocols such as copying ask for dunder names before the fields are there.
        if name.startswith(("__", "_ArtifactData__")):
            raise AttributeError(name)
        entry = entry_of(self.__task, name) if self.__allows(name) else None
        if entry is None:
            raise ArtifactAttributeMissing(no_artifact(self.__task, name))
        task = self.__task
        return task.access.load(entry, name, task.run.record, task.pathspec)

    def __getstate__(self) -> Tuple[TaskFacts, Optional[FrozenSet[str]]]:
        return (self.__task, self.__only)

    def __setstate__(self, state: Tuple[TaskFacts, Optional[FrozenSet[str]]]) -> None:
        self.__task, self.__only = state

    def __allows(self, name: str) -> bool:
        return self.__only is None or name in self.__only

    def __names(self) -> List[str]:
        return [name for name in public_names(self.__task) if self.__allows(name)]

    def __contains__(self, name: object) -> bool:
        return name in self.__names()

    def __iter__(self) -> Iterator[str]:
        return iter(self.__names())

    def __dir__(self) -> List[str]:
        return [*self.__names(), *object.__dir__(self)]

    def __repr__(self) -> str:
        return "<Data of {}: {}>".format(
            self.__task.pathspec, ", ".join(self.__names()) or "no artifacts"
        )


def artifacts_of(task: TaskFacts) -> Iterator[DataArtifact]:
    """Yield the public artifacts of a task."""
    manifest = task.manifest()
    if manifest is not None:
        for name in manifest.names():
            if not name.startswith("_"):
                yield artifact(task, name, cast("Entry", manifest.entry(name)))


def artifact(task: TaskFacts, name: str, entry: Entry) -> DataArtifact:
    """Return the artifact object of an entry that was just read."""
    return DataArtifact._from(task, name, entry)  # pyright: ignore[reportPrivateUsage]


def entry_of(task: TaskFacts, name: str) -> Optional[Entry]:
    """Return an artifact's manifest entry, private names included, or None."""
    manifest = task.manifest()
    return None if manifest is None else manifest.entry(name)


def public_names(task: TaskFacts) -> Tuple[str, ...]:
    """Return the names of a task's artifacts, without those that start with an underscore."""
    manifest = task.manifest()
    names = () if manifest is None else manifest.names()
    return tuple(name for name in names if not name.startswith("_"))


def no_artifact(task: TaskFacts, name: str) -> str:
    """Return what to say of an artifact that the task does not have."""
    path = task.pathspec
    return absent(
        "artifact",
        name,
        public_names(task),
        "The artifacts of {} are".format(path),
        "{} left none.".format(path),
    )


def _size(size: float) -> str:
    unit = "B"
    for larger in ("KiB", "MiB", "GiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return "{:.{}f} {}".format(size, 0 if unit == "B" else 1, unit)
