"""The files that say what a step of `@uv` needs: found, read, and known by what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from falaj.authoring.parsers import ParserError, parse_toml
from falaj_control.environments.values import EnvironmentFailed, Project, digest_of

# As PEP 723 gives it.
_BLOCK = re.compile(r"(?m)^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
_INCLUDE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*(\S+)")
_KINDS = ("pyproject", "requirements", "script")


class FoundProject(NamedTuple):
    """A project with the versions of Python that its file allows."""

    project: Project
    requires_python: str | None


class ProjectFiles:
    """Finds and reads the files around one flow, each once."""

    def __init__(self, flow_file: str, folder: str) -> None:
        """Look from `folder`; `flow_file` is absolute, or names no file (a notebook's cell)."""
        self._flow_file = flow_file
        self._folder = folder
        self._found: dict[tuple[str, str], FoundProject] = {}
        self._nearby: tuple[str, str] | None = None

    def project(self, asked: Mapping[str, Any]) -> FoundProject:
        """Return the project that the merged arguments of `@uv` name, or the one nearby.

        Raises EnvironmentFailed for a file that is absent, unreadable or malformed.
        """
        kind, path = self._place(asked)
        if (kind, path) not in self._found:
            self._found[kind, path] = _READERS[kind](path)
        found = self._found[kind, path]
        extras, groups = tuple(sorted(asked["extras"])), tuple(sorted(asked["groups"]))
        if kind != "pyproject" and (extras or groups):
            raise EnvironmentFailed(
                f"`extras` and `groups` are those of a pyproject.toml, and {path} is none."
            )
        project = found.project
        return found._replace(
            project=Project(project.kind, project.path, extras, groups, project.contents)
        )

    def _place(self, asked: Mapping[str, Any]) -> tuple[str, str]:
        for kind in _KINDS:
            named = asked[kind]
            if named is True:
                return kind, self._flow_file
            if named is not None:
                return kind, os.path.abspath(os.path.join(self._folder, named))
        if self._nearby is None:
            self._nearby = self._search()
        return self._nearby

    def _search(self) -> tuple[str, str]:
        if os.path.isfile(self._flow_file) and _block(self._flow_file) is not None:
            return "script", self._flow_file
        folder = self._folder
        while True:
            path = os.path.join(folder, "pyproject.toml")
            # One that only sets up tools says nothing of packages.
            if os.path.isfile(path) and not {"project", "dependency-groups"}.isdisjoint(
                read_toml(path)
            ):
                return "pyproject", path
            if folder == os.path.dirname(folder):
                break
            folder = os.path.dirname(folder)
        path = os.path.join(self._folder, "requirements.txt")
        if os.path.isfile(path):
            return "requirements", path
        raise EnvironmentFailed(
            f"nothing says which packages it needs. There is no `# /// script` header in "
            f"{self._flow_file}, no pyproject.toml with a [project] in {self._folder} or above, "
            f"and no {path}."
        )


def read_toml(path: str) -> dict[str, Any]:
    """Return a TOML file's values; raise EnvironmentFailed for one that can't be read."""
    return _parse_toml(read_text(path), path)


def _parse_toml(text: str, what: str) -> dict[str, Any]:
    try:
        return parse_toml(text)
    except ParserError as error:
        raise EnvironmentFailed(f"{what}: {error}") from None


def read_text(path: str) -> str:
    """Return the text of a UTF-8 file; raise EnvironmentFailed where it can't be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise EnvironmentFailed(f"{path} is not UTF-8 text.") from None
    except OSError as error:
        raise EnvironmentFailed(f"{path} can't be read: {error.strerror}.") from None


def _read_if_there(path: str) -> str:
    return read_text(path) if os.path.isfile(path) else ""


def _pyproject(path: str) -> FoundProject:
    text = read_text(path)
    tables = _parse_toml(text, path)
    if {"project", "dependency-groups"}.isdisjoint(tables):
        raise EnvironmentFailed(f"{path} has neither [project] nor [dependency-groups].")
    lock = _read_if_there(os.path.join(os.path.dirname(path), "uv.lock"))
    contents = digest_of([text, lock])
    return FoundProject(
        Project("pyproject", path, contents=contents),
        _requires_python(tables.get("project", {}), path),
    )


def _requirements(path: str) -> FoundProject:
    contents = digest_of(list(_with_included(path, set())))
    return FoundProject(Project("requirements", path, contents=contents), None)


def _with_included(path: str, seen: set[str]) -> Iterator[str]:
    """Yield the text of a requirements file and of all that it includes, in their order."""
    seen.add(path)
    text = read_text(path)
    yield text
    for number, line in enumerate(text.splitlines(), 1):
        included = _INCLUDE.match(line)
        if included is None or "://" in included.group(1):
            continue
        inner = os.path.abspath(os.path.join(os.path.dirname(path), included.group(1)))
        if inner in seen:
            continue
        if not os.path.isfile(inner):
            raise EnvironmentFailed(
                f"{path}, line {number}, includes {included.group(1)}, and there is no file "
                f"{inner}."
            )
        yield from _with_included(inner, seen)


def _script(path: str) -> FoundProject:
    block = _block(path)
    if block is None:
        raise EnvironmentFailed(
            f"{path} has no header `# /// script` ... `# ///` (PEP 723) that says which packages "
            "it needs."
        )
    tables = _parse_toml(block, f"the `# /// script` header of {path}")
    contents = digest_of([block, _read_if_there(path + ".lock")])
    return FoundProject(Project("script", path, contents=contents), _requires_python(tables, path))


def _block(path: str) -> str | None:
    """Return the TOML in the PEP 723 header of a file of code, or None where it has none."""
    blocks = [found.group("content") for found in _BLOCK.finditer(read_text(path))]
    if len(blocks) > 1:
        raise EnvironmentFailed(f"{path} has more than one `# /// script` header; keep one.")
    if not blocks:
        return None
    return "".join(
        line[2:] if line.startswith("# ") else line[1:]
        for line in blocks[0].splitlines(keepends=True)
    )


def _requires_python(table: Any, path: str) -> str | None:
    named = (
        cast("dict[str, Any]", table).get("requires-python") if isinstance(table, dict) else None
    )
    if named is not None and not isinstance(named, str):
        raise EnvironmentFailed(f"`requires-python` in {path} is no text.")
    return named


_READERS = {"pyproject": _pyproject, "requirements": _requirements, "script": _script}
