"""What other installed packages add to Falaj: found by their entry points, when it is asked for.

A package gives an entry point in one of the groups `falaj.<kind>`; its name is what users write,
and what it loads is described in docs/guides/extensions.md.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

from falaj.errors import ExtensionError

# Goes up when a package that was written for the earlier one can't work any more.
API = 1
KINDS = (
    "decorators",
    "cards",
    "secrets",
    "environments",
    "executors",
    "stores",
    "notifiers",
)
# Some packages take a second to import; none is imported twice.
_loaded: Dict[Tuple[str, str], Any] = {}
_installed: Dict[str, "List[Extension]"] = {}


class Extension(NamedTuple):
    """One entry point of an installed package: `target` is `module:object`."""

    kind: str
    name: str
    target: str
    package: str
    version: str

    def __str__(self) -> str:
        return "{!r} of the package {} {}".format(self.name, self.package, self.version)


def installed(kind: str) -> "List[Extension]":
    """Return the extensions of a kind, by name and package; nothing is imported."""
    if kind not in _installed:
        found = sorted(_scan())
        _installed.update({each: [one for one in found if one.kind == each] for each in KINDS})
    return _installed[kind]


def names(kind: str) -> List[str]:
    """Return the names of the extensions of a kind that are installed."""
    return sorted({one.name for one in installed(kind)})


def is_installed(kind: str, name: str) -> bool:
    """Say whether some package gives an extension of that name."""
    return any(one.name == name for one in installed(kind))


def load(kind: str, name: str) -> Any:
    """Return what the extension `name` of a kind is: a class or a function.

    Raises ExtensionError where none has the name, where several packages have it, where its import
    fails, and where it was written for another version of this interface.
    """
    if (kind, name) not in _loaded:
        found = [one for one in installed(kind) if one.name == name]
        if not found:
            raise ExtensionError(_none_of(kind, name))
        clash = clash_of(found[0])
        if clash:
            raise ExtensionError(clash)
        _loaded[kind, name] = load_entry(found[0])
    return _loaded[kind, name]


def clash_of(extension: Extension) -> str:
    """Return how other packages stand in an extension's way, or nothing."""
    same = [one for one in installed(extension.kind) if one.name == extension.name]
    if len(same) < 2:
        return ""
    packages = " and ".join("{} {}".format(one.package, one.version) for one in same)
    return (
        "The name {!r} of {} is claimed by several packages, {}; uninstall all but one of "
        "them.".format(extension.name, _group(extension.kind), packages)
    )


def load_entry(extension: Extension) -> Any:
    """Import what an entry point names; raise ExtensionError, which names the package."""
    module, _, path = extension.target.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split(".") if path else ():
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        # Some modules leave the interpreter when they are imported.
        raise ExtensionError(
            "The extension {} can't be loaded from {}: {}: {}. Mend or upgrade the package, or "
            "uninstall it.".format(extension, extension.target, type(error).__name__, error)
        ) from error
    version = getattr(found, "falaj_api", API)
    if version != API:
        mend = "Falaj" if isinstance(version, int) and version > API else "the package"
        raise ExtensionError(
            "The extension {} was written for version {} of Falaj's extension interface, and this "
            "Falaj has version {}; upgrade {}.".format(extension, version, API, mend)
        )
    if not callable(found):
        raise ExtensionError(
            "The extension {} is {!r}, which is neither a class nor a function.".format(
                extension, found
            )
        )
    return found


def _none_of(kind: str, name: str) -> str:
    known = names(kind)
    there = "there are {}".format(", ".join(known)) if known else "no package gives any"
    return (
        "No installed package gives {!r} as one of {}; {}. `falaj extensions` lists what is "
        "installed.".format(name, _group(kind), there)
    )


def _group(kind: str) -> str:
    return "falaj." + kind


def _scan() -> Iterator[Extension]:
    try:
        metadata: Any = import_module("importlib.metadata")
    except ImportError:
        # Python 3.7 can't tell what is installed.
        return
    packages: Dict[str, Any] = {}
    for distribution in metadata.distributions():
        for one in _entries_of(distribution):
            packages.setdefault(re.sub(r"[-_.]+", "-", one.package).lower(), distribution)
    for name, distribution in packages.items():
        try:
            # Of a package that is there twice, the first on the path is the one that is imported.
            distribution = metadata.distribution(name)
        except (ImportError, ValueError):
            # Its folder is not called as its metadata say.
            pass
        yield from _entries_of(distribution)


def _entries_of(distribution: Any) -> List[Extension]:
    found: List[Extension] = []
    try:
        for entry in distribution.entry_points:
            group, _, kind = entry.group.partition(".")
            if group == "falaj" and kind in KINDS:
                package = str(distribution.metadata["Name"])
                version = str(distribution.version)
                found.append(Extension(kind, entry.name, entry.value, package, version))
    except Exception:
        # The metadata of some packages is damaged, which is no business of ours.
        return []
    return found
