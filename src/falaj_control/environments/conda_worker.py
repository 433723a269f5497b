"""A process that solves or installs with py-rattler: an order comes in, an answer goes out.

A process of its own, because a call of rattler can't be cut off, whereas a process can be killed,
and holds the environment's file lock until it has ended, also where control has died before. It
costs 0.2 s once per environment, and keeps a library of 80 MB out of control.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from rattler import Client, MatchSpec, RepoDataRecord
    from rattler.install import InstallerReporter
    from rattler.virtual_package import GenericVirtualPackage, VirtualPackage

# What `install` needs of a record; the rest of a channel's entry would only make locks longer.
_KEYS = (
    "name",
    "version",
    "build",
    "build_number",
    "subdir",
    "noarch",
    "fn",
    "channel",
    "url",
    "sha256",
    "md5",
    "size",
    "depends",
    "constrains",
    "python_site_packages_path",
    "purls",
)


def main() -> None:
    """Carry out the order that stdin holds, and print the answer; both are JSON.

    An answer with `problem`, the stem of the name of rattler's error, has a `message`, too.
    """
    order = json.load(sys.stdin)
    carry_out = _solve if order["do"] == "solve" else _install
    try:
        answer = asyncio.run(carry_out(order))
    except ImportError as error:
        answer = {"problem": "Import", "message": str(error)}
    except Exception as error:
        # rattler's errors have no base in common.
        stem = type(error).__name__.removesuffix("Error").removesuffix("Exception")
        answer = {"problem": stem, "message": str(error)}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    # After a failure, rattler's threads bring the interpreter down while it shuts down.
    os._exit(0)


async def _solve(order: Mapping[str, Any]) -> dict[str, Any]:
    import rattler

    newest = order["exclude_newer"]
    records = await rattler.solve(
        [rattler.Channel(channel) for channel in order["channels"]],
        [_spec(text) for text in order["specs"]],
        gateway=rattler.Gateway(cache_dir=order["cache"], client=_client()),
        platforms=[order["subdir"], "noarch"],
        virtual_packages=_virtual_packages(order["virtual"]),
        exclude_newer=None if newest is None else datetime.fromisoformat(newest),
    )
    found = [_plain(record) for record in records]
    return {"records": sorted(found, key=lambda record: record["name"])}


async def _install(order: Mapping[str, Any]) -> dict[str, Any]:
    import rattler

    tables: Sequence[Mapping[str, Any]] = order["records"]
    for table in tables:
        _verify(order["urls"][table["fn"]], table)
    await rattler.install(
        [_record(table, order["urls"][table["fn"]]) for table in tables],
        target_prefix=order["prefix"],
        cache_dir=order["cache"],
        client=_client(),
        reporter=_reporter(len(tables)),
    )
    for table in tables:
        _correct_url(order["prefix"], table)
    return {}


def _reporter(count: int) -> InstallerReporter:
    """Return what tells how far the installation of `count` packages has come."""
    from rattler.install import InstallerReporter

    class Reporter(InstallerReporter):
        begun = 0

        def on_populate_cache_start(self, operation: int, package_name: str) -> int:
            self.begun += 1
            # Fetched, where it is not there yet.
            sys.stderr.write(f"conda package {self.begun} of {count}: {package_name}\n")
            sys.stderr.flush()
            return self.begun

    return Reporter()


def _client() -> Client:
    import rattler

    # Only this one reads ~/.netrc, the keyring, RATTLER_AUTH_FILE and rattler's own store.
    return rattler.Client.authenticated_client()


def _spec(text: str) -> MatchSpec:
    import rattler

    try:
        return rattler.MatchSpec(text)
    except Exception as error:
        raise _InvalidMatchSpecError(f"`{text}`: {error}") from error


class _InvalidMatchSpecError(Exception):
    pass


def _virtual_packages(
    given: Sequence[str] | None,
) -> list[GenericVirtualPackage | VirtualPackage]:
    """Return what stands for the machine: `name=version=build`, or None for this one."""
    from rattler import package
    from rattler.version import Version
    from rattler.virtual_package import (
        GenericVirtualPackage,
        VirtualPackage,
        VirtualPackageOverrides,
    )

    if given is None:
        return [*VirtualPackage.detect(VirtualPackageOverrides.from_env())]
    # Plain text in releases before 0.27.
    build_string: Any = getattr(package, "BuildString", str)
    split = [text.split("=") for text in given]
    return [
        GenericVirtualPackage(package.PackageName(name), Version(version), build_string(build))
        for name, version, build in split
    ]


def _plain(record: RepoDataRecord) -> dict[str, Any]:
    table = json.loads(record.to_json())
    if table.get("sha256"):
        table.pop("md5", None)
    return {key: table[key] for key in _KEYS if table.get(key) is not None}


def _record(table: Mapping[str, Any], url: str) -> RepoDataRecord:
    import rattler

    # Records are built from files alone; what a channel adds to index.json is given apart.
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(table, file)
        file.flush()
        digests = {key: table[key] for key in ("size", "sha256", "md5") if key in table}
        package = rattler.PackageRecord.from_index_json(Path(file.name), **digests)
    return rattler.RepoDataRecord(package, table["fn"], url, table["channel"])


def _verify(url: str, table: Mapping[str, Any]) -> None:
    """Compare a file of this machine with its digest; rattler does so with the others."""
    path = Path(unquote(urlsplit(url).path))
    kind = next((kind for kind in ("sha256", "md5") if kind in table), None)
    if not url.startswith("file:") or kind is None or not path.exists():
        return
    hasher = hashlib.new(kind)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    if hasher.hexdigest() != table[kind]:
        raise _HashMismatchError(f"{url}: its {kind} is {hasher.hexdigest()}, not {table[kind]}")


class _HashMismatchError(Exception):
    pass


def _correct_url(prefix: str, table: Mapping[str, Any]) -> None:
    """Note the lock's URL, not the one that was used: that may hold a password."""
    name = "{name}-{version}-{build}.json".format_map(table)
    with open(os.path.join(prefix, "conda-meta", name), "r+", encoding="utf-8") as file:
        noted = json.load(file)
        file.seek(0)
        file.truncate()
        json.dump({**noted, "url": table["url"]}, file, indent=2)
