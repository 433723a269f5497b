"""From what a step asks to an environment that is held: known lock or new one, then installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from falaj_control.environments.cache import EnvironmentCache
from falaj_control.environments.choosing import KnownLocks, find_lock
from falaj_control.environments.installing import install
from falaj_control.environments.interpreters import find_interpreter
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.preparation import Prepared
from falaj_control.environments.resolver import Resolver
from falaj_control.environments.values import EnvironmentFailed, Request
from falaj_control.environments.work import Work
from falaj_control.packaging.ourselves import falaj_zip


@dataclass(frozen=True)
class Maker:
    """Makes the environments of one flow on this machine.

    `asked_by` names the decorator behind a step's request, for errors. With `locked` nothing is
    resolved that the lock file does not hold.
    """

    known: KnownLocks
    resolver: Resolver
    asked_by: Callable[[str], str]
    locked: bool = False

    def prepare(self, step: str, request: Request, work: Work) -> Prepared:
        """Return the environment for what `step` asks, made where it is not there yet.

        Raises EnvironmentFailed, and Cancelled where the work is not wanted any more.
        """
        try:
            return self._prepare(step, request, work)
        except EnvironmentFailed as error:
            asked = self.asked_by(step)
            raise EnvironmentFailed(f"No environment for {asked}.\n{error}") from error

    def _prepare(self, step: str, request: Request, work: Work) -> Prepared:
        resolver = self.resolver
        folders = resolver.folders
        choice = find_lock(request, local_platform(), self.known, step, self.locked)
        lock = choice.lock or resolver.resolve(request, local_platform(), work)
        found = None
        if lock.kind != "conda":
            found = find_interpreter(request.python, folders, resolver.environ, resolver.launcher)
        held = install(
            lock,
            request,
            found,
            EnvironmentCache(folders),
            resolver.store,
            resolver.environ,
            work,
        )
        environment = held.environment
        version = str(environment.description["python"]["version"])
        falaj = falaj_zip(folders.code, environment.python, version)
        # The lock is kept with the run, so that a resume asks nobody again. Whoever had the same
        # environment built first may have asked for it in other words.
        description = {
            **environment.description,
            "kind": lock.kind,
            "asked": list(lock.asked),
            "request": request.digest,
            "lock": lock.to_data(),
        }
        return Prepared(held, falaj, description, choice.note)
