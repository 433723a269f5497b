"""The user's own packages that travel into steps with an environment of their own.

Such a step sees nothing of what is installed where the flow was launched. Modules beside the flow
are importable there all the same; packages that are installed editable, or that the user names,
are collected here and put on the path of those steps.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from importlib.util import find_spec
from typing import Any, Dict, Iterator, List, NamedTuple, NoReturn, Sequence, Set, Tuple

from falaj.authoring.shape import kept_shape
from falaj.errors import FalajException
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order, Report
from falaj.runtime.failure import describe_exception
from falaj.runtime.localcode import imports_of, installed_folders, local_files
from falaj.runtime.surroundings import Installed, editable_root, installed, normalised
from falaj.store.blobs import BlobStore

EDITABLE = "editable"
NAMED = "named"
# Falaj gets into every environment by itself.
_OURS = frozenset(("falaj", "falaj_control"))
_LEFT_BEHIND = frozenset(("__pycache__", ".git", ".hg", ".svn"))
# `from NAME.x import y` and `import NAME.x, OTHER as z`, wherever on a line.
_GAP = r"(?:[ \t]|\\\r?\n)+"
_IMPORT = re.compile(r"\bfrom{gap}([\w.]+){gap}import\b|\bimport{gap}([\w., \t]+)".format(gap=_GAP))


class CanNotTravel(FalajException):
    """A package that was to travel with the run and can't."""

    headline = "Can't include a package"


class Traveller(NamedTuple):
    """A package's folder, or a module's file, that travels under the name `name`.

    `why` is `editable` or `named`; `origin` is the folder of the editable project, or `path`.
    """

    name: str
    path: str
    why: str
    origin: str


def travelling_packages(script: str, includes: Sequence[str]) -> List[Traveller]:
    """Return what travels with the flow in `script`, by name.

    That is what the user names in `includes`, and each editable package that is named by an import
    statement in the script, in local modules that it imports, or in what travels itself. Raises
    CanNotTravel for a name that can't be found.
    """
    packages = {one.name: one for one in installed() if one.name not in _OURS}
    roots = [root for root in map(editable_root, packages.values()) if root is not None]
    finder = _Finder(roots, os.path.dirname(os.path.abspath(script)))
    found: Dict[str, List[Traveller]] = {}
    for include in includes:
        for name in _import_names(include, packages):
            found[name] = finder.named(name, include)
    if roots:
        pending = sorted(local_files(os.path.abspath(script)))
        pending += [path for travellers in found.values() for path in _sources(travellers)]
        while pending:
            path = pending.pop()
            for name, travellers in finder.imported_by(path).items():
                if name not in found:
                    found[name] = travellers
                    pending += _sources(travellers)
    return [traveller for name in sorted(found) for traveller in found[name]]


def pack_travellers(
    description: FlowDescription, order: Order, flow_class: type = object
) -> Report:
    """Store what travels; the report's manifest is the digest of the listing.

    The listing is JSON: `packages`, each with name, path, why, origin, and `files`, the digest of
    each by its name below the folder that goes on the path; `executable` names those that are.
    """
    try:
        store = BlobStore(str(order.context["store"]))
        includes = [*order.context["includes"], *_added_modules(flow_class)]
        travellers = travelling_packages(description.file, includes)
        packages = [_stored(traveller, store) for traveller in travellers]
        digest = store.put(json.dumps({"packages": packages}, sort_keys=True).encode())
        return Report("succeeded", digest, None, None, "", {})
    except OSError as error:
        problem = CanNotTravel(
            "{} travels with the run and can't be read: {}.".format(error.filename, error.strerror)
        )
        return Report("failed", None, None, describe_exception(problem), "", {})
    except Exception as error:
        return Report("failed", None, None, describe_exception(error), "", {})


def _added_modules(flow_class: type) -> List[str]:
    """Return the modules that the flow's mutators add, by the name of their package."""
    shape = kept_shape(flow_class)
    if shape is None or not shape.adding:
        return []
    # Imported here: few flows have mutators.
    from falaj.authoring.additions import additions_of

    return sorted({added.module for added in additions_of(shape)} - {""})


def _stored(traveller: Traveller, store: BlobStore) -> Dict[str, Any]:
    files: Dict[str, str] = {}
    executable: List[str] = []
    for name, path in files_of(traveller):
        with open(path, "rb") as file:
            files[name] = store.put(file.read())
            if os.fstat(file.fileno()).st_mode & stat.S_IXUSR:
                executable.append(name)
    return dict(traveller._asdict(), files=files, executable=executable)


def files_as_they_travel(store: BlobStore, listing: str) -> Iterator[Tuple[str, str]]:
    """Yield path and digest of each file of a stored listing; paths are those it was read from."""
    for package in json.loads(store.read(listing).decode())["packages"]:
        for name, digest in package["files"].items():
            yield os.path.join(os.path.dirname(package["path"]), name), digest


