"""The `inputs` of a join step: one flow object per task that flows in."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Iterator, List, Sequence, Set

from falaj.authoring.taskstate import TaskState
from falaj.errors import (
    MergeArtifactsException,
    MissingInMergeArtifactsException,
    UnhandledInMergeArtifactsException,
)
from falaj.model.orders import InputRef
from falaj.store.blobs import BlobStore
from falaj.store.manifests import Entry, Manifest, load_manifest

# A wide join is walked once; keeping every input alive meanwhile would cost its memory.
_KEEP_UP_TO = 1000
# The exception that @catch kept of one task; no other task has to agree with it.
CAUGHT = "_catch_exception"


class Inputs(Sequence[Any]):
    """The tasks that flow into a join: by step name, index, slice or iteration, and len().

    Branches come in the order in which self.next named them, foreach tasks by index.
    """

    def __init__(
        self, store: BlobStore, refs: Sequence[InputRef], make: Callable[[str, TaskState], Any]
    ) -> None:
        """Wrap finished tasks; `make` builds a flow object of a step from a task state."""
        self._store = store
        self._refs = refs
        self._make = make
        self._made: Dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._refs)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._input(position) for position in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError("inputs[{}]: this join has {} inputs".format(index, len(self)))
        return self._input(position)

    def __iter__(self) -> Iterator[Any]:
        return (self._input(position) for position in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        for position, ref in enumerate(self._refs):
            if ref.step == name:
                return self._input(position)
        steps: List[str] = []
        for ref in self._refs:
            if ref.step not in steps:
                steps.append(ref.step)
        raise AttributeError(
            "inputs.{}: no such step flows into this join; there is {}".format(
                name, ", ".join(steps)
            )
        )

    def _manifests(self) -> Iterator[Manifest]:
        for ref in self._refs:
            yield load_manifest(self._store, ref.manifest)

    def _input(self, position: int) -> Any:
        made = self._made.get(position)
        if made is None:
            ref = self._refs[position]
            manifest = load_manifest(self._store, ref.manifest)
            state = TaskState(self._store, manifest, manifest.frames, frozenset())
            made = self._make(ref.step, state)
            if len(self) <= _KEEP_UP_TO:
                self._made[position] = made
        return made

    def merged_entries(
        self, assigned: Set[str], exclude: Iterable[str], include: Iterable[str]
    ) -> Dict[str, Entry]:
        """Return the entries that a merge takes over; `assigned` names what is settled already.

        Raises the errors of `FlowSpec.merge_artifacts`.
        """
        included, excluded = set(include), set(exclude)
        if included and excluded:
            raise MergeArtifactsException(
                "merge_artifacts() takes include= or exclude=, not both at once."
            )
        found: Dict[str, Entry] = {}
        conflicts: Set[str] = set()
        for manifest in self._manifests():
            for name, entry in manifest.entries.items():
                if name == CAUGHT or name in assigned or name in excluded:
                    continue
                if included and name not in included:
                    continue
                if found.setdefault(name, entry).digest != entry.digest:
                    conflicts.add(name)
        missing = included - set(found) - assigned
        if missing:
            raise MissingInMergeArtifactsException(missing)
        if conflicts:
            raise UnhandledInMergeArtifactsException(conflicts)
        return found
