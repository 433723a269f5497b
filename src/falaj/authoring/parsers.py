"""Reading what requirements.txt, pyproject.toml and environment.yml ask for into plain dicts."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Tuple, cast

from falaj.authoring.packages import Package, conda_spec, parse_requirement, with_extras
from falaj.errors import FalajException

_COMMENT = re.compile(r"(?:^|\s)#.*$")
_KEY = re.compile(r"([A-Za-z_][\w-]*):(?:\s+(.*))?\Z")
_DEPENDENCY = re.compile(r"((?:[^\s:]+::)?[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(.*)\Z")


class ParserError(FalajException):
    """A file of requirements that is malformed, or says more than a dict of packages can hold."""

    headline = "Can't read the requirements"


class CondaFile(NamedTuple):
    """What an environment.yml says; versions as conda writes them, `pip` as lines of PEP 508."""

    packages: Dict[str, str]
    python: Optional[str]
    channels: Tuple[str, ...]
    pip: Tuple[str, ...]


def requirements_txt_parser(text: str) -> Dict[str, Any]:
    """Return the `packages` and the `python` of a requirements.txt, as @pypi takes them.

    Raises ParserError, with the line, for what is no requirement: options, includes, editables.
    """
    lines: List[Tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", line).strip()
        # Rye writes the project itself so.
        if not line or line == "-e file:.":
            continue
        if line.startswith("-") or line.endswith("\\"):
            raise ParserError(
                "Line {}: `{}` can't be said in a dict of packages; let "
                "@uv(requirements=...) read the file instead.".format(number, line)
            )
        lines.append(("Line {}".format(number), line))
    packages, python = _collected(lines)
    return {"packages": packages, "python": python}


def pyproject_toml_parser(text: str) -> Dict[str, Any]:
    """Return the `packages` and the `python` of a pyproject.toml's [project], as @pypi takes them.

    Raises ParserError for a malformed file, one without that table, and what can't be expressed.
    Python below 3.11 needs the package tomli.
    """
    project = parse_toml(text).get("project")
    if not isinstance(project, dict):
        raise ParserError("The pyproject.toml has no table [project].")
    table = cast("Dict[str, Any]", project)
    dependencies, python = table.get("dependencies", []), table.get("requires-python")
    if "dependencies" in table.get("dynamic", ()):
        raise ParserError(
            "[project] leaves its dependencies to the build (dynamic); let @uv(pyproject=...) "
            "read the file instead."
        )
    if not isinstance(dependencies, list) or not all(
        isinstance(one, str) for one in cast("List[Any]", dependencies)
    ):
        raise ParserError("`dependencies` of [project] is no list of texts.")
    packages, named = _collected(
        [("`dependencies`", line) for line in cast("List[str]", dependencies)],
        python.lstrip("=").strip() if isinstance(python, str) else None,
    )
    return {"packages": packages, "python": named}


def conda_environment_yml_parser(text: str) -> Dict[str, Any]:
    """Return what a conda environment.yml asks for: `packages`, `python`, `channels`, `pypi`.

    A version after a single `=` becomes that exact version. Raises ParserError, with the line, for
    what is neither name, channels nor a plain list of dependencies.
    """
    found = read_environment_yml(text)
    pypi, _ = _collected([("`pip`", line) for line in found.pip])
    return {
        "packages": {name: version.lstrip("= ") for name, version in found.packages.items()},
        "python": found.python,
        "channels": list(found.channels),
        "pypi": pypi,
    }


def yaml_parser(text: str) -> Any:
    """Return what a YAML text says; raise ParserError, with the line, where it is none.

    Needs the package PyYAML.
    """
    # Loaded late, and the user's own: Falaj itself needs no YAML.
    import importlib

    try:
        yaml: Any = importlib.import_module("yaml")
    except ImportError:
        raise ParserError("Reading YAML needs the package PyYAML; install pyyaml.") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "Line {}: ".format(mark.line + 1) if mark is not None else ""
        what = getattr(error, "problem", None) or str(error)
        raise ParserError("{}this is no valid YAML: {}.".format(place, what)) from None


def toml_parser(text: str) -> Dict[str, Any]:
    """Return what a TOML text says; raise ParserError where it is none.

    Python below 3.11 needs the package tomli.
    """
    return parse_toml(text)


def parse_toml(text: str) -> Dict[str, Any]:
    """Return the values of a TOML text; raise ParserError where it is none, or can't be read."""
    # Loaded late: no flow pays for it that does not read such a file.
    import importlib

    for name in ("tomllib", "tomli"):
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        try:
            return cast("Dict[str, Any]", module.loads(text))
        except ValueError as error:
            raise ParserError("This is no valid TOML: {}.".format(error)) from None
    raise ParserError(
        "Reading TOML needs Python 3.11 or newer, or the package tomli; install tomli."
    )


