"""A lock as the file that uv installs from: what the store has by path, the rest by address."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from falaj.store.blobs import BlobStore
from falaj_control.environments.access import index_variables, open_packages
from falaj_control.environments.credentials import Credentials
from falaj_control.environments.fitting import file_name
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.localpackages import SOURCE_KEY, snapshot, unpack
from falaj_control.environments.values import EnvironmentFailed, Lock, Request
from falaj_control.environments.vendoring import SNAPSHOT_KEY, vendored_file


class InstallFile(NamedTuple):
    """A pylock.toml (PEP 751), and the variables that uv needs to get at what it names."""

    path: str
    variables: Mapping[str, str]


def write_install_file(
    lock: Lock,
    request: Request,
    store: BlobStore,
    folders: CacheFolders,
    environ: Mapping[str, str],
    credentials: Credentials,
    scratch: str,
) -> InstallFile:
    """Write into the folder `scratch` what uv is to install; the folder has to stay until then.

    `request` says where indexes and paths are. Raises EnvironmentFailed where a file of this
    machine is neither in the store nor where it was, and OSError.
    """
    # Imported here: a warm run installs nothing.
    import tomli_w

    writer = _Writer(request, store, folders, credentials, scratch)
    # Files of this machine's folders are in the store, or beside the flow under their own path.
    linked = tuple(one for one in request.find_links if "://" in one)
    variables = index_variables(replace(request, find_links=linked), environ, credentials)
    packages = [writer.package(one) for one in lock.packages]
    opened = open_packages(packages, {**environ, **variables}, credentials)
    path = os.path.join(scratch, "pylock.toml")
    with open(path, "wb") as file:
        head = {"lock-version": "1.0", "created-by": "falaj"}
        tomli_w.dump({**head, "packages": opened.packages}, file)
    return InstallFile(path, {**variables, **opened.variables})


class _Writer(NamedTuple):
    """Turns a lock's packages into what uv reads."""

    request: Request
    store: BlobStore
    folders: CacheFolders
    credentials: Credentials
    scratch: str

    def package(self, package: Mapping[str, Any]) -> dict[str, Any]:
        """Return the table of one package, its files where they are now."""
        table = dict(package)
        source: Mapping[str, str] | None = table.pop(SOURCE_KEY, None)
        archived: str | None = table.pop(SNAPSHOT_KEY, None)
        if source is not None:
            table["directory"] = {"path": self._folder(table["name"], source)}
        elif archived is not None and self.store.exists(archived):
            vcs = table.pop("vcs")
            table["directory"] = {"path": unpack(self.store, archived, self.folders)}
            if vcs.get("subdirectory"):
                table["directory"]["subdirectory"] = vcs["subdirectory"]
        for key in ("archive", "sdist"):
            if key in table:
                table[key] = self._file(table[key])
        if "wheels" in table:
            table["wheels"] = [self._file(one) for one in table["wheels"]]
        return table

    def _file(self, given: Mapping[str, Any]) -> dict[str, Any]:
        table = dict(given)
        name = file_name(table)
        blob = vendored_file(self.store, table.get("hashes", {}).get("sha256", ""))
        if blob is not None:
            # A blob is named by its digest alone, and uv goes by a file's name.
            folder = os.path.join(self.scratch, os.path.basename(blob))
            os.makedirs(folder, exist_ok=True)
            path = os.path.join(folder, name)
            if not os.path.lexists(path):
                os.symlink(blob, path)
            table.pop("url", None)
            return {**table, "path": path}
        if "path" in table:
            path = os.path.abspath(os.path.join(self.request.base, table["path"]))
            if not os.path.exists(path):
                raise EnvironmentFailed(
                    f"{name} was a file of the machine where the lock was made, {path} here, and "
                    "is not there. Put it there, or resolve anew with `falaj lock --upgrade`."
                )
            return {**table, "path": path}
        return {**table, "url": self.credentials.fill(table["url"])}

    def _folder(self, name: str, source: Mapping[str, str]) -> str:
        digest = source["digest"]
        if not self.store.exists(digest):
            folder = os.path.abspath(os.path.join(self.request.base, source["path"]))
            found = snapshot(folder, self.store) if os.path.isdir(folder) else ""
            if found != digest:
                how = "has changed since" if found else "is not there"
                raise EnvironmentFailed(
                    f"{name} is locked as the folder {folder} was, and that {how}. Bring it back, "
                    "or resolve anew with `falaj lock --upgrade`."
                )
        return unpack(self.store, digest, self.folders)
