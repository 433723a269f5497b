"""How client objects reach records and store; SQLite and the store load on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

from falaj.client.namespaces import get_namespace
from falaj.errors import FalajNotFound
from falaj.model import states
from falaj.model.graph import GANG_DECORATORS
from falaj.model.records import RunRecord

if TYPE_CHECKING:
    from falaj.client.reader import Reader, Tags
    from falaj.store.blobs import BlobStore
    from falaj.store.manifests import Entry, Manifest


# What an Access is pickled as: root of its home, namespace, root of the home whose store it uses.
AccessState = Tuple[str, Optional[str], str]


class Access:
    """One home seen through one namespace; shared by an object and all that comes from it."""

    def __init__(
        self, root: Optional[str] = None, namespace: Optional[str] = None, shares: str = ""
    ) -> None:
        """See the home at `root`, or the one chosen for this process, through `namespace`.

        `shares` is the root of the home whose store it uses, where that is another one.
        """
        # Imported here so that `import falaj` pays for neither SQLite nor the store.
        from falaj.client.homes import current_home
        from falaj.client.reader import Reader
        from falaj.home import Home
        from falaj.store.blobs import FetchingStore

        self.home = current_home() if root is None else Home(root, shares)
        self.namespace = namespace
        self.reader: Reader = Reader(self.home)
        self.store: BlobStore = FetchingStore(self.home.store)

    @property
    def state(self) -> AccessState:
        """What `restored` makes an equal access from, in any process of this machine."""
        return (self.home.root, self.namespace, self.home.shares)

    @classmethod
    def restored(cls, state: AccessState) -> Access:
        """Return the access that had this `state`."""
        return cls(*state)

    def manifest(self, digest: Optional[str]) -> Optional[Manifest]:
        """Return a manifest by its digest; None for None."""
        if digest is None:
            return None
        # Imported here so that `import falaj` does not pay for it.
        from falaj.store.manifests import load_manifest

        return load_manifest(self.store, digest)

    def load(self, entry: Entry, name: str, run: RunRecord, pathspec: str) -> Any:
        """Return the value of the artifact `name` of the task at `pathspec` in `run`."""
        # Imported here so that `import falaj` does not pay for it.
        from falaj.client.loading import load_value

        return load_value(self.store, entry, name, run, pathspec)


def current_access() -> Access:
    """Return access to the home of this process through the current namespace."""
    return Access(None, get_namespace())


class RunFacts:
    """What a run and all objects below it share: its record, tags and graph."""

    def __init__(self, access: Access, record: RunRecord) -> None:
        """Start from `record`, as it was just read."""
        self.access = access
        self.id = record.id
        self.flow = record.flow
        self._record = record

    @property
    def record(self) -> RunRecord:
        """The run as it is now; read again until it has ended."""
        record = self._record
        # A lost run is read again: it may have been judged by silence alone.
        if record.state not in states.RUN_FINAL or record.state == states.LOST:
            found = self.access.reader.run(self.id)
            if found is None:
                raise FalajNotFound(
                    "Run {}/{} has been deleted meanwhile.".format(self.flow, self.id)
                )
            self._record = record = found
        return record

    @property
    def tags(self) -> Tags:
        """The run's tags as they are now."""
        return self.access.reader.tags(self.id)

    def __getstate__(self) -> Tuple[AccessState, RunRecord]:
        return (self.access.state, self._record)

    def __setstate__(self, state: Tuple[AccessState, RunRecord]) -> None:
        self.__init__(Access.restored(state[0]), state[1])

    @property
    def spun(self) -> Optional[str]:
        """The path of the task that was spun, where this is no run but a spin."""
        spin = self._record.options.get("spin")
        return None if spin is None else str(spin["origin"])

    @property
    def parts(self) -> Tuple[str, ...]:
        """The path components of the run."""
        return (self.flow, str(self.id))

    @property
    def end(self) -> str:
        """The name of the run's last step."""
        return str(self._record.graph.get("end", "end"))

    def loops(self, step: str) -> bool:
        """Say whether a step can lead to itself."""
        return step in self.targets().get(step, ())

    def is_gang(self, step: str) -> bool:
        """Say whether a step's tasks ran all at once, as gangs."""
        steps: List[Dict[str, Any]] = list(self._record.graph.get("steps", ()))
        names = [d["name"] for one in steps if one["name"] == step for d in one["decorators"]]
        return any(name in GANG_DECORATORS for name in names)

    def targets(self) -> Dict[str, List[str]]:
        """Return the steps that each step leads to."""
        steps: List[Dict[str, Any]] = list(self._record.graph.get("steps", ()))
        return {step["name"]: list(step["targets"]) for step in steps}
