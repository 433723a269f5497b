"""This machine's earlier answers: what a request was resolved to, kept in the cache."""

from __future__ import annotations

import json
import os

from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.replacing import replace_file
from falaj_control.environments.values import Lock, Request, digest_of


def recall(folders: CacheFolders, request: Request, platform: str) -> Lock | None:
    """Return what the request was resolved to on this machine; a damaged answer is none."""
    digest = request.digest
    try:
        with open(_path(folders, request, platform), encoding="utf-8") as file:
            lock = Lock.from_data(json.load(file))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return lock if (lock.request, lock.platform) == (digest, platform) else None


def remember(folders: CacheFolders, request: Request, lock: Lock) -> None:
    """Keep an answer, in place of an earlier one to the same request."""
    data = json.dumps(lock.to_data(), default=str)
    try:
        replace_file(_path(folders, request, lock.platform), data.encode())
    except OSError:
        # What can't be kept is resolved again; what matters more will tell of a full disk.
        pass


def _path(folders: CacheFolders, request: Request, platform: str) -> str:
    place = f"-{digest_of(request.place)[:8]}" if request.place else ""
    return os.path.join(folders.answers, f"{request.digest}{place}-{platform}.json")
