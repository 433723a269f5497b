"""Importing this module lets `import metaflow` mean Falaj, in this process and those it starts.

An installed Metaflow is then out of sight, so it happens only where it is asked for: by this
import, by `falaj run --metaflow flow.py`, or by the variable FALAJ_METAFLOW.
"""

from __future__ import annotations

import os
import sys
import types
from importlib import import_module
from importlib.machinery import ModuleSpec
from typing import Any, List, Optional, Sequence

from falaj.compat import VARIABLE
from falaj.compat.names import ABSENT, MODULES
from falaj.compat.variables import translate

ROOT = "metaflow"
_GUIDE = "docs/guides/coming-from-metaflow.md"


class StandIn(types.ModuleType):
    """A module of Metaflow's name whose names are Falaj's, each looked up when it is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Return what stands for a name of Metaflow's; raise AttributeError for others."""
        place = MODULES[self.__name__].get(name)
        if place is not None:
            module, _, attribute = place.partition(":")
            value = getattr(import_module(module), attribute)
            setattr(self, name, value)
            return value
        full = "{}.{}".format(self.__name__, name)
        if full in MODULES:
            return import_module(full)
        if name.startswith("__"):
            # Libraries ask every module for such names, often; nobody has mistyped one.
            raise AttributeError("{} has no {}".format(self.__name__, name))
        raise AttributeError(_missing(self.__name__, name))

    def __dir__(self) -> List[str]:
        """Return the names that there are, for completion and `import *`."""
        return sorted({*MODULES[self.__name__], *vars(self)})


class Finder:
    """Finds the modules of Metaflow's names before anybody else does."""

    @classmethod
    def find_spec(
        cls, name: str, path: Optional[Sequence[str]] = None, target: Any = None
    ) -> Optional[ModuleSpec]:
        """Return how a module of Metaflow's is made; raise ImportError for one that is absent."""
        del path, target
        if name != ROOT and not name.startswith(ROOT + "."):
            return None
        if name not in MODULES:
            parent, _, own = name.rpartition(".")
            raise ImportError(_missing(parent, own), name=name)
        loader: Any = cls
        return ModuleSpec(name, loader, is_package=True)

    @staticmethod
    def create_module(spec: ModuleSpec) -> StandIn:
        """Make a module, as the import system asks."""
        return StandIn(spec.name)

    @staticmethod
    def exec_module(module: types.ModuleType) -> None:
        """Fill a module with what doesn't wait until it is asked for."""
        module.__dict__["__all__"] = [name for name in MODULES[module.__name__] if name[0] != "_"]


def switch_on() -> None:
    """Let `import metaflow` mean Falaj from now on. Raises ImportError where it is too late."""
    if Finder not in sys.meta_path:
        there = sys.modules.get(ROOT)
        if there is not None:
            raise ImportError(
                "Metaflow itself is imported already, from {}; import falaj.compat.metaflow "
                "first.".format(getattr(there, "__file__", "an unknown place"))
            )
        sys.meta_path.insert(0, Finder)
    # Hosts, hooks and whatever else this process starts read the same flow file.
    os.environ[VARIABLE] = "1"
    translate(os.environ)


def _missing(module: str, name: str) -> str:
    reason = ABSENT.get(name)
    if reason is not None:
        return "Falaj has no {}.{}: {}. See {}.".format(module, name, reason, _GUIDE)
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches

    near = get_close_matches(name, [*MODULES.get(module, {}), *MODULES[ROOT]], n=1)
    hint = " (did you mean `{}`?)".format(near[0]) if near and near[0] != name else ""
    return "Falaj has no {}.{}{}. What it has is listed in {}.".format(module, name, hint, _GUIDE)


switch_on()
