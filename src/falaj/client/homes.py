"""Which home the client reads: this process's own, another one, or one's spins."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Generator, List, Optional

from falaj.errors import FalajException
from falaj.home import FOLDER, SPIN_FOLDER, Home, find_home, spin_home

_LOCAL = "local"
_SPIN = "spin"
_SERVICE = "service"

# Empty until a program chooses one: the process's own home follows its working folder.
_chosen: List[Home] = []


class HomeNotFound(FalajException):
    """A place that holds nothing of Falaj's, or is of a kind that can't be read."""

    headline = "No Falaj home there"


def current_home() -> Home:
    """Return the home that the client reads."""
    return _chosen[0] if _chosen else find_home()


def metadata(ms: str) -> str:
    """Read results of another home from now on, in this process; return `get_metadata()`.

    `ms` is a folder (a home, or one that has a home in it or above it), also written
    `local@FOLDER`, or `spin@FOLDER` for what was spun there.
    """
    kind, at, place = ms.partition("@")
    if not at:
        kind, place = (_SERVICE, ms) if "://" in ms else (_LOCAL, ms)
    if kind == _SERVICE:
        raise HomeNotFound(
            "Records of a service can't be read yet ({}). Name a folder of this machine.".format(ms)
        )
    if kind not in (_LOCAL, _SPIN):
        raise HomeNotFound(
            "{!r} names no home. Write a folder, local@FOLDER or spin@FOLDER.".format(ms)
        )
    home = _home_at(place)
    _chosen[:] = [spin_home(home) if kind == _SPIN else home]
    return get_metadata()


def get_metadata() -> str:
    """Return which home the client reads, as `metadata` takes it."""
    home = current_home()
    return "{}@{}".format(_SPIN if home.shares else _LOCAL, home.shares or home.root)


def default_metadata() -> str:
    """Go back to reading this process's own home; return `get_metadata()`."""
    _chosen.clear()
    return get_metadata()


def inspect_spin(datastore_root: Optional[str] = None) -> None:
    """Read what `spin` left, of this process's home or of the one at a folder.

    `default_metadata()` goes back to the results of runs.
    """
    home = find_home() if datastore_root is None else _home_at(datastore_root)
    _chosen[:] = [spin_home(home)]


@contextmanager
def within_spins() -> Generator[None, None, None]:
    """Read what was spun in this process's home, for the time of a `with`."""
    before = list(_chosen)
    _chosen[:] = [spin_home(current_home())]
    try:
        yield
    finally:
        _chosen[:] = before


def _home_at(place: str) -> Home:
    folder = os.path.abspath(os.path.expanduser(place or "."))
    if not os.path.isdir(folder):
        raise HomeNotFound("There is no folder {}.".format(folder))
    if _is_home(folder):
        # The folder of a home's spins stands for that home.
        above = os.path.dirname(folder)
        return Home(above if _is_spin(folder, above) else folder)
    return _home_above(folder)


def _home_above(start: str) -> Home:
    folder = start
    while True:
        candidate = os.path.join(folder, FOLDER)
        if os.path.isdir(candidate):
            return Home(candidate)
        above = os.path.dirname(folder)
        if above == folder:
            raise HomeNotFound(
                "Neither {} nor a folder above it holds a {}. Name the folder that FALAJ_HOME "
                "named when the flow ran.".format(start, FOLDER)
            )
        folder = above


def _is_home(folder: str) -> bool:
    named = os.path.basename(folder) == FOLDER or folder == find_home().root
    return named or os.path.exists(Home(folder).records) or os.path.isdir(Home(folder).store)


def _is_spin(folder: str, above: str) -> bool:
    return os.path.basename(folder) == SPIN_FOLDER and os.path.isdir(Home(above).store)
