"""Which runs a collection deletes: a pure function of the runs, the policy and the time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class KnownRun(NamedTuple):
    """What the choice needs of a run; `ended_at` is None while it runs, `tags` are people's."""

    id: int
    flow: str
    state: str
    ended_at: float | None
    tags: frozenset[str]
    origin: int | None


class Policy(NamedTuple):
    """Which runs may go: those that every condition that is given says so of.

    `older_than` is in seconds since the run's end. The latest `keep_last` runs of each flow stay,
    and so do those with one of `keep_tags`.
    """

    older_than: float | None = None
    keep_last: int | None = None
    tags: tuple[str, ...] = ()
    untagged: bool = False
    states: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    keep_tags: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether any run may go; without a condition none does."""
        return self._replace(keep_tags=()) != Policy()


class Choice(NamedTuple):
    """The runs that go, oldest first, and those that match the policy and stay, with the reason."""

    goes: tuple[int, ...]
    stays: Mapping[int, str]


def choose(runs: Sequence[KnownRun], policy: Policy, now: float) -> Choice:
    """Choose among `runs`, which are in the order of their ids."""
    if not policy.asks:
        return Choice((), {})
    latest = _latest(runs, policy.keep_last or 0)
    stays: dict[int, str] = {}
    goes: dict[int, KnownRun] = {}
    for run in runs:
        if not _matches(run, policy, now):
            continue
        why = _protection(run, policy, latest)
        if why:
            stays[run.id] = why
        else:
            goes[run.id] = run
    # What a run that stays was resumed from stays with it: its reused tasks are those of the
    # origin, with their logs and attempts. An origin is older than what resumes it.
    for run in reversed(runs):
        if run.id not in goes and run.origin in goes:
            del goes[run.origin]
            stays[run.origin] = f"run {run.id} was resumed from it"
    return Choice(tuple(goes), stays)


def _latest(runs: Iterable[KnownRun], count: int) -> frozenset[int]:
    by_flow: dict[str, list[int]] = {}
    for run in runs:
        by_flow.setdefault(run.flow, []).append(run.id)
    return frozenset(one for ids in by_flow.values() for one in (ids[-count:] if count else ()))


def _matches(run: KnownRun, policy: Policy, now: float) -> bool:
    if policy.flows and run.flow not in policy.flows:
        return False
    if policy.states and run.state not in policy.states:
        return False
    if not run.tags.issuperset(policy.tags) or (policy.untagged and run.tags):
        return False
    if policy.older_than is None:
        return True
    return run.ended_at is not None and now - run.ended_at > policy.older_than


def _protection(run: KnownRun, policy: Policy, latest: frozenset[int]) -> str:
    if run.ended_at is None:
        return "it is running"
    kept = run.tags.intersection(policy.keep_tags)
    if kept:
        return f"it has the tag {min(kept)}"
    if run.id in latest:
        return "it is among the latest of its flow"
    return ""
