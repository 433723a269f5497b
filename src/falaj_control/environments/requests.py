"""From decorators to requests: what each step's environment is to hold, all levels merged."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from falaj.authoring.packages import (
    Package,
    conda_name,
    conda_spec,
    has_secret,
    parse_package,
    parse_requirement,
)
from falaj.authoring.parsers import CondaFile, ParserError, read_environment_yml
from falaj.authoring.wording import shown_place
from falaj.model.graph import DecoratorSpec, FlowDescription, StepSpec
from falaj_control.environments.projects import ProjectFiles, read_text
from falaj_control.environments.pythons import choose_python
from falaj_control.environments.values import CustomKind, EnvironmentFailed, Request

KINDS = ("conda", "pypi", "uv")
LOCAL = "local"
_DEFAULT_CHANNEL = "conda-forge"
_FILES = ("pyproject", "requirements", "script")

_Attributes = Mapping[str, Any]


class _Level(NamedTuple):
    """What one decorator says of a kind; `rank` is 1 on the step and 0 on the flow."""

    kind: str
    rank: int
    attributes: _Attributes


def requests_of(
    description: FlowDescription, chosen: str | None, launcher_python: str
) -> dict[str, Request | None]:
    """Return what each step asks for; None means the launching environment.

    `chosen` is the option --environment: a kind for steps that say nothing, `local` for none at
    all, or None. `launcher_python` is the version that steps get by default. Reads the files that
    decorators name. Raises EnvironmentFailed, with step and decorator, for what can't be meant.
    """
    flow = _Flow(description, launcher_python)
    found: dict[str, Request | None] = {}
    for step in description.steps:
        try:
            custom = _custom(step, chosen)
            if custom is not None:
                found[step.name] = flow.custom_request(step, custom)
                continue
            kinds = _kinds(description, step, chosen)
            _refuse_mixed(kinds)
            found[step.name] = flow.request(step, kinds) if kinds else None
        except EnvironmentFailed as error:
            origin = origin_of(description, step.name, chosen)
            raise EnvironmentFailed(f"{origin[0].upper()}{origin[1:]}: {error}") from None
    return found


def origin_of(description: FlowDescription, step: str, chosen: str | None = None) -> str:
    """Return who asked for a step's environment: `step start, @pypi at flow.py:12`."""
    spec = description.step(step)
    asked = [f"@{one.name}{_place(one)}" for one in _decorators(description, spec, chosen)]
    if not asked and chosen in KINDS:
        asked = [f"--environment={chosen}"]
    return f"step {step}, {' and '.join(asked)}" if asked else f"step {step}"


def _place(decorator: DecoratorSpec) -> str:
    if decorator.from_outside:
        return " from --with"
    place = shown_place(decorator.file, decorator.line)
    return f" at {place}" if place else ""


def _decorators(
    description: FlowDescription, step: StepSpec, chosen: str | None
) -> Iterator[DecoratorSpec]:
    """Yield the decorators, the step's own first, that make up its environment."""
    custom = _custom(step, chosen)
    if custom is not None:
        yield custom
        return
    kinds = _kinds(description, step, chosen)
    for one in (*map(step.decorator, kinds), *(description.decorator(f"{k}_base") for k in kinds)):
        if one is not None and not _is_off(one):
            yield one


def _custom(step: StepSpec, chosen: str | None) -> DecoratorSpec | None:
    """Return the decorator by which a step asks for an environment of another package's kind."""
    return None if chosen == LOCAL else step.decorator("custom_environment")


