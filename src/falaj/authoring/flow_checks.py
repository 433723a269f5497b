"""The checks on decorators of a flow that need the flow itself: its parameters, its functions."""

from __future__ import annotations

import builtins
import sys
from typing import Dict, Iterator, List

from falaj.authoring.functions import kept
from falaj.authoring.triggers import deferred, events_of
from falaj.authoring.wording import Problem, near_miss
from falaj.model.graph import DecoratorSpec, FlowDescription


def decorator_problems(flow_class: type, description: FlowDescription) -> List[Problem]:
    """Return what is wrong with the flow's own decorators, seen with all of its file."""
    found: List[Problem] = []
    for spec in description.decorators:
        if spec.name == "trigger":
            found += _unknown_parameters(description, spec)
        elif spec.name == "exit_hook":
            found += _unknown_functions(flow_class, spec)
    return found


def _unknown_parameters(description: FlowDescription, spec: DecoratorSpec) -> Iterator[Problem]:
    known = [parameter.name for parameter in description.parameters]
    folded = {name.replace("-", "_") for name in known}
    for event in events_of(spec.attributes):
        parameters: Dict[str, str] = {} if deferred(event) else event["parameters"]
        for name in () if deferred(parameters) else parameters:
            if name.replace("-", "_") not in folded:
                message = "@trigger maps a field to `{}`, which is no Parameter of the flow{}."
                text = message.format(name, near_miss(name, known))
                yield Problem(text, spec.file, spec.line)


def _unknown_functions(flow_class: type, spec: DecoratorSpec) -> Iterator[Problem]:
    module = sys.modules.get(flow_class.__module__)
    for name in [*spec.attributes["on_success"], *spec.attributes["on_error"]]:
        # One with a dot is imported when it is called, so that checking imports nothing.
        if kept(name) is not None or "." in name or callable(getattr(module, name, None)):
            continue
        functions = [
            other
            for other, value in vars(module or builtins).items()
            if callable(value) and not isinstance(value, type)
        ]
        message = "@exit_hook names the function `{}`, which the flow's file does not have{}."
        yield Problem(message.format(name, near_miss(name, functions)), spec.file, spec.line)
