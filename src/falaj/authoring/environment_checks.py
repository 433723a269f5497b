"""What the decorators for environments may be given, and the mend for all else."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, cast

from falaj.authoring.packages import (
    conda_name,
    conda_spec,
    has_secret,
    parse_package,
    parse_requirement,
    specifier_of,
)
from falaj.authoring.wording import refuse
from falaj.errors import DecoratorError

OLDEST_PYTHON = (3, 7)
_PYTHON = r"([0-9]+)\.([0-9]+)(\.[0-9]+)?(?:\.\*)?\Z"
_DATE = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2}))?\Z"
)
_RELEASE = r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.!_+-]*\Z"

Attributes = Dict[str, Any]
_Check = Callable[[str, str, Any], Any]


def checked(name: str, given: Attributes) -> Attributes:
    """Return the arguments of @name as JSON values; raise DecoratorError for what is wrong."""
    for value in _texts(given):
        if has_secret(value):
            # The value itself is not shown: it holds what nobody else should read.
            raise DecoratorError(
                "@{}: a URL holds a password or token, which would be kept with every run; name "
                "a variable of the environment instead, as in "
                "'https://user:${{TOKEN}}@host/simple'.".format(name)
            )
    settled = {argument: _CHECKS[argument](name, argument, given[argument]) for argument in given}
    if name.startswith("conda"):
        _check_conda(name, settled)
    else:
        _check_pypi(name, settled.get("packages", {}))
    if name.startswith("uv"):
        _check_uv(name, settled)
    return settled


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        values = cast("Any", value)
        inner: List[Any] = list(values)
        if isinstance(value, dict):
            inner.extend(values.values())
        for one in inner:
            yield from _texts(one)


def _packages(name: str, argument: str, value: Any) -> Dict[str, str]:
    if not isinstance(value, Mapping):
        wanted = "a dict of names and versions, such as {'pandas': '2.1.0'}"
        refuse(name, argument, wanted, value)
    for key, version in cast("Mapping[Any, Any]", value).items():
        if not isinstance(key, str):
            refuse(name, argument, "names of packages in quotes", key)
        if version is None:
            refuse(name, argument, "'' for any version of `{}`".format(key), version)
        if not isinstance(version, str):
            refuse(name, argument, "the version of `{}` in quotes".format(key), version)
        if key.strip().lower() == "python":
            raise DecoratorError(
                "@{}: Python is no package; write python={!r} beside `{}`.".format(
                    name, version or "3.11", argument
                )
            )
    return dict(cast("Mapping[str, str]", value))


def _check_pypi(name: str, packages: Mapping[str, str]) -> None:
    _each_once(name, packages, lambda key: parse_package(key, packages[key]).identity)


def _check_conda(name: str, settled: Attributes) -> None:
    for packages in (settled["libraries"], settled["packages"]):
        for key, version in packages.items():
            _told(name, "packages", conda_spec, key, version)
        _each_once(name, packages, conda_name)


def _each_once(name: str, packages: Mapping[str, str], identify: Callable[[str], str]) -> None:
    seen: Dict[str, str] = {}
    for key in packages:
        identity = _told(name, "packages", identify, key)
        if identity in seen:
            raise DecoratorError(
                "@{}: `packages` asks for {} twice, as {!r} and as {!r}; keep one.".format(
                    name, identity, seen[identity], key
                )
            )
        seen[identity] = key


def _told(name: str, argument: str, read: Callable[..., Any], *values: str) -> Any:
    try:
        return read(*values)
    except ValueError as error:
        raise DecoratorError("@{}: `{}`: {}".format(name, argument, error)) from None


def _python(name: str, argument: str, value: Any) -> Any:
    wanted = "a version in quotes, such as '3.11' or '3.11.7'"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        refuse(name, argument, wanted + " (without them 3.10 is the number 3.1)", value)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        refuse(name, argument, wanted, value)
    text: str = value.strip()
    found = re.match(_PYTHON, text)
    if found is None:
        # What the parsers of files give: `>=3.8,<3.12`.
        try:
            return specifier_of(text, bare=False)
        except ValueError:
            refuse(name, argument, wanted, value)
    if (int(found.group(1)), int(found.group(2))) < OLDEST_PYTHON:
        refuse(name, argument, "Python {}.{} or newer".format(*OLDEST_PYTHON), value)
    return text[:-2] if text.endswith(".*") else text


def _flag(name: str, argument: str, value: Any) -> Any:
    if value is not None and not isinstance(value, bool):
        refuse(name, argument, "True or False", value)
    return value


def _text(name: str, argument: str, value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        refuse(name, argument, "a text", value)
    return value


def _path(name: str, argument: str, value: Any) -> Any:
    if value is not None and (not isinstance(value, str) or not value.strip()):
        refuse(name, argument, "the path of a file, seen from the flow's folder", value)
    return value


def _script(name: str, argument: str, value: Any) -> Any:
    if value is True:
        return True
    if value is False:
        refuse(name, argument, "True for the flow's own file, or the path of another", value)
    return _path(name, argument, value)


def _list(name: str, argument: str, value: Any) -> List[str]:
    wanted = "a list of texts"
    if isinstance(value, str):
        refuse(name, argument, "a list; write [{!r}]".format(value), value)
    if not isinstance(value, (list, tuple)):
        refuse(name, argument, wanted, value)
    for one in cast("List[Any]", value):
        if not isinstance(one, str) or not one.strip():
            refuse(name, argument, wanted, one)
    return list(cast("List[str]", value))


def _newer(name: str, argument: str, value: Any) -> Any:
    if value is None:
        return None
    wanted = "a date such as '2023-01-01', or a time such as '2023-01-01T12:00:00Z'"
    found = re.match(_DATE, value.strip()) if isinstance(value, str) else None
    if found is None:
        refuse(name, argument, wanted, value)
    # Loaded only for what is rarely given.
    from datetime import datetime

    try:
        day, time = found.groups()
        datetime.strptime("{} {}".format(day, time or "00:00:00"), "%Y-%m-%d %H:%M:%S")
    except ValueError:
        refuse(name, argument, wanted, value)
    return value.strip()


def _metadata(name: str, argument: str, value: Any) -> Dict[str, List[str]]:
    wanted = "a dict such as {'pandas==0.24.2': ['numpy>=1.12.0']}"
    if not isinstance(value, Mapping):
        refuse(name, argument, wanted, value)
    settled: Dict[str, List[str]] = {}
    for key, lines in cast("Mapping[Any, Any]", value).items():
        if not isinstance(key, str) or not re.match(_RELEASE, key.replace(" ", "")):
            refuse(name, argument, wanted, key)
        settled[key.replace(" ", "")] = _list(name, argument, lines)
        for line in lines:
            _told(name, argument, parse_requirement, line)
    return settled


def _check_uv(name: str, settled: Attributes) -> None:
    files = [one for one in ("pyproject", "requirements", "script") if settled[one] is not None]
    if len(files) > 1:
        message = "@{}: `{}` and `{}` exclude each other; keep one."
        raise DecoratorError(message.format(name, files[0], files[1]))
    for argument in ("extras", "groups"):
        if settled[argument] and files and files != ["pyproject"]:
            raise DecoratorError(
                "@{}: `{}` are those of a pyproject.toml; a file of {} has none.".format(
                    name, argument, "requirements" if files == ["requirements"] else "code"
                )
            )


_CHECKS: Dict[str, _Check] = {
    "packages": _packages,
    "libraries": _packages,
    "python": _python,
    "disabled": _flag,
    "channels": _list,
    "environment_yml": _path,
    "pyproject": _path,
    "requirements": _path,
    "script": _script,
    "extras": _list,
    "groups": _list,
    "index_url": _text,
    "extra_index_urls": _list,
    "find_links": _list,
    "exclude_newer": _newer,
    "metadata": _metadata,
}
