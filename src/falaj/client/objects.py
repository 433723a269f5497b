"""What all client objects have in common: path, namespace, children, tags, equality, pickling."""

from __future__ import annotations

from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Dict,
    FrozenSet,
    Iterator,
    List,
    Optional,
    Tuple,
    Type,
    cast,
)

from falaj.client.access import Access, AccessState, RunFacts, current_access
from falaj.client.html import Row, table
from falaj.client.lookup import ChildNotFound, split_pathspec
from falaj.client.namespaces import get_namespace
from falaj.errors import FalajNamespaceMismatch, FalajNotFound
from falaj.model.states import TITLES

if TYPE_CHECKING:
    from datetime import datetime

_HTML_CHILDREN = 20


def moment(at: Optional[float]) -> Optional[datetime]:
    """Return seconds since the epoch as local time without a zone, as Metaflow's client does."""
    # Imported here because `import falaj` must not pay for it.
    from datetime import datetime

    return None if at is None else datetime.fromtimestamp(at)


class ClientObject:
    """A flow, run, step, task or artifact as it is recorded.

    Objects read anew whatever may still change, so that a loop may wait for `run.finished`.
    Iteration gives the newest child first. Two objects with the same path in the same home are
    equal.
    """

    # The path's form, which also gives its number of parts.
    _FORM = "Flow('FlowName')"
    _by_arity: ClassVar[Dict[int, Type[ClientObject]]] = {}

    _access: Access
    _parts: Tuple[str, ...]
    _attempt: Optional[int] = None

    def __init__(self, pathspec: str) -> None:
        """Look up the object; raise FalajNotFound, FalajInvalidPathspec or, where it is outside
        the current namespace, FalajNamespaceMismatch."""
        self._open(current_access(), split_pathspec(pathspec, self._FORM), None)

    def __init_subclass__(cls) -> None:
        """Let parents be found by the length of their path."""
        if "_FORM" in cls.__dict__:
            ClientObject._by_arity[cls._FORM.count("/") + 1] = cls

    def _open(self, access: Access, parts: Tuple[str, ...], attempt: Optional[int]) -> None:
        self._access = access
        self._parts = parts
        self._attempt = attempt
        try:
            self._load()
        except FalajNotFound:
            # Imported here: hardly anything that is asked for is missing.
            from falaj.client.recording import when_recorded

            when_recorded(parts, self._load)
        if not self._is_within(access.namespace):
            raise FalajNamespaceMismatch(str(access.namespace), "/".join(parts))

    def _load(self) -> None:
        """Read what the object stands for; `_parts` becomes its canonical form."""
        raise NotImplementedError

    def _run_facts(self) -> Optional[RunFacts]:
        return None

    def _is_within(self, namespace: Optional[str]) -> bool:
        facts = self._run_facts()
        if namespace is None or facts is None:
            return True
        tags = facts.tags
        return namespace in tags.system or namespace in tags.user

    def _child(self, name: str) -> Optional[ClientObject]:
        """Return the child of that name, private ones included, or None."""
        return None

    def _children(self) -> Iterator[ClientObject]:
        return iter(())

    def _no_child(self, name: str) -> str:
        """Return what to say of a child that is not there."""
        return "{} has no {!r}.".format(self.pathspec, name)

    def _status(self) -> str:
        """Return the words that `repr` adds to the path."""
        return ""

    def _html_rows(self) -> List[Row]:
        return []

    @property
    def id(self) -> str:
        """The last part of the path: a name, or a number as text."""
        return self._parts[-1]

    @property
    def pathspec(self) -> str:
        """The path, such as `GenreStats/412/train/7`; the constructor takes it."""
        return "/".join(self._parts)

    @property
    def path_components(self) -> List[str]:
        """The parts of the path."""
        return list(self._parts)

    @property
    def parent(self) -> Optional[ClientObject]:
        """The object above: an artifact's task, a task's step and so on; None for a flow."""
        if len(self._parts) == 1:
            return None
        kind = ClientObject._by_arity[len(self._parts) - 1]
        made = kind.__new__(kind)
        # Only a task has attempts to choose from.
        attempt = self._attempt if len(self._parts) == 5 else None
        made._open(self._access, self._parts[:-1], attempt)
        return made

    @property
    def created_at(self) -> datetime:
        """When it began, in local time."""
        return cast("datetime", moment(self._began()))

    def _began(self) -> float:
        raise NotImplementedError

    @property
    def tags(self) -> FrozenSet[str]:
        """All tags of the run; a flow has none."""
        return self.user_tags | self.system_tags

    @property
    def user_tags(self) -> FrozenSet[str]:
        """The tags that people gave the run."""
        facts = self._run_facts()
        return frozenset() if facts is None else facts.tags.user

    @property
    def system_tags(self) -> FrozenSet[str]:
        """The tags that Falaj gave the run, such as `user:` and who started it."""
        facts = self._run_facts()
        return frozenset() if facts is None else facts.tags.system

    @property
    def origin_pathspec(self) -> Optional[str]:
        """The path of what this was resumed from or reuses; None where it is an original."""
        return None

    def is_in_namespace(self) -> bool:
        """Say whether the object is in the current namespace."""
        return self._is_within(get_namespace())

    def __iter__(self) -> Iterator[Any]:
        return self._children()

    def __len__(self) -> int:
        return sum(1 for _ in self._children())

    def __bool__(self) -> bool:
        # An object without children is still there.
        return True

    def __contains__(self, name: object) -> bool:
        return self._child(str(name)) is not None

    def __getitem__(self, name: Any) -> Any:
        child = self._child(str(name))
        if child is None:
            raise ChildNotFound(self._no_child(str(name)))
        return child

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._identity() == cast(ClientObject, other)._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> Tuple[object, ...]:
        return (self._access.home.root, self._parts, self._attempt)

    def __getstate__(self) -> Tuple[AccessState, Tuple[str, ...], Optional[int]]:
        return (self._access.state, self._parts, self._attempt)

    def __setstate__(self, state: Tuple[AccessState, Tuple[str, ...], Optional[int]]) -> None:
        # Whoever holds an object keeps it, whatever became of its tags: only looking one up asks
        # for the namespace.
        access, self._parts, self._attempt = state
        self._access = Access.restored(access)
        self._load()

    def __str__(self) -> str:
        given = "" if self._attempt is None else ", attempt={}".format(self._attempt)
        return "{}({!r}{})".format(type(self).__name__, self.pathspec, given)

    def __repr__(self) -> str:
        status = self._status()
        return "<{}: {}>".format(self, status) if status else "<{}>".format(self)

    def _repr_html_(self) -> str:
        children: List[Tuple[str, str]] = []
        more = False
        for child in self._children():
            if len(children) == _HTML_CHILDREN:
                more = True
                break
            children.append((child.id, child._status()))
        return table(str(self), self._html_rows(), children, more)

    def _ipython_key_completions_(self) -> List[str]:
        return [child.id for child in self._children()]


def title(state: str) -> str:
    """Return a state as people read it."""
    return TITLES.get(state, state)
