"""A commit of a git repository as one blob of the store, in the form of a local package's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from typing import Any

from falaj.store.blobs import BlobStore
from falaj_control.environments.credentials import Credentials, git_variables, split_user
from falaj_control.environments.localpackages import snapshot
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.environments.work import Work


def snapshot_commit(
    vcs: Mapping[str, Any], name: str, store: BlobStore, environ: Mapping[str, str], work: Work
) -> str:
    """Store the files of the commit that a `vcs` table of PEP 751 names; return the digest.

    `localpackages.unpack` makes a folder of it. Raises EnvironmentFailed, and Cancelled.
    """
    commit = str(vcs["commit-id"])
    work.tell(f"mirroring {name} from git")
    git = _Git(name, str(vcs["url"]), environ, work)
    with tempfile.TemporaryDirectory(prefix="falaj-git-") as folder:
        git.run(folder, "init", "--quiet")
        # Most servers hand out a single commit; of the others everything is fetched.
        if not git.succeeds(folder, "fetch", "--quiet", "--depth=1", git.url, commit):
            git.run(folder, "fetch", "--quiet", git.url, "+refs/*:refs/fetched/*")
        git.run(folder, "checkout", "--quiet", "--detach", commit)
        if os.path.exists(os.path.join(folder, ".gitmodules")):
            git.run(folder, "submodule", "--quiet", "update", "--init", "--recursive")
        return snapshot(folder, store)


class _Git:
    """Calls git about one repository; credentials reach it by variables, never by its argv."""

    def __init__(self, name: str, url: str, environ: Mapping[str, str], work: Work) -> None:
        self._credentials = Credentials(environ)
        filled = self._credentials.fill(url)
        head, _, rest = split_user(filled)
        self.url = head + rest if head.startswith("http") else filled
        self._name, self._work = name, work
        variables = git_variables([filled], environ)
        self._environ = {**environ, "GIT_TERMINAL_PROMPT": "0", **variables}

    def run(self, folder: str, *arguments: str) -> None:
        said = self._call(folder, arguments)
        if said is not None:
            shown = self._credentials.hide(self.url)
            raise EnvironmentFailed(f"Can't mirror {self._name} from {shown}: git says: {said}")

    def succeeds(self, folder: str, *arguments: str) -> bool:
        return self._call(folder, arguments) is None

    def _call(self, folder: str, arguments: tuple[str, ...]) -> str | None:
        """Return what git said where it failed, without credentials."""
        try:
            done = self._work.run(["git", *arguments], self._environ, folder)
        except FileNotFoundError:
            raise EnvironmentFailed(
                f"{self._name} comes from git, and there is no program git. Install it."
            ) from None
        return self._credentials.hide(done.err.strip()) if done.status else None
