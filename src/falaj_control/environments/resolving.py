"""From a request to a lock by uv: what is asked for, resolved for one interpreter and platform."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from falaj.authoring.packages import Package, normalised, parse_requirement
from falaj.authoring.parsers import ParserError, parse_toml
from falaj.store.blobs import BlobStore
from falaj_control.environments.access import folder_url, index_variables
from falaj_control.environments.credentials import Credentials, git_variables
from falaj_control.environments.fitting import target
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.overrides import metadata_settings
from falaj_control.environments.platforms import local_platform
from falaj_control.environments.projects import read_toml
from falaj_control.environments.pylock import Reader, Tables, absolute
from falaj_control.environments.requirementfiles import allowed_hashes, named_urls
from falaj_control.environments.uvtool import Uv
from falaj_control.environments.values import (
    EnvironmentFailed,
    FoundInterpreter,
    Lock,
    Project,
    Request,
)
from falaj_control.environments.work import Work

_INSTALLED = re.compile(r" \+ (?P<name>[\w.-]+)(?:==(?P<version>\S+)| @ )")


def resolve(
    request: Request,
    interpreter: FoundInterpreter,
    platform: str,
    folders: CacheFolders,
    store: BlobStore,
    environ: Mapping[str, str],
    work: Work,
) -> Lock:
    """Return what uv answers to a request of kind pypi or uv, for an interpreter and a platform.

    Files and folders of this machine are put into the store. Raises EnvironmentFailed with uv's own
    explanation, and Cancelled.
    """
    credentials = Credentials(environ)
    try:
        os.makedirs(folders.root, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="resolving-", dir=folders.root) as scratch:
            answer = _Question(
                request, interpreter, platform, scratch, credentials, environ, work
            ).ask()
    except OSError as error:
        raise EnvironmentFailed(f"Can't write to {folders.root}: {error.strerror}.") from error
    project = request.project
    allowed: Mapping[str, frozenset[str]] = {}
    if project is not None and project.kind == "requirements":
        allowed = allowed_hashes(project.path)
    wanted = target(interpreter.version, platform)
    reader = Reader(store, credentials, wanted, request.base or os.getcwd(), allowed)
    packages = reader.packages(answer)
    work.tell(f"resolved {len(packages)} package{'s' * (len(packages) != 1)}")
    return Lock(
        request=request.digest,
        kind=request.kind,
        python=request.python,
        platform=platform,
        asked=_asked(request, credentials),
        exclude_newer=request.exclude_newer,
        packages=packages,
    )


def _asked(request: Request, credentials: Credentials) -> tuple[str, ...]:
    project = request.project
    if project is None:
        return tuple(map(credentials.hide, request.requirements))
    path = os.path.relpath(project.path, request.base or None)
    extras = (f"extra {name}" for name in project.extras)
    return (path, *extras, *(f"group {name}" for name in project.groups))


@dataclass
class _Question:
    """One request put to uv; `scratch` is a folder for files that only this needs."""

    request: Request
    interpreter: FoundInterpreter
    platform: str
    scratch: str
    credentials: Credentials
    environ: Mapping[str, str]
    work: Work
    uv: Uv = field(init=False)
    variables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.uv = Uv(self.environ, self.work, self.credentials)
        self.variables = index_variables(self.request, self.environ, self.credentials)

    def ask(self) -> Tables:
        """Return the tables of the packages, paths absolute."""
        project = self.request.project
        self.work.tell(f"resolving packages for Python {self.interpreter.version}")
        if project is None:
            return self._decorators()
        folder = os.path.dirname(project.path)
        if project.kind == "requirements":
            for url in named_urls(project.path):
                self.credentials.fill(url)
            return self._compile([project.path], folder, self._own_settings())
        if project.kind == "script":
            locked = ["--locked"] if os.path.isfile(project.path + ".lock") else []
            return self._export(["--script", project.path, *locked], folder, bool(locked))
        choice = [f"--extra={name}" for name in project.extras]
        choice += [f"--group={name}" for name in project.groups]
        if os.path.isfile(os.path.join(folder, "uv.lock")):
            arguments = ["--locked", "--no-editable", "--no-default-groups", *choice]
            return self._export(arguments, folder, locked=True)
        return self._unlocked(project, folder)

    def _decorators(self) -> Tables:
        if not self.request.requirements:
            return []
        lines = [self._line(parse_requirement(one)) for one in self.request.requirements]
        return self._compile(["-"], self.scratch, self._own_settings(), "\n".join(lines) + "\n")

    def _line(self, package: Package) -> str:
        """Return a requirement as uv gets it: variables filled in, paths absolute."""
        if not package.reference:
            return package.requirement
        reference = self.credentials.fill(package.reference)
        if reference.startswith(("git+http://", "git+https://")):
            self.variables.update(git_variables([reference], {**self.environ, **self.variables}))
            reference = self.credentials.part(reference)
        elif "://" not in reference:
            path = os.path.join(self.request.base, os.path.expanduser(reference))
            reference = folder_url(os.path.normpath(path))
        return package._replace(reference=reference).requirement

    def _own_settings(self) -> list[str]:
        """Have uv read the settings of Falaj besides the person's, instead of a project's."""
        with open(os.path.join(self.scratch, "uv.toml"), "w", encoding="utf-8") as file:
            file.write(metadata_settings(self.request.metadata))
        return ["--project", self.scratch]

    def _compile(
        self, sources: list[str], folder: str, options: list[str], feed: str = ""
    ) -> Tables:
        arguments = [*options, "pip", "compile", *self._common(), *self._for_platform(), *sources]
        answer = self._answer([*arguments, *self._exclude_newer()], folder, feed)
        return answer.get("packages", [])

    def _unlocked(self, project: Project, folder: str) -> Tables:
        tables = read_toml(project.path)
        settings: Any = tables.get("project")
        groups = [f"--group={name}" for name in project.groups]
        if settings is None:
            return self._compile(groups, folder, []) if groups else []
        is_package = tables.get("tool", {}).get("uv", {}).get("package", "build-system" in tables)
        if is_package:
            itself = Package(normalised(settings["name"]), project.extras, "", folder_url(folder))
            return self._compile(["-", *groups], folder, [], itself.requirement + "\n")
        extras = [f"--extra={name}" for name in project.extras]
        return self._compile([project.path, *extras, *groups], folder, [])

    def _export(self, arguments: list[str], folder: str, locked: bool) -> Tables:
        newer = self.request.exclude_newer
        if newer and locked:
            raise EnvironmentFailed(
                f"exclude_newer={newer!r} decides nothing here, because a lock of uv in {folder} "
                "says every version. Remove it, or have uv lock by it: exclude-newer in [tool.uv]."
            )
        options = [*self._common(), *self._exclude_newer()]
        return self._narrowed(self._answer(["export", *options, *arguments], folder))

    def _narrowed(self, answer: dict[str, Any]) -> Tables:
        """Return the packages of an export, which is for all platforms, that this one gets.

        uv itself says which: it plans to install the export into an empty folder.
        """
        tables: Tables = answer.get("packages", [])
        if not tables:
            return []
        # Imported here: only this writes TOML for uv.
        import tomli_w

        path = os.path.join(self.scratch, "pylock.toml")
        with open(path, "wb") as file:
            tomli_w.dump(_sealed(answer, self.credentials), file)
        arguments = ["pip", "sync", "--dry-run", "--target", os.path.join(self.scratch, "empty")]
        arguments += ["-p", self.interpreter.path, *self._for_platform(), path]
        said = self._run(arguments, self.scratch).err
        planned = {
            (normalised(found["name"]), found["version"])
            for found in map(_INSTALLED.match, said.splitlines())
            if found is not None
        }
        kept = [one for one in tables if _is_planned(one, planned)]
        names = [one["name"] for one in kept]
        for one in kept:
            # Two of a name differ in their markers alone, and installing decides between them.
            if names.count(one["name"]) == 1:
                one.pop("marker", None)
        return kept

    def _answer(self, arguments: list[str], folder: str, feed: str = "") -> dict[str, Any]:
        """Return the pylock.toml that uv prints, its paths made absolute."""
        done = self._run(arguments, folder, feed)
        try:
            answer = parse_toml(done.out)
        except ParserError as error:
            raise EnvironmentFailed(f"uv's answer can't be read: {error}") from error
        absolute(answer.get("packages", []), folder)
        return answer

    def _run(self, arguments: list[str], folder: str, feed: str = "") -> Any:
        doing = f"Resolving the packages for Python {self.interpreter.version}"
        if self.platform != local_platform():
            doing += f" on {self.platform}"
        return self.uv.run(arguments, folder, doing=doing, feed=feed, variables=self.variables)

    def _exclude_newer(self) -> list[str]:
        newer = self.request.exclude_newer
        if not newer:
            return []
        try:
            # To uv a day ends where this machine's does; it has to be the same for everybody.
            newer = f"{date.fromisoformat(newer) + timedelta(days=1)}T00:00:00Z"
        except ValueError:
            # A time, which names its zone, or something that uv refuses.
            pass
        return ["--exclude-newer", newer]

    def _common(self) -> list[str]:
        return ["--format", "pylock.toml", "--no-header", "-p", self.interpreter.path]

    def _for_platform(self) -> list[str]:
        is_local = self.platform == local_platform()
        return [] if is_local else ["--python-platform", self.platform]


def _is_planned(table: Mapping[str, Any], planned: set[tuple[str, Any]]) -> bool:
    name = normalised(table["name"])
    return (name, table.get("version")) in planned or (name, None) in planned


def _sealed(value: Any, credentials: Credentials) -> Any:
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return {key: _sealed(one, credentials) for key, one in table.items()}
    if isinstance(value, list):
        return [_sealed(one, credentials) for one in cast("list[Any]", value)]
    return credentials.seal(value) if isinstance(value, str) else value
