"""Falaj and Flow: the flows that have run, and the runs of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Optional, Sequence

from falaj.client.access import Access, AccessState, RunFacts, current_access
from falaj.client.html import Row, table
from falaj.client.lookup import ChildNotFound, number
from falaj.client.matching import matching_runs
from falaj.client.objects import ClientObject
from falaj.client.resolve import no_flow, no_run
from falaj.client.runs import Run, run_from
from falaj.errors import FalajException, FalajNotFound
from falaj.model import states

if TYPE_CHECKING:
    from falaj.client.runtable import RunTable


class Flow(ClientObject):
    """All runs of a flow: `Flow("GenreStats")`; those in the namespace, to be exact."""

    _FORM = "Flow('FlowName')"

    def _load(self) -> None:
        if self._access.reader.flow(self.id) is None:
            raise FalajNotFound(no_flow(self._access, self.id))

    def _is_within(self, namespace: Optional[str]) -> bool:
        return namespace is None or self._access.reader.flow(self.id, namespace) is not None

    def _began(self) -> float:
        summary = self._access.reader.flow(self.id, self._access.namespace)
        if summary is None:
            raise FalajNotFound(no_flow(self._access, self.id))
        return summary.created_at

    def _child(self, name: str) -> Optional[Run]:
        wanted = number(name)
        record = None if wanted is None else self._access.reader.run(wanted)
        if record is None or record.flow != self.id:
            return None
        run = run_from(RunFacts(self._access, record))
        return run if run._is_within(self._access.namespace) else None

    def _children(self) -> Iterator[Run]:
        return self.runs()

    def _no_child(self, name: str) -> str:
        wanted = number(name)
        record = None if wanted is None else self._access.reader.run(wanted)
        if record is not None and record.flow == self.id:
            return (
                "Run {}/{} is not in the namespace {!r}. Call namespace(None) to see "
                "everything.".format(self.id, wanted, self._access.namespace)
            )
        return no_run(self._access, self.id, name)

    def __iter__(self) -> Iterator[Run]:
        return self._children()

    def __len__(self) -> int:
        return self._access.reader.count_runs(self.id, self._access.namespace)

    def __getitem__(self, name: Any) -> Run:
        return super().__getitem__(name)

    def runs(self, *tags: str) -> Iterator[Run]:
        """Yield the runs that have all of `tags`, newest first."""
        for record in matching_runs(self._access.reader, self.id, self._within(tags)):
            yield run_from(RunFacts(self._access, record))

    def table(
        self,
        *tags: str,
        state: Optional[str] = None,
        limit: Optional[int] = None,
        metrics: str = "last",
        artifacts: Iterable[str] = (),
    ) -> RunTable:
        """Return a table of the runs that have all of `tags`, newest first, one row for each.

        `state` keeps those in that state, `limit` the newest. `metrics` says which value of a
        metric is shown: `last`, `min` or `max`. `artifacts` names values of the last step to show.
        """
        # Imported here because `import falaj` must not pay for it.
        from falaj.client.runtable import run_table

        if state is not None and state not in states.RUN_STATES:
            known = ", ".join(states.RUN_STATES)
            raise FalajException("There is no state {!r}. The states are {}.".format(state, known))
        required = self._within(tags)
        records = matching_runs(self._access.reader, self.id, required, state, limit)
        return run_table(self._access, self.id, list(records), metrics, artifacts)

    @property
    def latest_run(self) -> Optional[Run]:
        """The newest run, whatever its state."""
        return self._first(())

    @property
    def latest_successful_run(self) -> Optional[Run]:
        """The newest run that succeeded."""
        return self._first(sorted(states.RUN_SUCCESSFUL))

    def _first(self, wanted: Sequence[str]) -> Optional[Run]:
        page = self._access.reader.runs(self.id, self._within(()), wanted, limit=1)
        return run_from(RunFacts(self._access, page[0])) if page else None

    def _within(self, tags: Iterable[str]) -> List[str]:
        namespace = self._access.namespace
        return [*tags] if namespace is None else [*tags, namespace]

    def _status(self) -> str:
        return _runs(len(self))

    def _html_rows(self) -> List[Row]:
        return [("runs", str(len(self)))]


class Falaj:
    """The way in to everything recorded: iterate for the flows, `Falaj()["GenreStats"]` for one."""

    def __init__(self) -> None:
        """See the home of this process through the current namespace."""
        self._access = current_access()

    def __getstate__(self) -> AccessState:
        return self._access.state

    def __setstate__(self, state: AccessState) -> None:
        self._access = Access.restored(state)

    @property
    def flows(self) -> List[Flow]:
        """The flows that have a run in the namespace, the one that ran last first."""
        return list(self)

    def __iter__(self) -> Iterator[Flow]:
        for summary in self._access.reader.flows(self._access.namespace):
            flow = self._flow(summary.name)
            if flow is not None:
                yield flow

    def __len__(self) -> int:
        return len(self._access.reader.flows(self._access.namespace))

    def __bool__(self) -> bool:
        return True

    def __contains__(self, name: object) -> bool:
        return self._access.reader.flow(str(name), self._access.namespace) is not None

    def __getitem__(self, name: str) -> Flow:
        flow = self._flow(name)
        if flow is None:
            raise ChildNotFound(no_flow(self._access, name))
        return flow

    def _flow(self, name: str) -> Optional[Flow]:
        if self._access.reader.flow(name) is None:
            return None
        flow = Flow.__new__(Flow)
        flow._open(self._access, (name,), None)  # pyright: ignore[reportPrivateUsage]
        return flow

    def __repr__(self) -> str:
        count = len(self)
        return "<Falaj(): {}>".format("1 flow" if count == 1 else "{:,} flows".format(count))

    def _repr_html_(self) -> str:
        flows = self._access.reader.flows(self._access.namespace)
        children = [(flow.name, _runs(flow.runs)) for flow in flows]
        return table("Falaj()", [("flows", str(len(flows)))], children, False)

    def _ipython_key_completions_(self) -> List[str]:
        return [flow.name for flow in self._access.reader.flows(self._access.namespace)]


def _runs(count: int) -> str:
    return "1 run" if count == 1 else "{:,} runs".format(count)
