"""`@package_sources` and `@package_suffixes`: further files to keep with the code of a run."""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Tuple, Union, cast

from falaj.authoring.custom import arguments_of
from falaj.authoring.mutators import FlowMutator
from falaj.errors import CustomDecoratorError

_SUFFIXES = (".py", ".R", ".RDS")
_LEFT_OUT = frozenset(("__pycache__", ".git", ".falaj", ".metaflow", ".venv", "node_modules"))
Suffixes = Union[str, Sequence[str]]


class package_sources(FlowMutator):  # noqa: N801 - a decorator, by Metaflow's name.
    """Keeps files and folders from elsewhere with the run's code.

    `sources` is a path from the flow's file on, a pair of a path and the name to keep it under, or
    a list of these; without a name a source is kept under its own. Of a folder, files go that end
    in one of `suffixes` (.py, .R, .RDS). Raises CustomDecoratorError for a source that is absent
    and a name that leads out of the code.
    """

    def init(self, sources: Any, arcname: Any = None, suffixes: Optional[Suffixes] = None) -> None:
        """Take what is to be kept; `arcname` is the name of a single source."""
        self._sources = [_source(one) for one in _listed(sources)]
        if arcname is not None:
            if len(self._sources) != 1:
                raise CustomDecoratorError(
                    "@package_sources takes `arcname` for a single source; give several as pairs "
                    "of a path and a name."
                )
            self._sources = [(self._sources[0][0], _text(arcname))]
        self._suffixes = _suffixes(_SUFFIXES if suffixes is None else suffixes)

    def add_to_package(self) -> Iterable[Tuple[str, str]]:
        """Yield the path of each file and the name that it is kept under."""
        for source, name in self._sources:
            path = os.path.normpath(os.path.join(_folder_of(self), source))
            kept = name or os.path.basename(path)
            if os.path.isfile(path):
                yield path, kept
            elif os.path.isdir(path):
                for file in _files(path, self._suffixes):
                    yield file, os.path.join(kept, os.path.relpath(file, path))
            else:
                raise CustomDecoratorError(
                    "@package_sources names {}, which is not there.".format(path)
                )


class package_suffixes(FlowMutator):  # noqa: N801 - a decorator, by Metaflow's name.
    """Keeps files of the flow's folder with the run's code that end in one of `suffixes`."""

    def init(self, suffixes: Suffixes) -> None:
        """Take the suffixes: a list, or a text with commas between."""
        self._suffixes = _suffixes(suffixes)

    def add_to_package(self) -> Iterable[Tuple[str, str]]:
        """Yield the path of each file and the name that it is kept under."""
        folder = _folder_of(self)
        for file in _files(folder, self._suffixes):
            yield file, os.path.relpath(file, folder)


def _folder_of(decorator: FlowMutator) -> str:
    return os.path.dirname(os.path.abspath(arguments_of(decorator).place[0]))


def _listed(sources: Any) -> List[Any]:
    several = not _is_path(sources) and _pair(sources) is None and hasattr(sources, "__iter__")
    return list(sources) if several else [sources]


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "__fspath__")


def _pair(source: Any) -> Optional[Tuple[str, str]]:
    parts: List[Any] = list(cast("Any", source)) if isinstance(source, tuple) else []
    if len(parts) == 2 and all(map(_is_path, parts)):
        return _text(parts[0]), _text(parts[1])
    return None


def _text(path: Any) -> str:
    return path if isinstance(path, str) else str(path.__fspath__())


def _source(one: Any) -> Tuple[str, str]:
    pair = _pair(one)
    if pair is not None:
        return pair
    if _is_path(one):
        return _text(one), ""
    raise CustomDecoratorError(
        "@package_sources takes paths, or pairs of a path and a name, not {!r}.".format(one)
    )


def _suffixes(given: Suffixes) -> Tuple[str, ...]:
    parts = given.split(",") if isinstance(given, str) else list(given)
    kept = [part.strip().lower() for part in parts if part.strip()]
    return tuple(part if part.startswith(".") else "." + part for part in kept)


def _files(root: str, suffixes: Tuple[str, ...]) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        for name in sorted(names):
            if name.lower().endswith(suffixes):
                yield os.path.join(folder, name)
