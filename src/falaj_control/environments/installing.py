"""From a lock to an environment on disk: held where it is there, else built and looked over."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from falaj.store.blobs import BlobStore
from falaj_control.environments.cache import EnvironmentCache, HeldEnvironment, environment_key
from falaj_control.environments.credentials import Credentials
from falaj_control.environments.installed import describe_installed
from falaj_control.environments.installfile import InstallFile, write_install_file
from falaj_control.environments.integrity import site_packages, wrongly_copied
from falaj_control.environments.marker import python_of
from falaj_control.environments.storage import is_about_room, no_room
from falaj_control.environments.uvtool import Uv
from falaj_control.environments.values import (
    CustomKind,
    EnvironmentFailed,
    FoundInterpreter,
    Lock,
    Request,
)
from falaj_control.environments.vendoring import vendored_file
from falaj_control.environments.work import Work

_OFFLINE = re.compile(r"[Nn]etwork (connectivity )?(is|was) disabled")
# What uv puts beside the packages to have pip's own tools work there.
_EXTRAS = ("_virtualenv.py", "_virtualenv.pth")


def install(
    lock: Lock,
    request: Request,
    interpreter: FoundInterpreter | None,
    cache: EnvironmentCache,
    store: BlobStore,
    environ: Mapping[str, str],
    work: Work,
) -> HeldEnvironment:
    """Return the environment of a lock, built where it is not there or not whole.

    `interpreter` is None for a lock of conda, which holds its own. Of `request` only the places of
    indexes, files and folders count. A file that uv's cache or the store has is not asked for
    again. Raises EnvironmentFailed, after which nothing is left of it, and Cancelled.
    """
    key = environment_key(lock, interpreter)
    held = cache.hold(key)
    if held is not None:
        return held
    builder = _Builder(key, lock, request, interpreter, cache, store, environ, work)
    try:
        return cache.build(key, builder.make, work)
    except EnvironmentFailed as error:
        if is_about_room(str(error)):
            raise EnvironmentFailed(f"{error}\n{no_room(cache.folders.environments)}") from error
        raise


@dataclass(frozen=True)
class _Builder:
    """One build; `make` is what the cache calls with the folder to fill."""

    key: str
    lock: Lock
    request: Request
    interpreter: FoundInterpreter | None
    cache: EnvironmentCache
    store: BlobStore
    environ: Mapping[str, str]
    work: Work

    def make(self, prefix: str, lock_file: int) -> Mapping[str, Any]:
        """Install everything into `prefix` and return the description."""
        keep = [lock_file]
        credentials = Credentials(self.environ)
        uv = Uv(self.environ, self.work, credentials)
        if self.request.custom is not None:
            return self._make_custom(self.request.custom, uv, prefix)
        if self.interpreter is not None:
            self._make_base(uv, prefix, keep)
        else:
            self._install_conda(prefix, keep)
        if self.lock.packages:
            self._install_packages(uv, credentials, prefix, keep)
        return describe_installed(self.key, self.lock, self.interpreter, uv, prefix)

    def _make_custom(self, custom: CustomKind, uv: Uv, prefix: str) -> Mapping[str, Any]:
        # Imported here: few environments are made by another package.
        from falaj_control.environments.custom import install_custom

        assert self.interpreter is not None
        made = install_custom(
            self.lock, self.request, custom, self.interpreter, uv, self.environ, self.work, prefix
        )
        return {"key": self.key, **made}

    def _make_base(self, uv: Uv, prefix: str, keep: Sequence[int]) -> None:
        python = self.interpreter
        assert python is not None
        if not os.path.exists(python.path):
            raise EnvironmentFailed(
                f"Python {python.version} was at {python.path} and is not there any more."
            )
        arguments = ["venv", "--no-project", "-p", python.path, prefix]
        doing = f"Making an environment for Python {python.version}"
        uv.run(arguments, prefix, doing=doing, keep_open=keep)
        for folder in site_packages(prefix):
            for name in _EXTRAS:
                if os.path.exists(os.path.join(folder, name)):
                    os.unlink(os.path.join(folder, name))

    def _install_conda(self, prefix: str, keep: Sequence[int]) -> None:
        # Imported here: most environments hold nothing of conda.
        from falaj_control.environments.conda import install_conda

        self.work.tell(f"installing {len(self.lock.conda)} conda packages")
        install_conda(
            self.lock,
            prefix,
            self.cache.folders,
            self.environ,
            self.work,
            mirrored=lambda sha256: vendored_file(self.store, sha256),
            keep_open=keep,
        )

    def _install_packages(
        self, uv: Uv, credentials: Credentials, prefix: str, keep: Sequence[int]
    ) -> None:
        folders = self.cache.folders
        # Within what goes as a whole where the build fails or is killed.
        with tempfile.TemporaryDirectory(prefix="installing-", dir=prefix) as scratch:
            found = write_install_file(
                self.lock, self.request, self.store, folders, self.environ, credentials, scratch
            )
            self._install(uv, prefix, found, keep)
            self._mend(uv, prefix, found, keep)

    def _install(
        self, uv: Uv, prefix: str, found: InstallFile, keep: Sequence[int], *options: str
    ) -> None:
        """Have uv install what is not installed; the network is used for what it has not got."""
        count = len(self.lock.packages)
        self.work.tell(f"installing {count} package{'s' * (count != 1)}")
        # A hard link would let a step that writes into a package change it for every other
        # environment and for uv. Where the file system can share blocks, copying does.
        arguments = ["pip", "install", "--no-deps", "--link-mode", "copy", *options]
        arguments += ["--break-system-packages", "-p", python_of(prefix), "-r", found.path]
        try:
            self._call(uv, [*arguments, "--offline"], found, keep)
        except EnvironmentFailed as error:
            if not _OFFLINE.search(str(error)):
                raise
            self.work.tell(f"fetching and installing {count} package{'s' * (count != 1)}")
            self._call(uv, arguments, found, keep)

    def _mend(self, uv: Uv, prefix: str, found: InstallFile, keep: Sequence[int]) -> None:
        """Fetch packages again that are damaged in uv's cache, which uv does not look at."""
        names = [one.rpartition("-")[0] for one in wrongly_copied(prefix)]
        if not names:
            return
        self.work.tell(f"fetching {', '.join(names)} again, damaged in uv's cache")
        folder = self.cache.folders.root
        uv.run(["cache", "clean", *names], folder, doing="Cleaning uv's cache", keep_open=keep)
        # What differs from then on differs within the file whose hash was checked.
        self._install(uv, prefix, found, keep, *(f"--reinstall-package={one}" for one in names))

    def _call(
        self, uv: Uv, arguments: Sequence[str], found: InstallFile, keep: Sequence[int]
    ) -> None:
        uv.run(
            arguments,
            os.path.dirname(found.path),
            doing="Installing the packages",
            variables=found.variables,
            keep_open=keep,
        )
