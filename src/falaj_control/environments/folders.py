"""The machine's cache: what can be made again, shared by all homes of a user."""

from __future__ import annotations

import os
from typing import NamedTuple


class CacheFolders(NamedTuple):
    """The places below one root (FALAJ_CACHE); none need exist."""

    root: str

    @property
    def environments(self) -> str:
        """One folder per environment, and beside it its lock file."""
        return os.path.join(self.root, "environments")

    @property
    def answers(self) -> str:
        """What requests were resolved to, a JSON file each."""
        return os.path.join(self.root, "answers")

    @property
    def code(self) -> str:
        """Zips of the package `falaj`, one per version of it and of Python."""
        return os.path.join(self.root, "code")

    @property
    def sources(self) -> str:
        """Snapshots of local packages, unpacked to be built."""
        return os.path.join(self.root, "sources")

    @property
    def conda(self) -> str:
        """Conda packages as they were fetched."""
        return os.path.join(self.root, "conda")

    @property
    def interpreters(self) -> str:
        """What is known of the interpreters of this machine, a JSON file."""
        return os.path.join(self.root, "interpreters.json")