def _kinds(description: FlowDescription, step: StepSpec, chosen: str | None) -> tuple[str, ...]:
    """Return the kinds of environment that a step asks for, those of the flow included."""
    if chosen == LOCAL:
        return ()
    own = {kind: step.decorator(kind) for kind in KINDS if step.decorator(kind) is not None}
    asked = {kind for kind, one in own.items() if not _is_off(one)}
    base = {kind: description.decorator(f"{kind}_base") for kind in KINDS}
    if chosen is not None and not own and not _is_off(base[chosen]):
        asked.add(chosen)
    inherited = {
        kind
        for kind, one in base.items()
        if one is not None and not _is_off(one) and (kind in asked or kind not in own)
    }
    if asked:
        together = inherited - {"uv"} if "uv" not in asked else set[str]()
        kinds = asked | together
    else:
        kinds = inherited
    return tuple(kind for kind in KINDS if kind in kinds)


def _refuse_mixed(kinds: tuple[str, ...]) -> None:
    if "uv" in kinds and len(kinds) > 1:
        others = " and ".join(f"@{kind}" for kind in kinds if kind != "uv")
        raise EnvironmentFailed(
            f"@uv takes everything from its files and can't go together with {others}; keep one, "
            "or switch one off for the step with disabled=True."
        )


def _is_off(decorator: DecoratorSpec | None) -> bool:
    return decorator is not None and bool(decorator.attributes["disabled"])


class _Flow:
    """Makes the requests of one flow; what steps share is read once."""

    def __init__(self, description: FlowDescription, launcher_python: str) -> None:
        file = description.file
        self._description = description
        self._python = launcher_python
        # A notebook's cell is no file: paths start from where the notebook runs.
        self._folder = os.path.dirname(file) if os.path.isfile(file) else os.getcwd()
        self._projects = ProjectFiles(file, self._folder)
        self._yml: dict[str, CondaFile] = {}

    def request(self, step: StepSpec, kinds: tuple[str, ...]) -> Request:
        """Return what a step asks for with its decorators of these kinds."""
        levels = [
            _Level(kind, rank, one.attributes)
            for rank, holder, suffix in ((0, self._description, "_base"), (1, step, ""))
            for kind in kinds
            if (one := holder.decorator(kind + suffix)) is not None and not _is_off(one)
        ]
        if "uv" in kinds:
            return self._uv_request(levels)
        pip: dict[str, Package] = {}
        conda: dict[str, str] = {}
        if "conda" in kinds:
            levels = self._with_files(levels, conda, pip)
        for level in levels:
            if level.kind == "pypi":
                for key, value in level.attributes["packages"].items():
                    package = parse_package(key, value)
                    pip[package.identity] = package
        self._check_paths(pip)
        python = _agreed(levels, "python")
        return Request(
            python=choose_python(python, None, self._python),
            requirements=tuple(sorted(package.requirement for package in pip.values())),
            conda=tuple(sorted(conda.values())) if "conda" in kinds else None,
            channels=_channels(levels) if "conda" in kinds else (),
            metadata=_metadata(levels),
            base=self._folder,
            **_sources(levels),
        )

    def custom_request(self, step: StepSpec, decorator: DecoratorSpec) -> Request:
        """Return what a step asks of a package's kind of environment, which stands alone."""
        for kind in KINDS:
            if step.decorator(kind) is not None and not _is_off(step.decorator(kind)):
                raise EnvironmentFailed(
                    f"@custom_environment makes the whole environment and can't go together with "
                    f"@{kind}; keep one."
                )
        asked = decorator.attributes
        options = json.dumps(asked["options"], sort_keys=True)
        return Request(
            python=choose_python(asked["python"], None, self._python),
            base=self._folder,
            custom=CustomKind(str(asked["kind"]), options),
        )

    def _uv_request(self, levels: list[_Level]) -> Request:
        asked: dict[str, Any] = {"extras": [], "groups": [], **dict.fromkeys(_FILES)}
        for level in levels:
            if any(level.attributes[name] is not None for name in _FILES):
                asked.update({name: level.attributes[name] for name in _FILES})
            for name in ("extras", "groups"):
                asked[name] = level.attributes[name] or asked[name]
        found = self._projects.project(asked)
        python = choose_python(_agreed(levels, "python"), found.requires_python, self._python)
        return Request(python=python, project=found.project, base=self._folder, **_sources(levels))

    def _with_files(
        self, levels: list[_Level], conda: dict[str, str], pip: dict[str, Package]
    ) -> list[_Level]:
        """Fill in the packages of conda, level by level; return the levels with their files."""
        settled: list[_Level] = []
        named = [one.attributes["environment_yml"] for one in levels if one.kind == "conda"]
        chosen = next((path for path in reversed(named) if path), None)
        for level in levels:
            attributes = dict(level.attributes)
            if level.kind == "conda":
                packages: dict[str, str] = {}
                # Only one file counts: the step's before the flow's.
                if chosen is not None and attributes["environment_yml"] == chosen:
                    file = self._conda_file(chosen)
                    packages.update(file.packages)
                    pip.update({one.identity: one for one in map(parse_requirement, file.pip)})
                    attributes["python"] = attributes["python"] or file.python
                    attributes["channels"] = attributes["channels"] or list(file.channels)
                for key, value in _entries(packages, level.attributes):
                    conda[conda_name(key)] = conda_spec(key, value)
            settled.append(level._replace(attributes=attributes))
        return settled

    def _conda_file(self, named: str) -> CondaFile:
        path = os.path.abspath(os.path.join(self._folder, named))
        if path not in self._yml:
            try:
                self._yml[path] = read_environment_yml(read_text(path))
            except ParserError as error:
                raise EnvironmentFailed(f"{path}: {error}") from None
            if any(map(has_secret, (*self._yml[path].channels, *self._yml[path].pip))):
                raise EnvironmentFailed(
                    f"{path} holds a password or token, which would be kept with every run; name a "
                    "variable of the environment instead, as in `https://user:${TOKEN}@host`."
                )
        return self._yml[path]

    def _check_paths(self, pip: Mapping[str, Package]) -> None:
        for package in pip.values():
            # URLs are for the resolver, and variables are filled in there.
            if package.reference and not re.search(r":|\$\{", package.reference):
                path = os.path.abspath(os.path.join(self._folder, package.reference))
                if not os.path.exists(path):
                    raise EnvironmentFailed(
                        f"`{package.name}` is to come from {path}, and nothing is there."
                    )


