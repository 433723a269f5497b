"""What an environment really holds, compared with its lock and described for the records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from falaj.authoring.packages import normalised
from falaj_control.environments.localpackages import SOURCE_KEY
from falaj_control.environments.marker import python_of
from falaj_control.environments.uvtool import Uv
from falaj_control.environments.values import EnvironmentFailed, FoundInterpreter, Lock
from falaj_control.environments.vendoring import chosen_file


def describe_installed(
    key: str, lock: Lock, interpreter: FoundInterpreter | None, uv: Uv, prefix: str
) -> dict[str, Any]:
    """Return the description of what was installed into `prefix`.

    Raises EnvironmentFailed where that is not what the lock says.
    """
    conda = [_conda_package(record) for record in lock.conda]
    packages = [*conda, *_pypi_packages(lock, _listed(uv, prefix), prefix)]
    return {
        "key": key,
        "kind": lock.kind,
        "request": lock.request,
        "lock": lock.digest,
        "asked": list(lock.asked),
        "python": _python(lock, interpreter, prefix),
        "platform": lock.platform,
        "packages": sorted(packages, key=lambda one: one["name"]),
    }


def _python(lock: Lock, interpreter: FoundInterpreter | None, prefix: str) -> dict[str, str]:
    if interpreter is not None:
        version, implementation = interpreter.version, interpreter.implementation
        path = interpreter.path
    else:
        version = next(str(one["version"]) for one in lock.conda if one["name"] == "python")
        implementation, path = "cpython", python_of(prefix)
    return {"version": version, "implementation": implementation, "executable": path}


def _listed(uv: Uv, prefix: str) -> dict[str, str]:
    """Return the versions of the installed packages, as uv reads their metadata, by name."""
    arguments = ["pip", "list", "--format", "json", "-p", python_of(prefix)]
    done = uv.run(arguments, prefix, doing="Reading what was installed")
    return {normalised(one["name"]): str(one["version"]) for one in json.loads(done.out)}


def _pypi_packages(lock: Lock, listed: Mapping[str, str], prefix: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for table in lock.packages:
        name = normalised(table["name"])
        version = listed.get(name)
        # Of two with a name their markers decide which one is installed.
        fits = version is not None and _same(table, version)
        if fits:
            found.append(_package(table, name, version))
        elif "marker" not in table:
            now = f"holds {name} {version}" if version else f"does not hold {name}"
            raise EnvironmentFailed(
                f"What was installed is not what the lock says: {prefix} {now}, and the lock says "
                f"{table['name']} {table.get('version', '')}."
            )
    others = sorted(set(listed) - {one["name"] for one in found})
    if others and not lock.conda:
        raise EnvironmentFailed(
            f"What was installed is not what the lock says: {prefix} also holds "
            f"{', '.join(others)}."
        )
    return found


def _same(table: Mapping[str, Any], version: str) -> bool:
    # A folder's or repository's version comes from its build.
    if "version" not in table or SOURCE_KEY in table or "vcs" in table:
        return True
    return _plain(str(table["version"])) == _plain(version)


def _plain(version: str) -> str:
    public, _, local = version.partition("+")
    while public.endswith(".0"):
        public = public[:-2]
    return f"{public}+{local}"


def _package(table: Mapping[str, Any], name: str, version: str | None) -> dict[str, Any]:
    package = {"name": name, "version": version, "source": _source(table)}
    chosen = chosen_file(table)
    digest = chosen.get("hashes", {}).get("sha256") if chosen is not None else None
    if SOURCE_KEY in table:
        digest = str(table[SOURCE_KEY]["digest"]).rpartition(":")[2]
    return {**package, "sha256": digest} if digest else package


def _source(table: Mapping[str, Any]) -> str:
    """Return where a package is from: the index, repository, file or folder."""
    if SOURCE_KEY in table:
        return str(table[SOURCE_KEY]["path"])
    if "vcs" in table:
        vcs: Mapping[str, Any] = table["vcs"]
        return f"{vcs['type']}+{vcs.get('url') or vcs.get('path')}@{vcs['commit-id']}"
    if "archive" in table:
        return str(table["archive"].get("url") or table["archive"].get("path"))
    return str(table.get("index") or "PyPI")


def _conda_package(record: Mapping[str, Any]) -> dict[str, Any]:
    package = {"name": record["name"], "version": record["version"], "source": record["channel"]}
    return {**package, "sha256": record["sha256"]} if record.get("sha256") else package