def files_of(traveller: Traveller) -> Iterator[Tuple[str, str]]:
    """Yield each file that travels: its name, from the package's own on, and its path.

    Raises OSError for a folder that can't be read.
    """
    if os.path.isfile(traveller.path):
        yield os.path.basename(traveller.path), traveller.path
        return
    base = os.path.dirname(traveller.path)
    seen: Set[str] = set()
    for folder, folders, names in os.walk(traveller.path, onerror=_refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            # A link has led back up.
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(set(folders) - _LEFT_BEHIND)
        for name in sorted(names):
            path = os.path.join(folder, name)
            if not name.endswith((".pyc", ".pyo")) and os.path.isfile(path):
                yield os.path.relpath(path, base), path


def _refuse(error: OSError) -> NoReturn:
    raise error


class _Finder:
    """Finds packages by the name they are imported by, as the launching process would."""

    def __init__(self, roots: Sequence[str], beside: str) -> None:
        self._roots = [(os.path.realpath(root), root) for root in roots]
        self._beside = os.path.realpath(beside)
        self._installed = [os.path.realpath(folder) for folder in installed_folders()]
        self._standard = frozenset(getattr(sys, "stdlib_module_names", ())) | _OURS
        self._editable: Dict[str, List[Traveller]] = {}

    def imported_by(self, path: str) -> Dict[str, List[Traveller]]:
        """Return the editable packages that a file imports, by name."""
        with open(path, encoding="utf-8", errors="replace") as file:
            found = _IMPORT.findall(file.read())
        modules = [one for parent, several in found for one in (parent or several).split(",")]
        names = {module.strip().partition(" ")[0].partition(".")[0] for module in modules}
        travellers = {name: self.editable(name) for name in names if name.isidentifier()}
        likely = {name: parts for name, parts in travellers.items() if parts}
        if not likely:
            return {}
        # Parsing takes twenty times as long as looking; but what only looks like an import, in a
        # comment, must not take along a folder of data.
        said = {name.partition(".")[0] for level, name in imports_of(path) if not level}
        return {name: parts for name, parts in likely.items() if name in said}

    def editable(self, name: str) -> List[Traveller]:
        """Return the parts of an editable package; none where it is something else."""
        if name in self._editable:
            return self._editable[name]
        travellers = self._editable[name] = []
        for place in () if name in self._standard else _places(name):
            real = os.path.realpath(place)
            # A project's folder often holds the environment with what others have written.
            theirs = any(_is_in(real, folder) for folder in self._installed)
            origin = next((shown for root, shown in self._roots if _is_in(real, root)), None)
            if origin is not None and not theirs and not self._is_beside(real):
                travellers.append(Traveller(name, place, EDITABLE, origin))
        return travellers

    def named(self, name: str, include: str) -> List[Traveller]:
        """Return the parts of a package that the user has named; raise CanNotTravel."""
        if name in self._standard:
            whose = "Falaj itself" if name in _OURS else "Python's own library"
            raise CanNotTravel(
                "--include {}: that is {}, which every environment has.".format(include, whose)
            )
        places = [place for place in _places(name) if not self._is_beside(os.path.realpath(place))]
        return [Traveller(name, place, NAMED, place) for place in places]

    def _is_beside(self, real: str) -> bool:
        # It is importable there without travelling.
        return os.path.dirname(real) == self._beside


def _places(name: str) -> List[str]:
    """Return where a package or module lies: a folder, a file, or the folders of a namespace."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        # A module that was made by hand, or a finder that refuses.
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        # A finder may add places that are only names of its own.
        return [place for place in spec.submodule_search_locations if os.path.isdir(place)]
    return [spec.origin] if spec.origin and os.path.isfile(spec.origin) else []


def _import_names(include: str, packages: Dict[str, Installed]) -> List[str]:
    """Return what a named module or installed package is imported by; raise CanNotTravel."""
    top = include.partition(".")[0]
    if top.isidentifier() and (_places(top) or top in sys.builtin_module_names):
        return [top]
    one = packages.get(normalised(include))
    names = _top_levels(one) if one is not None else []
    if not names:
        raise CanNotTravel(
            "--include {}: there is no module and no installed package of that name where the "
            "flow was launched ({}). Name it as it is imported.".format(include, sys.executable)
        )
    return names


def _top_levels(one: Installed) -> List[str]:
    names = {one.name.replace("-", "_")}
    for file in ("top_level.txt", "RECORD"):
        try:
            with open(os.path.join(one.info, file), encoding="utf-8") as lines:
                first = [line.partition(",")[0].strip().partition("/")[0] for line in lines]
        except (OSError, ValueError):
            continue
        names.update(name[:-3] if name.endswith(".py") else name for name in first)
    names -= _LEFT_BEHIND
    return sorted(name for name in names if name.isidentifier() and _places(name))


def _sources(travellers: Sequence[Traveller]) -> List[str]:
    return [
        path for traveller in travellers for _, path in files_of(traveller) if path.endswith(".py")
    ]


def _is_in(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)