def _entries(file: Mapping[str, str], attributes: _Attributes) -> Iterator[tuple[str, str]]:
    for packages in (file, attributes["libraries"], attributes["packages"]):
        yield from packages.items()


def _agreed(levels: list[_Level], argument: str) -> Any:
    """Return what the step's decorators say of an argument, else what those of the flow say."""
    for rank in (1, 0):
        said = {
            level.kind: level.attributes[argument]
            for level in levels
            if level.rank == rank and level.attributes.get(argument)
        }
        if len({str(value) for value in said.values()}) > 1:
            told = " and ".join(f"@{kind} says {value!r}" for kind, value in said.items())
            raise EnvironmentFailed(
                f"{told} for `{argument}`, and both make one environment; give the same to both."
            )
        if said:
            return next(iter(said.values()))
    return None


def _sources(levels: list[_Level]) -> dict[str, Any]:
    return {
        "index_url": _agreed(levels, "index_url"),
        "extra_index_urls": tuple(_agreed(levels, "extra_index_urls") or ()),
        "find_links": tuple(_agreed(levels, "find_links") or ()),
        "exclude_newer": _agreed(levels, "exclude_newer"),
    }


def _channels(levels: list[_Level]) -> tuple[str, ...]:
    return tuple(_agreed(levels, "channels") or (_DEFAULT_CHANNEL,))


def _metadata(levels: list[_Level]) -> dict[str, tuple[str, ...]]:
    merged: dict[str, tuple[str, ...]] = {}
    for level in levels:
        for release, requirements in level.attributes.get("metadata", {}).items():
            merged[release] = tuple(requirements)
    return merged
