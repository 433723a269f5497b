"""Manifests: which artifacts a task left, by name.

A manifest is a small JSON blob. Small values lie together in one *pack* blob beside it, so that a
task with a thousand artifacts writes a handful of files. What a task inherits is copied from its
parent's manifest where that is short, else referred to through `base`, so that a manifest stays
small however many artifacts a flow carries and however long it is.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from falaj.model.orders import Frame
from falaj.store.blobs import BlobStore

COPY_UP_TO = 64
MAX_DEPTH = 8


class Entry(NamedTuple):
    """Where an artifact's bytes and its preview are.

    The bytes are `size` bytes at `offset` of the pack, or a blob of their own where `offset` is
    negative. `digest` is that of the artifact's own bytes either way; equal digests are equal
    artifacts. The preview is JSON in the pack.
    """

    digest: str
    codec: str
    size: int
    type: str
    pack: str
    offset: int
    preview_offset: int
    preview_size: int


class Manifest:
    """A task's artifacts: `entries` by name, in order of assignment after what was inherited."""

    def __init__(
        self,
        digest: str,
        entries: Dict[str, Entry],
        own: Sequence[str],
        depth: int,
        frames: Tuple[Frame, ...],
        store: BlobStore,
    ) -> None:
        """Keep what `load_manifest` resolved; `own` names what this very task assigned."""
        self.frames = frames
        self.digest = digest
        self.entries = entries
        self.own = own
        self.depth = depth
        self._store = store

    def names(self) -> List[str]:
        """Return the artifacts' names."""
        return list(self.entries)

    def entry(self, name: str) -> Optional[Entry]:
        """Return where an artifact is, or None."""
        return self.entries.get(name)

    def preview(self, name: str) -> Optional[Dict[str, Any]]:
        """Return an artifact's preview, verified, or None where there is no such artifact."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        pack = self._store.read(entry.pack)
        start = entry.preview_offset
        return dict(json.loads(pack[start : start + entry.preview_size].decode()))


def load_manifest(store: BlobStore, digest: str) -> Manifest:
    """Read and verify a manifest with all that it inherits."""
    raw = json.loads(store.read(digest).decode())
    entries: Dict[str, Entry] = {}
    depth = 0
    if raw["base"] is not None:
        base = load_manifest(store, raw["base"])
        entries = base.entries
        depth = base.depth + 1
        for name in raw["removed"]:
            entries.pop(name, None)
    own = raw["artifacts"]
    for name, fields in own.items():
        # A name that is assigned again moves to the end, as it does in the task.
        entries.pop(name, None)
        entries[name] = Entry(*fields)
    frames = tuple(Frame(*frame) for frame in raw["frames"])
    return Manifest(digest, entries, raw["own"], depth, frames, store)


def save_manifest(
    store: BlobStore,
    inherited: Optional[Manifest],
    kept: Mapping[str, Entry],
    own: Mapping[str, Entry],
    frames: Sequence[Frame],
) -> str:
    """Write the manifest of a task that keeps `kept` of `inherited` and assigned `own`.

    `frames` are the foreach levels around the task.
    """
    base: Optional[str] = None
    removed: List[str] = []
    artifacts: Dict[str, Entry] = dict(own)
    if inherited is not None and len(kept) > COPY_UP_TO and inherited.depth < MAX_DEPTH:
        base = inherited.digest
        removed = [name for name in inherited.entries if name not in kept]
        changed = {
            name: entry for name, entry in kept.items() if inherited.entries.get(name) != entry
        }
        artifacts = dict(changed, **own)
    else:
        artifacts = dict(kept, **own)
    raw = {
        "v": 1,
        "base": base,
        "removed": removed,
        "artifacts": artifacts,
        "own": list(own),
        "frames": list(frames),
    }
    return store.put(json.dumps(raw, separators=(",", ":")).encode())