def read_environment_yml(text: str) -> CondaFile:
    """Return what a conda environment.yml says; raise ParserError with the line of a mistake."""
    lists: Dict[str, List[Tuple[int, str]]] = {"channels": [], "dependencies": [], "pip": []}
    for number, key, item in _yml_items(text):
        lists[key].append((number, item))
    packages: Dict[str, str] = {}
    python: Optional[str] = None
    for number, item in lists["dependencies"]:
        name, version = _dependency(number, item)
        if name in packages or (name == "python" and python is not None):
            raise ParserError("Line {}: `{}` is asked for twice; keep one.".format(number, name))
        if name == "python":
            python = version.lstrip("= ") or None
        else:
            packages[name] = version
    for number, item in lists["pip"]:
        _package("Line {}".format(number), item)
    return CondaFile(
        packages,
        python,
        tuple(item for _, item in lists["channels"] if item != "nodefaults"),
        tuple(item for _, item in lists["pip"]),
    )


def _yml_items(text: str) -> Iterable[Tuple[int, str, str]]:
    """Yield (line, list, item) of each item of the lists channels, dependencies and pip."""
    key, pip_indent = "", -1
    for number, line in enumerate(text.splitlines(), 1):
        line = _COMMENT.sub("", line).rstrip()
        bare = line.lstrip(" ")
        indent = len(line) - len(bare)
        if not bare or (bare == "---" and not key):
            continue
        if bare.startswith("- ") and key in ("channels", "dependencies"):
            if indent <= pip_indent:
                pip_indent = -1
            item = bare[2:].strip()
            if item == "pip:" and key == "dependencies" and pip_indent < 0:
                pip_indent = indent
            elif item.endswith(":") or ": " in item or item[:1] in ("[", "{", "&", "*", "|", ">"):
                raise _not_understood(number, bare)
            else:
                yield number, "pip" if pip_indent >= 0 else key, _plain(item)
            continue
        found = _KEY.match(bare)
        value = found.group(2) if found is not None else None
        if found is None or indent:
            raise _not_understood(number, bare)
        key, pip_indent = found.group(1), -1
        if key not in ("name", "prefix", "channels", "dependencies"):
            raise _not_understood(number, bare)
        if (key in ("channels", "dependencies")) == bool(value):
            raise _not_understood(number, bare)


def _not_understood(number: int, line: str) -> ParserError:
    return ParserError(
        "Line {}: `{}` is not understood. An environment.yml has `name: x`, and `channels:` and "
        "`dependencies:` with one `- item` a line, packages of PyPI below `- pip:`.".format(
            number, line
        )
    )


def _plain(item: str) -> str:
    quoted = len(item) > 1 and item[0] == item[-1] and item[0] in "\"'"
    return item[1:-1].strip() if quoted else item


def _dependency(number: int, item: str) -> Tuple[str, str]:
    found = _DEPENDENCY.match(item)
    try:
        if found is None:
            raise ValueError("{!r} is no name of a conda package.".format(item))
        conda_spec(*found.groups())
    except ValueError as error:
        raise ParserError("Line {}: {}".format(number, error)) from None
    return found.group(1), found.group(2)


def _collected(
    lines: Iterable[Tuple[str, str]], python: Optional[str] = None
) -> Tuple[Dict[str, str], Optional[str]]:
    """Return packages by name, and the Python, of requirements that follow their places."""
    packages: Dict[str, str] = {}
    seen: Dict[str, str] = {}
    for place, line in lines:
        package = _package(place, line)
        exact = package.specifier.startswith("==") and "," not in package.specifier
        specifier = package.specifier.lstrip("=") if exact else package.specifier
        if package.identity == "python":
            if python is not None and specifier:
                raise ParserError("{}: Python is asked for twice; keep one.".format(place))
            python = specifier or python
            continue
        if package.identity in seen:
            message = "{}: `{}` is asked for twice (also as `{}`), which a dict can't hold."
            raise ParserError(message.format(place, line, seen[package.identity]))
        seen[package.identity] = line
        key = with_extras(package.name, package.extras)
        if package.reference:
            key = "{}@{}".format(key, package.reference) if key else package.reference
            if package.marker:
                raise ParserError(
                    "{}: `{}`: a URL with a marker can't be said in a dict.".format(place, line)
                )
        packages[key] = "; ".join(part for part in (specifier, package.marker) if part)
        if package.marker and not specifier:
            packages[key] = "; " + package.marker
    return packages, python


def _package(place: str, line: str) -> Package:
    try:
        return parse_requirement(line)
    except ValueError as error:
        raise ParserError("{}: `{}` is no requirement: {}".format(place, line, error)) from None
