"""What a lock file has to hold for a flow, from what its steps ask and what the file held."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from falaj_control.environments.choosing import asked_for, changed_sources
from falaj_control.environments.lockfile import LockEntry, LockFile, render
from falaj_control.environments.values import EnvironmentFailed, Lock, Request

# Gives the lock of a request for a platform; `kept` is what the file holds for it and still fits.
Answer = Callable[["Asked", str, Lock | None], Lock]


class Asked(NamedTuple):
    """A request and the steps that share it, each as `Flow/step`."""

    request: Request
    steps: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the steps alone."""
        return [step.rpartition("/")[2] for step in self.steps]


class Relocking(NamedTuple):
    """The lock file of a flow, about to be brought up to date.

    `siblings` are the other flows of the same file, whose entries stay; `old` is what the file
    holds.
    """

    flow: str
    siblings: Sequence[str]
    asked: Sequence[Asked]
    platforms: Sequence[str]
    old: LockFile | None

    def entries(self, answer: Answer) -> list[LockEntry]:
        """Return all that the file has to hold, each lock as `answer` gives it."""
        others = {
            (lock.request, lock.platform): LockEntry(steps, lock)
            for entry in (self.old.entries if self.old is not None else ())
            for lock in [entry.lock]
            if (steps := tuple(step for step in entry.steps if self._is_siblings(step)))
        }
        entries: list[LockEntry] = []
        for asked in self.asked:
            for platform in self.platforms:
                other = others.pop((asked.request.digest, platform), None)
                steps = sorted({*asked.steps, *(other.steps if other is not None else ())})
                lock = answer(asked, platform, self._kept(asked.request, platform))
                entries.append(LockEntry(tuple(steps), lock))
        return [*entries, *others.values()]

    def before(self, entry: LockEntry) -> Lock | None:
        """Return what the file held for an entry: the same request's lock, else the same steps'."""
        if self.old is None:
            return None
        same = self.old.find(entry.lock.request, entry.lock.platform)
        if same is not None:
            return same
        for one in self.old.entries:
            if one.lock.platform == entry.lock.platform and set(one.steps) & set(entry.steps):
                return one.lock
        return None

    def problems(self, script: str) -> list[str]:
        """Say why the file is not up to date, a sentence each; nothing is resolved."""
        if self.old is None:
            return ["There is none."]
        problems: list[str] = []

        def answer(asked: Asked, platform: str, kept: Lock | None) -> Lock:
            if kept is None:
                problems.append(self._missing(asked, platform))
            return kept or Lock(asked.request.digest, "", "", platform)

        wanted = self.entries(answer)
        keys = {(entry.lock.request, entry.lock.platform) for entry in wanted}
        for entry in self.old.entries:
            if (entry.lock.request, entry.lock.platform) not in keys:
                steps = ", ".join(entry.steps)
                problems.append(f"Nothing asks any more for what it holds for {steps}.")
        if not problems and self.differs(wanted, script):
            problems.append("It would be written differently, as to steps or form.")
        return problems

    def differs(self, entries: Sequence[LockEntry], script: str) -> bool:
        """Say whether the file would change by being written."""
        return self.old is None or _text_of(self.old.path) != render(entries, script)

    def is_own(self, step: str) -> bool:
        """Say whether `Flow/step` is a step of this flow."""
        return step.partition("/")[0] == self.flow

    def _missing(self, asked: Asked, platform: str) -> str:
        names = ", ".join(asked.names)
        held = self.old.find(asked.request.digest, platform) if self.old is not None else None
        if held is not None:
            changed = ", ".join(changed_sources(held, asked.request))
            return f"{names}: {changed} changed since it was written."
        return f"{names}: it has no answer for {platform} to: {asked_for(asked.request)}."

    def _kept(self, request: Request, platform: str) -> Lock | None:
        lock = self.old.find(request.digest, platform) if self.old is not None else None
        return lock if lock is not None and not changed_sources(lock, request) else None

    def _is_siblings(self, step: str) -> bool:
        return step.partition("/")[0] in self.siblings


def asked_by(flow: str, requests: Mapping[str, Request | None]) -> list[Asked]:
    """Return what the steps of a flow ask for, equal requests as one."""
    found: dict[str, Asked] = {}
    for step, request in requests.items():
        if request is not None:
            before = found.get(request.digest, Asked(request, ()))
            steps = sorted((*before.steps, f"{flow}/{step}"))
            found[request.digest] = Asked(request, tuple(steps))
    return list(found.values())


def changes_between(before: Lock | None, after: Lock) -> str:
    """Say in a few words which packages a lock has gained, lost or moved."""
    if before is None:
        return "new"
    old, new = _versions(before), _versions(after)
    moved = [f"{n} {old[n]} → {v}" for n, v in new.items() if n in old and old[n] != v]
    added = [f"added {n} {v}".rstrip() for n, v in new.items() if n not in old]
    removed = [f"removed {n} {v}".rstrip() for n, v in old.items() if n not in new]
    said = ", ".join((*moved, *added, *removed))
    return said or ("unchanged" if before.digest == after.digest else "other files")


def _versions(lock: Lock) -> dict[str, str]:
    found = (*lock.packages, *lock.conda)
    return {one["name"]: str(one.get("version", "")) for one in found}


def _text_of(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise EnvironmentFailed(f"Can't read {path}: {error.strerror}.") from error
