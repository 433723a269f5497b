"""Environments of conda packages, by py-rattler in a process of its own (see conda_worker)."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from falaj.store.blobs import BlobStore
from falaj_control.environments.conda_failures import explain
from falaj_control.environments.credentials import Credentials
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.platforms import conda_subdir, local_platform
from falaj_control.environments.values import EnvironmentFailed, FoundInterpreter, Lock, Request
from falaj_control.environments.work import Work

_BOOT = (
    "import sys; sys.path[:] = {paths!r}; "
    "from falaj_control.environments.conda_worker import main; main()"
)
_NAMES_PYTHON = re.compile(r"(?:\S+::)?python\s*(?:[=<>!~\[ ]|\Z)")
# What another machine of a platform has at least; this one is asked what it has.
_GLIBC = "__glibc=2.28=0"
_VIRTUAL = {
    "linux": ("__unix=0=0", "__linux=4.18=0", _GLIBC),
    "osx": ("__unix=0=0", "__osx=13.0=0"),
    "win": ("__win=10.0=0",),
}
_ARCHITECTURES = {"64": "x86_64", "aarch64": "aarch64", "arm64": "arm64"}


def resolve_conda(
    request: Request,
    platform: str,
    folders: CacheFolders,
    store: BlobStore,
    environ: Mapping[str, str],
    work: Work,
) -> Lock:
    """Return what rattler answers to a request of kind conda, and uv to its requirements.

    Raises EnvironmentFailed with their own explanations, and Cancelled.
    """
    lock = _solve(request, platform, folders, environ, work)
    if not request.requirements:
        return lock
    # Imported here: most environments of conda hold nothing else.
    from falaj_control.environments.conda_pypi import packages_inside

    with _python_of(lock, request, folders, environ, work) as interpreter:
        packages = packages_inside(request, lock, interpreter, folders, store, environ, work)
    return replace(lock, packages=packages)


def _solve(
    request: Request,
    platform: str,
    folders: CacheFolders,
    environ: Mapping[str, str],
    work: Work,
) -> Lock:
    credentials = Credentials(environ)
    channels = [_location(channel, request.base, credentials) for channel in request.channels]
    specs = _specs(request)
    subdir = conda_subdir(platform)
    work.tell("resolving conda packages")
    with _repodata(folders, request.channels) as cache:
        answer = _ask(
            {
                "do": "solve",
                "channels": channels,
                "specs": specs,
                "subdir": subdir,
                "virtual": None if platform == local_platform() else _virtual(subdir),
                "exclude_newer": _end_of(request.exclude_newer),
                "cache": cache,
            },
            environ,
            credentials,
            work,
        )
    if "problem" in answer:
        asked = f"{', '.join(specs)} from {', '.join(request.channels)} for {subdir}"
        raise EnvironmentFailed(explain(answer, f"Resolving {asked}", credentials.hide))
    records: Sequence[Mapping[str, Any]] = answer["records"]
    templates = _templates(request.channels, channels)
    return Lock(
        request=request.digest,
        kind="conda",
        python=request.python,
        platform=platform,
        asked=(*specs, *map(credentials.hide, request.requirements)),
        exclude_newer=request.exclude_newer,
        conda=tuple(_kept(one, templates, credentials) for one in records),
    )


@contextmanager
def _python_of(
    lock: Lock,
    request: Request,
    folders: CacheFolders,
    environ: Mapping[str, str],
    work: Work,
) -> Generator[FoundInterpreter]:
    """Give an interpreter of the very version that the lock holds.

    It is made of the lock's own packages, which are going to be fetched anyway: this machine may
    have no such version.
    """
    version = next(record["version"] for record in lock.conda if record["name"] == "python")
    if lock.platform != local_platform():
        alike = replace(request, python=version, conda=())
        lock = _solve(alike, local_platform(), folders, environ, work)
    os.makedirs(folders.conda, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="python-", dir=folders.conda) as prefix:
        python = replace(lock, conda=_with_needs("python", lock.conda))
        install_conda(python, prefix, folders, environ, work)
        path = os.path.join(prefix, "bin", "python")
        yield FoundInterpreter(path, version, "CPython", "conda", "")


def _with_needs(name: str, records: Sequence[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """Return the record of that name and those that it depends on, directly or not."""
    by_name = {record["name"]: record for record in records}
    found: dict[str, Mapping[str, Any]] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in by_name and one not in found:
            found[one] = by_name[one]
            waiting += (need.split()[0] for need in by_name[one].get("depends", ()))
    return tuple(found.values())


def install_conda(
    lock: Lock,
    prefix: str,
    folders: CacheFolders,
    environ: Mapping[str, str],
    work: Work,
    mirrored: Callable[[str], str | None] = lambda _: None,
    keep_open: Sequence[int] = (),
) -> None:
    """Install the conda packages of a lock into the folder `prefix`.

    `mirrored` returns the path of a file by its SHA-256 where this machine has it. What has been
    fetched once is not asked for again. The files `keep_open` stay open until the end of the
    process that installs. Raises EnvironmentFailed, and Cancelled.
    """
    credentials = Credentials(environ)
    os.makedirs(folders.conda, exist_ok=True)
    # A mirrored file is named by its digest alone, and rattler goes by a file's name.
    with tempfile.TemporaryDirectory(dir=folders.conda) as named:
        urls = {
            record["fn"]: _mirror(record, mirrored, named) or credentials.fill(record["url"])
            for record in lock.conda
        }
        order = {
            "do": "install",
            "records": lock.conda,
            "urls": urls,
            "prefix": prefix,
            "cache": os.path.join(folders.conda, "packages"),
        }
        answer = _ask(order, environ, credentials, work, keep_open)
    if "problem" in answer:
        raise EnvironmentFailed(explain(answer, "Installing conda packages", credentials.hide))


def _ask(
    order: Mapping[str, Any],
    environ: Mapping[str, str],
    credentials: Credentials,
    work: Work,
    keep_open: Sequence[int] = (),
) -> Mapping[str, Any]:
    """Have the order carried out by a process; return its answer."""
    command = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOT.format(paths=sys.path)]
    done = work.run(
        command,
        environ,
        os.sep,
        # By its input: a command line, which holds no passwords, is for all to read.
        json.dumps(order),
        keep_open,
        tell_lines=True,
        clean=credentials.hide,
    )
    if done.status:
        ended = f"by signal {-done.status}" if done.status < 0 else f"with status {done.status}"
        return {"problem": "", "message": f"py-rattler ended {ended}. {done.err}"}
    return cast("Mapping[str, Any]", json.loads(done.out))


def _location(channel: str, base: str, credentials: Credentials) -> str:
    """Return what rattler is given for a channel: a name, or a URL without variables."""
    filled = credentials.fill(channel)
    if re.match(r"\.{0,2}/|\.{1,2}\Z|~", filled):
        return Path(base, os.path.expanduser(filled)).resolve().as_uri()
    return filled


def _templates(written: Sequence[str], filled: Sequence[str]) -> dict[str, str]:
    """Return the addresses of channels with variables, by how they begin when filled in."""
    return {
        address.rstrip("/") + "/": channel.rstrip("/") + "/"
        for channel, address in zip(written, filled, strict=True)
        if "${" in channel and not address.startswith("file:")
    }


def _kept(
    record: Mapping[str, Any], templates: Mapping[str, str], credentials: Credentials
) -> Mapping[str, Any]:
    """Return a record as the lock keeps it: its addresses with variables, without passwords."""
    url = record["url"]
    begin = next((begin for begin in templates if url.startswith(begin)), None)
    url = credentials.seal(url) if begin is None else templates[begin] + url[len(begin) :]
    return {**record, "url": url, "channel": credentials.seal(record["channel"])}


def _specs(request: Request) -> list[str]:
    specs = list(request.conda or ())
    if not any(map(_NAMES_PYTHON.match, specs)):
        specs.insert(0, f"python {request.python}.*")
    return specs


def _virtual(subdir: str) -> list[str]:
    system, _, architecture = subdir.partition("-")
    return [*_VIRTUAL[system], f"__archspec=1={_ARCHITECTURES[architecture]}"]


def _end_of(exclude_newer: str | None) -> str | None:
    """Return the last moment that counts, in UTC; of a day it is the day's end."""
    if exclude_newer is None:
        return None
    moment = datetime.fromisoformat(exclude_newer.upper().replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    if len(exclude_newer) == len("2023-01-01"):
        moment += timedelta(days=1)
    return moment.astimezone(timezone.utc).isoformat()


@contextmanager
def _repodata(folders: CacheFolders, channels: Sequence[str]) -> Generator[str]:
    """Give the folder where rattler keeps what channels offer."""
    if not any("${" in channel for channel in channels):
        yield os.path.join(folders.conda, "channels")
        return
    # There rattler notes addresses as they are, passwords included.
    with tempfile.TemporaryDirectory() as passing:
        yield passing


def _mirror(
    record: Mapping[str, Any], mirrored: Callable[[str], str | None], named: str
) -> str | None:
    found = mirrored(record.get("sha256", ""))
    if found is None:
        return None
    link = os.path.join(named, record["fn"])
    os.symlink(found, link)
    return Path(link).as_uri()
