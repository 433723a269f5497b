"""Finding steps, parameters and decorators among what a flow class and its bases define."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Dict, List, Tuple, cast

from falaj.authoring.decorators import ON_CLASS
from falaj.authoring.options import OPTIONS
from falaj.authoring.parameters import Parameter
from falaj.model.graph import DecoratorSpec

# What FlowSpec promises to steps; a subclass that hides one breaks its own steps.
_PROMISED = frozenset(
    ("name", "next", "input", "index", "cmd", "script_name", "foreach_stack", "merge_artifacts")
)


def classes_of(flow_class: type) -> List[type]:
    """Return the classes that make up the flow, bases first; FlowSpec and above are left out."""
    return [kind for kind in reversed(flow_class.__mro__) if not _is_base(kind, flow_class)]


def members_of(flow_class: type) -> Dict[str, Any]:
    """Return what the flow's classes define, by name, the last definition winning."""
    found: Dict[str, Any] = {}
    for kind in classes_of(flow_class):
        for name, value in vars(kind).items():
            if not (name.startswith("__") and name.endswith("__")):
                found[name] = value
    return found


def steps_of(flow_class: type) -> Dict[str, Any]:
    """Return what `@step` has marked, by name, in the order of definition."""
    # A value of the user's may answer any attribute: only True counts, on what is a function.
    return {
        name: value
        for name, value in members_of(flow_class).items()
        if isinstance(unwrapped(value), FunctionType)
        and getattr(getattr(value, "__func__", value), "is_step", False) is True
    }


def unwrapped(member: Any) -> Any:
    """Return the function within a member: below method kinds and wrappers of functools."""
    function: Any = member
    if isinstance(member, (staticmethod, classmethod)):
        function = cast(Any, member).__func__
    for _ in range(100):
        attributes = getattr(function, "__dict__", None)
        if not isinstance(attributes, dict) or "__wrapped__" not in attributes:
            break
        function = function.__wrapped__
    return function


def parameters_of(flow_class: type) -> Dict[str, Parameter]:
    """Return the flow's parameters by attribute, in the order of their definition."""
    members = members_of(flow_class)
    return {name: value for name, value in members.items() if isinstance(value, Parameter)}


def flow_decorators_of(flow_class: type) -> Tuple[DecoratorSpec, ...]:
    """Return the decorators above the flow's classes; a class's own replaces its base's.

    One that may stand several times is added to those of the base.
    """
    found: List[DecoratorSpec] = []
    for kind in classes_of(flow_class):
        for decorator in vars(kind).get(ON_CLASS, []):
            names = [other.name for other in found]
            if decorator.name in names and not OPTIONS[decorator.name].repeats:
                found[names.index(decorator.name)] = decorator
            else:
                found.append(decorator)
    return tuple(found)


def reserved_names(flow_class: type) -> "frozenset[str]":
    """Return the names that FlowSpec itself uses."""
    own = {name for kind in flow_class.__mro__ if _is_base(kind, flow_class) for name in vars(kind)}
    return _PROMISED | {name for name in own if not name.startswith("_")}


def _is_base(kind: type, flow_class: type) -> bool:
    return kind is object or (kind.__name__ == "FlowSpec" and kind is not flow_class)
