"""Resolving a request anew: the interpreter that it needs, then uv or rattler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from falaj.store.blobs import BlobStore
from falaj_control.environments.answers import remember
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.values import Lock, Request
from falaj_control.environments.work import Work


class Resolver(NamedTuple):
    """What resolving needs besides the request; `launcher` is the Python that runs the flow."""

    folders: CacheFolders
    store: BlobStore
    environ: Mapping[str, str]
    launcher: str

    def resolve(self, request: Request, platform: str, work: Work) -> Lock:
        """Ask the indexes or channels, and remember the answer on this machine.

        Raises EnvironmentFailed, and Cancelled where the work is not wanted any more.
        """
        lock = self._ask(request, platform, work)
        remember(self.folders, request, lock)
        return lock

    def _ask(self, request: Request, platform: str, work: Work) -> Lock:
        # Imported here: a warm run resolves nothing.
        if request.kind == "conda":
            from falaj_control.environments.conda import resolve_conda

            return resolve_conda(request, platform, self.folders, self.store, self.environ, work)
        from falaj_control.environments.interpreters import find_interpreter
        from falaj_control.environments.resolving import resolve

        found = find_interpreter(request.python, self.folders, self.environ, self.launcher)
        if request.custom is not None:
            from falaj_control.environments.custom import resolve_custom

            return resolve_custom(request, request.custom, found, platform, work)
        return resolve(request, found, platform, self.folders, self.store, self.environ, work)
