"""Deleting the folders of packages that travelled, where no run has them any more.

They are named by the digest of their listing, which the code of a run refers to; a run that needs
one that is gone makes it again from the store.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection

from falaj.hashing import HEX_LENGTH
from falaj.home import Home
from falaj_control.packaging.travelling import sweep_unfinished

_HEX = frozenset("0123456789abcdef")


def sweep_travelled(home: Home, reached: Collection[bytes], before: float, dry_run: bool) -> int:
    """Delete folders outside `reached` that no run has taken since `before` (wall time).

    Returns how many bytes of disk they take.
    """
    root = home.travelled
    try:
        names = os.listdir(root)
    except OSError:
        return 0
    if not dry_run:
        sweep_unfinished(root)
    freed = 0
    for name in names:
        folder = os.path.join(root, name)
        if len(name) != HEX_LENGTH or not _HEX.issuperset(name) or bytes.fromhex(name) in reached:
            continue
        if _touched(folder) < before:
            size = _size(folder)
            freed += size if dry_run or _delete(folder, before) else 0
    return freed


def _delete(folder: str, before: float) -> bool:
    # Moved out of the way, then looked at again: whoever takes it touches it first. The name is
    # one that the next run removes, should this process be killed.
    aside = f"{folder}.{os.getpid()}"
    try:
        os.rename(folder, aside)
    except OSError:
        # Another user's.
        return False
    try:
        if _touched(aside) >= before:
            os.rename(aside, folder)
            return False
    except OSError:
        # Made anew meanwhile.
        pass
    shutil.rmtree(aside, ignore_errors=True)
    return True


def _touched(folder: str) -> float:
    try:
        return os.stat(folder).st_mtime
    except OSError:
        return float("inf")


def _size(folder: str) -> int:
    found = (os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)
    return sum(os.lstat(path).st_blocks * 512 for path in found)
