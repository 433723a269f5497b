"""What passes between the parts of an environment's way: request, lock, environment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from falaj.errors import FalajException


class EnvironmentFailed(FalajException):
    """A step's environment can't be made: no interpreter, no solution, no network, no space."""

    headline = "No environment"


@dataclass(frozen=True)
class Project:
    """Files that say what an environment holds, for `@uv`.

    `kind` is pyproject, requirements or script (a PEP 723 header); `path` is absolute.
    `contents` is the digest of all that decides the resolution: the file, its lock, what it
    includes.
    """

    kind: str
    path: str
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    contents: str = ""


class CustomKind(NamedTuple):
    """A kind of environment that a package gives, with its options as JSON."""

    name: str
    options: str


@dataclass(frozen=True)
class Request:
    """What a step asks for, its decorators merged; equal requests share one environment.

    `python` is a version (`3.7`, `3.11.7`), `requirements` are PEP 508 lines, sorted.
    `conda` holds match specs, None where no conda is asked for. `metadata` maps
    `name==version` to the requirements that stand for wrong metadata of that release. URLs may
    name variables of the environment (`${TOKEN}`), which are filled in when they are used and are
    never stored. `base` is the folder that relative paths start from.
    """

    python: str
    requirements: tuple[str, ...] = ()
    conda: tuple[str, ...] | None = None
    channels: tuple[str, ...] = ()
    project: Project | None = None
    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    exclude_newer: str | None = None
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    base: str = ""
    custom: CustomKind | None = None

    @property
    def kind(self) -> str:
        """Say who resolves it: conda, uv (from files), pypi (from decorators), or a package."""
        if self.custom is not None:
            return self.custom.name
        if self.conda is not None:
            return "conda"
        return "uv" if self.project is not None else "pypi"

    @property
    def digest(self) -> str:
        """A hash of all that decides what is resolved; the same on every machine.

        What a path among the requirements leads to is not in it; it is compared with the lock's
        snapshot wherever a lock is used.
        """
        raw = asdict(self)
        raw.pop("base")
        if self.custom is None:
            raw.pop("custom")
        project = raw["project"]
        if project is not None:
            # Where the files lie does not matter, what is in them does.
            project.pop("path")
        return digest_of(raw)

    @property
    def place(self) -> str:
        """The folder of the flow where something that is asked for is a path, else nothing.

        On one machine equal requests of two folders can then mean different files.
        """
        paths = [one.partition(" @ ")[2] for one in self.requirements]
        named = any(path.startswith(".") for path in (*paths, *self.channels))
        linked = any("://" not in one and not one.startswith("/") for one in self.find_links)
        by_files = self.project is not None or self.custom is not None
        return self.base if by_files or named or linked else ""


@dataclass(frozen=True)
class Lock:
    """A request resolved for one platform: every package with its version, files and hashes.

    `packages` are tables of PEP 751 (pylock.toml), `conda` the records of conda packages.
    `platform` is a uv platform such as x86_64-unknown-linux-gnu. `python` is the version asked for.
    `custom` is what a package's kind of environment has answered, as JSON.
    """

    request: str
    kind: str
    python: str
    platform: str
    asked: tuple[str, ...] = ()
    exclude_newer: str | None = None
    packages: tuple[Mapping[str, Any], ...] = ()
    conda: tuple[Mapping[str, Any], ...] = ()
    custom: str | None = None

    @property
    def digest(self) -> str:
        """A hash of what gets installed, whoever asked for it."""
        if self.custom is not None:
            return digest_of([self.kind, self.python, self.custom])
        return digest_of([self.kind == "conda", self.packages, self.conda])

    def to_data(self) -> dict[str, Any]:
        """Return the lock as JSON (and TOML) values; what is None is left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Lock:
        """Rebuild a lock from `to_data`'s values; raise TypeError or KeyError for others."""
        return cls(
            request=str(data["request"]),
            kind=str(data["kind"]),
            python=str(data["python"]),
            platform=str(data["platform"]),
            asked=tuple(data.get("asked", ())),
            exclude_newer=data.get("exclude_newer"),
            packages=tuple(data.get("packages", ())),
            conda=tuple(data.get("conda", ())),
            custom=data.get("custom"),
        )


class FoundInterpreter(NamedTuple):
    """A Python of this machine: its executable, full version (`3.7.16`) and who brought it.

    `stamp` changes when the executable does.
    """

    path: str
    version: str
    implementation: str
    source: str
    stamp: str

    @property
    def minor(self) -> str:
        """The version's first two numbers, such as `3.7`."""
        return ".".join(self.version.split(".")[:2])


class Environment(NamedTuple):
    """An environment that is on disk and whole.

    `description` is what records, client and `show` tell of it: kind, python, platform, packages
    with versions and hashes, lock, request.
    """

    key: str
    prefix: str
    python: str
    description: Mapping[str, Any]


def digest_of(value: Any) -> str:
    """Return the SHA-256, in hex, of JSON values."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
