"""What a flow object knows of the task it stands for: where its artifacts come from and go to."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, cast

from falaj.errors import UnpicklableArtifactException
from falaj.model.orders import Frame
from falaj.store.artifacts import Loaded, load, save, type_name
from falaj.store.blobs import BlobStore
from falaj.store.codec import BUFFERS, PROTOCOL, Encoded, encode
from falaj.store.makers import is_alike, read_maker
from falaj.store.manifests import Entry, Manifest, save_manifest
from falaj.store.mapping import MappedBlob
from falaj.store.values import SavedValues, load_value, save_values

# Their values can't have changed in place, so what was loaded need not be pickled again.
_IMMUTABLE = (type(None), bool, int, float, complex, str, bytes)


class TaskState:
    """The artifacts behind one flow object, loaded as they are touched."""

    def __init__(
        self,
        store: BlobStore,
        inherited: Optional[Manifest],
        frames: Tuple[Frame, ...],
        constants: "frozenset[str]",
        step: str = "",
        protocol: int = PROTOCOL,
    ) -> None:
        """Start from `inherited`; `constants` names parameters and class-level values.

        `step` is empty where a run's parameters are settled. `protocol` is the newest for pickles
        that all of the run's Pythons can read.
        """
        self.store = store
        self.inherited = inherited
        self.kept: Dict[str, Entry] = dict(inherited.entries) if inherited is not None else {}
        self.frames = frames
        self.constants = constants
        self.step = step
        self.protocol = min(protocol, PROTOCOL)
        self.loaded: Dict[str, Loaded] = {}
        self.lines: Dict[str, Tuple[str, int]] = {}
        self.foreach_values: List[Any] = []
        self.inputs: Dict[int, Any] = {}
        # Mapped artifacts still to be verified; a join shares this list with its inputs.
        self.unverified: List[MappedBlob] = []

    def load(self, name: str) -> Any:
        """Return an inherited artifact's value; raise KeyError where there is none."""
        entry = self.kept[name]
        loaded = load(self.store, entry, name)
        self.loaded[name] = loaded
        if loaded.mapped is not None and not loaded.mapped.is_verified:
            self.unverified.append(loaded.mapped)
        return loaded.value

    def drop(self, name: str) -> bool:
        """Forget an inherited artifact; say whether there was one."""
        self.loaded.pop(name, None)
        return self.kept.pop(name, None) is not None

    def frame_value(self, level: int) -> Any:
        """Return the value of the foreach at `level` (0 is the outermost; negative from inside)."""
        frame = self.frames[level]
        if not frame.values:
            return frame.index
        position = level % len(self.frames)
        if position not in self.inputs:
            self.inputs[position] = load_value(
                self.store, frame.values, frame.index, frame.variable
            )
        return self.inputs[position]

    def commit(self, assigned: Dict[str, Any], partial: bool = False) -> str:
        """Store what the step left in `assigned`; return the digest of the manifest.

        A `partial` commit, of a failed attempt, leaves out what can't be pickled.
        """
        unsaved: Dict[str, Any] = {}
        entries = dict(self.kept)
        for name, value in assigned.items():
            loaded = self.loaded.get(name)
            if not (loaded and loaded.value is value and type(value) in _IMMUTABLE):
                unsaved[name] = value
        saved: Dict[str, Entry] = {}
        while True:
            try:
                saved = save(
                    self.store, unsaved, self._unchanged, self._refuse, self.protocol, self.step
                )
                break
            except UnpicklableArtifactException as error:
                if not partial:
                    raise
                del unsaved[error.artifact]
        own = {name: entry for name, entry in saved.items() if self.kept.get(name) != entry}
        for name in own:
            entries.pop(name, None)
        return save_manifest(self.store, self.inherited, entries, own, self.frames)

    def commit_values(self, variable: str) -> SavedValues:
        """Store the values of the foreach over `variable`, one by one."""

        def refuse(index: int, value: Any, error: Exception) -> Exception:
            return self._refuse("{}[{}]".format(variable, index), value, error)

        return save_values(self.store, self.foreach_values, refuse, self.protocol, self.step)

    def verify(self) -> None:
        """Wait until every mapped artifact has been verified; raise CorruptBlob for a bad one."""
        for mapped in self.unverified:
            mapped.verified()

    def _unchanged(self, name: str, encoded: Encoded) -> Optional[Entry]:
        loaded = self.loaded.get(name)
        if loaded is None or name not in self.kept:
            return None
        entry = self.kept[name]
        if loaded.mapped is not None:
            same = loaded.mapped.unchanged(encoded)
        else:
            same = entry.size == encoded.size and entry.digest == encoded.digest()
        return entry if same or self._is_as_stored(entry, name, encoded) else None

    def _is_as_stored(self, entry: Entry, name: str, encoded: Encoded) -> bool:
        """Say whether what is stored, loaded afresh, gives the very bytes of `encoded` here.

        Another Python, or other packages, may pickle a value to other bytes than its maker did,
        and a set's order differs between processes. Were that taken for a change, each branch
        that only reads it would make it its own, and their join would have to choose.
        """
        if encoded.size != entry.size or encoded.codec == BUFFERS:
            # Of an array's bytes a maker like this process has no other order.
            maker = read_maker(self.store, entry.pack)
            if maker is None or is_alike(maker):
                return False
        try:
            again = encode(load(self.store, entry, name).value, self.protocol)
        except Exception:
            return False
        return again.equals(encoded)

    def _refuse(self, name: str, value: Any, error: Exception) -> Exception:
        path, line = self.lines.get(name.partition("[")[0], ("", 0))
        shown = type_name(value)
        if getattr(value, "__name__", None) == "<lambda>":
            shown = "lambda"
        where = "{}:{}".format(path, line) if path else ""
        return UnpicklableArtifactException(name, shown, str(error).rstrip("."), where)


def constants_of(flow_class: type, base: type) -> Dict[str, Any]:
    """Return the class-level values of a flow that are data, by name.

    Methods, properties, private names and whatever `base` itself defines are left out.
    """
    values = _class_values(flow_class, base)
    return {name: value for name, value in values.items() if not name.startswith("_")}


def private_values_of(flow_class: type, base: type) -> Dict[str, Any]:
    """Return the class-level values of a flow whose names start with an underscore, by name."""
    values = _class_values(flow_class, base)
    return {name: value for name, value in values.items() if name.startswith("_")}


def _class_values(flow_class: type, base: type) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for kind in reversed(flow_class.__mro__):
        if kind is object or kind is base or kind in base.__mro__:
            continue
        for name, value in vars(kind).items():
            if name.startswith("__"):
                continue
            # Functions, properties, class methods and whatever else binds to an object.
            if callable(value) or hasattr(cast(Any, type(value)), "__get__"):
                found.pop(name, None)
            else:
                found[name] = value
    return found
