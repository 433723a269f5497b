"""The environments of a run, put together: what steps ask for, where locks are looked for."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from falaj.errors import FalajException
from falaj.model.graph import FlowDescription
from falaj.store.blobs import BlobStore, FetchingStore
from falaj_control.environments.choosing import KnownLocks
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.lockfile import lock_path, read_lock_file
from falaj_control.environments.making import Maker
from falaj_control.environments.preparation import Preparation
from falaj_control.environments.requests import origin_of, requests_of
from falaj_control.environments.resolver import Resolver
from falaj_control.environments.values import EnvironmentFailed, Lock, Request
from falaj_control.packaging.travelling import unpack
from falaj_control.ports.executing import HostPlace
from falaj_control.ports.preparing import Failed


class Places(NamedTuple):
    """Where the environments of a run come from and go to.

    `cache`, `store` and `travel` are folders, `python` is the interpreter that runs the flow,
    `chosen` what `--environment` says.
    """

    cache: str
    store: str
    travel: str
    python: str
    chosen: str | None


# The first Python whose pickles keep large buffers apart.
_PROTOCOL_5 = (3, 8)


class Outfit(NamedTuple):
    """What the steps of one run ask for, and the means to make it."""

    requests: Mapping[str, Request | None]
    maker: Maker
    places: Places

    @property
    def protocol(self) -> int:
        """The newest pickle protocol that every step's Python reads."""
        pythons = [request.python for request in self.requests.values() if request is not None]
        versions = [tuple(map(int, python.split(".")[:2])) for python in pythons]
        return 4 if any(version < _PROTOCOL_5 for version in versions) else 5

    def preparation(self, wake: Callable[[], None]) -> Preparation:
        """Return what prepares the environments beside a run; `wake` says that it has news."""
        store = BlobStore(self.places.store)

        def travel(listing: str) -> tuple[tuple[str, ...], list[str]]:
            return unpack(listing, store, self.places.travel)

        return Preparation(self.requests, self.maker.prepare, travel, wake)

    @contextmanager
    def place(self, step: str, travelled: str) -> Generator[HostPlace | None]:
        """Give where one step's hosts live, prepared and held; None for no environment of its own.

        `travelled` is the listing of the code that travels. Raises EnvironmentFailed.
        """
        news = threading.Event()
        preparation = self.preparation(news.set)
        try:
            preparation.travel_along(travelled)
            preparation.begin([step])
            while not preparation.is_ready(step):
                news.wait()
                news.clear()
                for event in preparation.take_events():
                    if isinstance(event, Failed):
                        raise EnvironmentFailed(event.reason)
            yield preparation.place(step)
        finally:
            preparation.close()


def outfit_of(
    description: FlowDescription, places: Places, described: Mapping[str, str], locked: bool
) -> Outfit:
    """Return what the flow's steps ask for, in the Python that runs it where they name none.

    `described` holds, by step, the digests of the descriptions of the run that is resumed.
    Raises EnvironmentFailed for what a step can't ask, or a lock file that can't be read.
    """
    requests = requests_of(description, places.chosen, "{}.{}".format(*sys.version_info[:2]))
    store = FetchingStore(places.store)
    folders = CacheFolders(places.cache)
    script = description.file
    lock_file = read_lock_file(lock_path(script), script)
    maker = Maker(
        known=KnownLocks(script, lock_file, _locks_in(described, store), folders),
        resolver=Resolver(folders, store, os.environ, places.python),
        asked_by=lambda step: origin_of(description, step, places.chosen),
        locked=locked,
    )
    return Outfit(requests, maker, places)


def _locks_in(described: Mapping[str, str], store: BlobStore) -> dict[str, Lock]:
    """Return the locks that an earlier run has recorded, by digest of their request."""
    found: dict[str, Lock] = {}
    for digest in set(described.values()):
        try:
            description = json.loads(store.read(digest))
            found[str(description["request"])] = Lock.from_data(description["lock"])
        except (FalajException, ValueError, KeyError, TypeError):
            # Without it the request is looked for elsewhere, or resolved anew.
            continue
    return found
