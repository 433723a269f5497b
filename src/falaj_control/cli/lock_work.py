"""The slow part of `lock`: resolving and mirroring, with progress on stderr."""

from __future__ import annotations

import os
import sys

from falaj.model.graph import FlowDescription
from falaj.store.blobs import BlobStore
from falaj_control.cli.context import CommandContext
from falaj_control.cli.lock_entries import Asked, Relocking
from falaj_control.environments.answers import recall, remember
from falaj_control.environments.choosing import changed_sources
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.lockfile import LockEntry
from falaj_control.environments.requests import origin_of
from falaj_control.environments.resolver import Resolver
from falaj_control.environments.values import EnvironmentFailed, Lock
from falaj_control.environments.vendoring import vendor
from falaj_control.environments.work import Work
from falaj_control.settings import Settings


class LockWork:
    """Answers every request of a flow; `cancel` comes from another thread."""

    def __init__(
        self,
        flow: FlowDescription,
        line: CommandContext,
        settings: Settings,
        upgrade: bool,
        mirror: bool,
    ) -> None:
        """Resolve all anew with `upgrade`, and copy all files into the store with `mirror`."""
        self._flow, self._line = flow, line
        self._upgrade, self._mirror = upgrade, mirror
        self._folders = CacheFolders(settings.cache)
        self._store = BlobStore(settings.home.store)
        # The launcher's own interpreter runs this process, too.
        self._resolver = Resolver(self._folders, self._store, os.environ, sys.executable)
        self._doing = ""
        self._work = Work(self._tell)

    def cancel(self) -> None:
        """End what is under way; `entries` then raises Cancelled."""
        self._work.cancel()

    def entries(self, job: Relocking) -> list[LockEntry]:
        """Return what the lock file has to hold; raise EnvironmentFailed or Cancelled."""
        return job.entries(self._answer)

    def _answer(self, asked: Asked, platform: str, kept: Lock | None) -> Lock:
        self._work.check()
        self._doing = f"{', '.join(asked.names)} ({platform})"
        known = None if self._upgrade else kept or self._recalled(asked, platform)
        try:
            lock = known or self._resolver.resolve(asked.request, platform, self._work)
            lock = self._mirrored(asked, lock) if self._mirror else lock
        except EnvironmentFailed as error:
            origin = origin_of(self._flow, asked.names[0], self._line.environment)
            raise EnvironmentFailed(
                f"{origin[0].upper()}{origin[1:]}, for {platform}: {error}"
            ) from None
        remember(self._folders, asked.request, lock)
        return lock

    def _recalled(self, asked: Asked, platform: str) -> Lock | None:
        lock = recall(self._folders, asked.request, platform)
        return lock if lock is not None and not changed_sources(lock, asked.request) else None

    def _mirrored(self, asked: Asked, lock: Lock) -> Lock:
        request = asked.request
        addresses = (*request.extra_index_urls, *request.find_links, *request.channels)
        indexes = (request.index_url, *addresses) if request.index_url else addresses
        done = vendor(lock, self._store, os.environ, self._work, indexes)
        self._tell(f"mirrored, files fetched: {done.fetched}")
        return done.lock

    def _tell(self, text: str) -> None:
        self._line.errors.line(self._line.errors.shown(f"{self._doing}: {text}"))
