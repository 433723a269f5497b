"""What uv resolved (pylock.toml, PEP 751) as the packages of a lock: plain, fitting, verifiable."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from falaj.authoring.packages import normalised
from falaj.hashing import hex_of
from falaj.store.blobs import BlobStore
from falaj_control.environments.credentials import Credentials
from falaj_control.environments.fitting import Target, file_name, without_others
from falaj_control.environments.localpackages import SOURCE_KEY, snapshot
from falaj_control.environments.projects import read_toml
from falaj_control.environments.values import EnvironmentFailed

Tables = list[dict[str, Any]]
_FILES = ("archive", "sdist", "wheels")
_KEPT = ("name", "version", "marker", "index", "vcs", *_FILES)
_CHUNK = 1 << 20


class Reader(NamedTuple):
    """Turns uv's tables into those of a lock.

    Paths in the lock are relative to `base`. `allowed` are the SHA-256 that a person's own file
    admits for a package; one that is not in it may have any.
    """

    store: BlobStore
    credentials: Credentials
    wanted: Target
    base: str
    allowed: Mapping[str, frozenset[str]]

    def packages(self, tables: Tables) -> tuple[Mapping[str, Any], ...]:
        """Return the packages, by name; files of this machine are put into the store.

        Raises EnvironmentFailed for one that can't be verified when it is installed.
        """
        found = [self._package(table) for table in tables]
        return tuple(sorted(found, key=lambda one: (one["name"], one.get("version", ""))))

    def _package(self, table: dict[str, Any]) -> dict[str, Any]:
        directory: Mapping[str, str] | None = table.get("directory")
        if directory is not None:
            return self._from_folder(table, directory)
        package = {key: table[key] for key in _KEPT if key in table}
        package = cast("dict[str, Any]", _plain(without_others(package, self.wanted)))
        for key in ("archive", "sdist"):
            if key in package:
                package[key] = self._file(package["name"], package[key])
        if "wheels" in package:
            files = [self._file(package["name"], one) for one in package["wheels"]]
            # An index and a folder may offer the same file.
            package["wheels"] = list({file_name(one): one for one in reversed(files)}.values())[
                ::-1
            ]
        if "index" in package:
            package["index"] = self.credentials.seal(package["index"])
        if "url" in package.get("vcs", {}):
            package["vcs"]["url"] = self.credentials.seal(package["vcs"]["url"])
        return self._verifiable(package)

    def _from_folder(self, table: Mapping[str, Any], directory: Mapping[str, str]) -> Any:
        folder = os.path.normpath(
            os.path.join(directory["path"], directory.get("subdirectory", ""))
        )
        digest = snapshot(folder, self.store)
        version = table.get("version") or _version(folder)
        named = {"version": version} if version else {}
        path = os.path.relpath(folder, self.base)
        return {"name": table["name"], **named, SOURCE_KEY: {"digest": digest, "path": path}}

    def _file(self, package: str, table: dict[str, Any]) -> dict[str, Any]:
        url = str(table.get("url", ""))
        path = _local_path(url) if url.startswith("file:") else table.get("path")
        if path is None:
            return {**table, "url": self.credentials.seal(url)}
        given = table.get("hashes", {}).get("sha256")
        sha256 = hex_of(self._keep(path))
        if given not in (None, sha256):
            raise EnvironmentFailed(f"{path}, a file of {package}, changed while it was read.")
        kept = {key: table[key] for key in ("size", "subdirectory") if key in table}
        place = {"name": os.path.basename(path), "path": os.path.relpath(path, self.base)}
        return {**place, **kept, "hashes": {"sha256": sha256}}

    def _keep(self, path: str) -> str:
        try:
            with open(path, "rb") as file, self.store.writer() as writer:
                while chunk := file.read(_CHUNK):
                    writer.write(chunk)
                return writer.commit()
        except OSError as error:
            raise EnvironmentFailed(f"Can't read {path}: {error.strerror}.") from error

    def _verifiable(self, package: dict[str, Any]) -> dict[str, Any]:
        """Return the package with the files that the person's hashes admit, each with its own."""
        if "vcs" in package:
            return package
        shown = f"{package['name']} {package.get('version', '')}".strip()
        files = [one for key in _FILES for one in _listed(package.get(key))]
        for file in files:
            if not file.get("hashes", {}).get("sha256"):
                raise EnvironmentFailed(
                    f"{shown} can't be locked: its index gives no SHA-256 of {file_name(file)}. "
                    "A newer uv works it out by itself: pip install --upgrade uv"
                )
        allowed = self.allowed.get(normalised(package["name"]))
        if allowed is None:
            return package
        admitted = [one for one in files if one["hashes"]["sha256"] in allowed]
        if not admitted:
            raise EnvironmentFailed(
                f"None of the hashes that are given for {shown} is that of a file which can be "
                f"installed here: {', '.join(map(file_name, files))}. Bring the hashes up to date."
            )
        for key in _FILES:
            kept = [one for one in _listed(package.pop(key, None)) if one in admitted]
            if kept:
                package[key] = kept if key == "wheels" else kept[0]
        return package


def absolute(tables: Tables, folder: str) -> None:
    """Change the paths in uv's tables so that they no longer start from `folder`."""
    for table in tables:
        files: Any = (table.get(key) for key in ("directory", "archive", "sdist", "vcs"))
        for place in (*files, *table.get("wheels", ())):
            if place and "path" in place:
                place["path"] = os.path.normpath(os.path.join(folder, place["path"]))


def _listed(value: Any) -> list[dict[str, Any]]:
    if value is None:
        return []
    return cast("list[dict[str, Any]]", value) if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """Return values that JSON has; when a file was uploaded is of no use."""
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return {key: _plain(one) for key, one in table.items() if key != "upload-time"}
    if isinstance(value, list):
        return [_plain(one) for one in cast("list[Any]", value)]
    return value if isinstance(value, str | int | float | bool) else str(value)


def _local_path(url: str) -> str:
    return unquote(urlsplit(url).path)


def _version(folder: str) -> str | None:
    """Return the version that a pyproject.toml states; a build may work out another's."""
    path = os.path.join(folder, "pyproject.toml")
    if not os.path.isfile(path):
        return None
    version = read_toml(path).get("project", {}).get("version")
    return version if isinstance(version, str) else None
