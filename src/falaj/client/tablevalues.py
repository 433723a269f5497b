"""The values that a table of runs shows of their parameters and artifacts: small ones alone."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from falaj.client import figures
from falaj.client.access import Access, RunFacts
from falaj.client.artifacts import artifact
from falaj.client.taskfacts import TaskFacts
from falaj.errors import ArtifactNotLoadable, CorruptBlob, MissingBlob
from falaj.model.records import RunRecord
from falaj.store.manifests import Entry

LARGEST = 64 << 10
# One damaged run must not hide all the others.
UNREADABLE = "<unreadable>"


class Cells:
    """Reads what the cells of one table hold."""

    def __init__(self, access: Access) -> None:
        """Read from the store of `access`."""
        self._access = access

    def parameters(self, record: RunRecord) -> Dict[str, Any]:
        """Return the values of a run's parameters by attribute; a large one's type instead."""
        declared = record.graph.get("parameters", ())
        try:
            manifest = self._access.manifest(record.parameters) if declared else None
        except (CorruptBlob, MissingBlob):
            return {str(parameter["attribute"]): UNREADABLE for parameter in declared}
        values: Dict[str, Any] = {}
        for parameter in declared:
            name = str(parameter["attribute"])
            entry = None if manifest is None else manifest.entry(name)
            if entry is not None:
                value, is_small = self._value(entry, name, record, record.flow)
                values[name] = value if is_small else "<{}>".format(entry.type)
        return values

    def artifacts(self, records: Sequence[RunRecord], names: Sequence[str]) -> List[Dict[str, Any]]:
        """Return what the last step of each run left under `names`.

        A value that is large, or can't be loaded here, is given as its DataArtifact.
        """
        if not names:
            return [{} for _ in records]
        ends = {record.id: str(record.graph.get("end", "end")) for record in records}
        tasks = figures.last_tasks(self._access.reader, ends)
        return [self._left(record, tasks.get(record.id), names) for record in records]

    def _left(self, record: RunRecord, task: Optional[int], names: Sequence[str]) -> Dict[str, Any]:
        found = None if task is None else self._access.reader.task(record.id, task)
        if found is None:
            return {}
        facts = TaskFacts(RunFacts(self._access, record), found)
        try:
            manifest = facts.manifest()
        except (CorruptBlob, MissingBlob):
            return dict.fromkeys(names, UNREADABLE)
        values: Dict[str, Any] = {}
        for name in names:
            entry = None if manifest is None else manifest.entry(name)
            if entry is not None:
                value, is_small = self._value(entry, name, record, facts.pathspec)
                values[name] = value if is_small else artifact(facts, name, entry)
        return values

    def _value(self, entry: Entry, name: str, record: RunRecord, path: str) -> Tuple[Any, bool]:
        if entry.size > LARGEST:
            return None, False
        try:
            return self._access.load(entry, name, record, path), True
        except ArtifactNotLoadable:
            return None, False
        except (CorruptBlob, MissingBlob):
            return UNREADABLE, True
