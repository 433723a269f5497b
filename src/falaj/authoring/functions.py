"""Functions that decorators of a flow name, kept by name in the process that imports the flow.

A description holds names alone; every process that has imported the flow's file finds under them
what they stand for.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

_functions: Dict[str, Callable[..., Any]] = {}


def keep(function: Callable[..., Any]) -> str:
    """Keep a function and return the name that `kept` knows it by."""
    own = str(getattr(function, "__name__", type(function).__name__))
    name, number = own, 1
    # Two lambdas share a name; a file that is imported again numbers them alike.
    while _functions.get(name, function) is not function:
        number += 1
        name = "{}#{}".format(own, number)
    _functions[name] = function
    return name


def kept(name: str) -> Optional[Callable[..., Any]]:
    """Return the function that is kept under a name, or None."""
    return _functions.get(name)
