"""What mutators add to the code that is kept of a run: files, and modules that travel."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterable, Iterator, List, NamedTuple, Tuple, cast

from falaj.authoring.shape import Shape
from falaj.errors import CustomDecoratorError


class Addition(NamedTuple):
    """A file and the name it is kept under, or a module that steps can import."""

    path: str
    name: str
    module: str = ""


def additions_of(shape: Shape) -> List[Addition]:
    """Return what the mutators of a shaped flow add; raise CustomDecoratorError."""
    return [one for mutator in shape.adding for one in _added_by(mutator)]


def module_files(module: str, by: str) -> Iterator[Tuple[str, str]]:
    """Yield path and name, relative to where it is imported from, of a module's files."""
    try:
        __import__(module)
    except ImportError as error:
        raise CustomDecoratorError(
            "{} adds the module {!r}, which can't be imported: {}.".format(by, module, error)
        ) from None
    top = sys.modules[module]
    places: List[Any] = list(getattr(top, "__path__", ()))
    file = getattr(top, "__file__", None)
    if not places and file:
        yield file, module.replace(".", "/") + os.path.splitext(file)[1]
    for place in places:
        for folder, folders, names in os.walk(str(place)):
            folders[:] = sorted(set(folders) - {"__pycache__"})
            inner = os.path.relpath(folder, str(place))
            for name in sorted(names):
                if not name.endswith((".pyc", ".pyo")):
                    kept = os.path.normpath(os.path.join(module.replace(".", "/"), inner, name))
                    yield os.path.join(folder, name), kept


def _added_by(mutator: Any) -> Iterator[Addition]:
    by = "`add_to_package` of @{}".format(type(mutator).__name__)
    given: Iterable[Any] = mutator.add_to_package() or ()
    for item in given:
        parts: List[Any] = list(cast("Any", item)) if isinstance(item, (tuple, list)) else []
        if len(parts) not in (2, 3):
            raise CustomDecoratorError(
                "{} gives {!r}; it gives (path, name), or (content, name, ContentType).".format(
                    by, cast("Any", item)
                )
            )
        content = str(parts[0])
        kind = getattr(parts[2], "name", str(parts[2])) if len(parts) == 3 else "USER_CONTENT"
        if kind == "MODULE_CONTENT":
            for path, name in module_files(content, by):
                yield Addition(path, name, content.partition(".")[0])
            continue
        name = os.path.normpath(str(parts[1]))
        if os.path.isabs(name) or name.startswith(os.pardir):
            raise CustomDecoratorError(
                "{} gives the name {!r}, which leads out of the run's code.".format(by, parts[1])
            )
        if not os.path.isfile(content):
            raise CustomDecoratorError("{} gives {}, which is no file.".format(by, content))
        yield Addition(os.path.abspath(content), name)
