"""Describing a flow class: what its steps, parameters and sources say, once the checks agree."""

from __future__ import annotations

import sys
from types import FunctionType
from typing import Any, Dict, List, Optional, Tuple, cast

from falaj.authoring.cases import settle_cases
from falaj.authoring.checks import problems_of
from falaj.authoring.draft import Draft, DraftStep, Problem
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.members import (
    classes_of,
    flow_decorators_of,
    members_of,
    parameters_of,
    reserved_names,
    steps_of,
    unwrapped,
)
from falaj.authoring.shape import Shape
from falaj.authoring.sources import Sources
from falaj.authoring.taskstate import constants_of
from falaj.authoring.transitions import FunctionNode, next_calls
from falaj.authoring.wording import full_path
from falaj.errors import InvalidFlow
from falaj.model.graph import FlowDescription

# Where a class keeps its description, once its parameters are properties that tasks read.
DESCRIPTION = "__falaj_description__"
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


def describe(flow_class: type, shape: Optional[Shape] = None) -> FlowDescription:
    """Return the flow as plain values; raise InvalidFlow with all that is wrong with it.

    `shape` holds what has been made of it, where configs, mutators or the like have a say.
    """
    draft = draft_of(flow_class, shape)
    problems = problems_of(draft)
    if problems:
        raise InvalidFlow([str(problem) for problem in problems], draft.name)
    description = FlowDescription(
        name=draft.name,
        doc=draft.doc,
        file=draft.file,
        steps=tuple(step.spec(draft.end) for step in draft.steps),
        parameters=tuple(parameter.spec(name) for name, parameter in draft.parameters),
        start=cast(str, draft.start),
        end=cast(str, draft.end),
        decorators=flow_decorators_of(flow_class) if shape is None else tuple(shape.decorators),
        configs=() if shape is None else shape.config_specs,
        applied=() if shape is None else shape.applied,
    )
    if description.decorators:
        _check_decorators(flow_class, description)
    return description


def _check_decorators(flow_class: type, description: FlowDescription) -> None:
    # Imported here: most flows have no decorators of their own.
    from falaj.authoring.flow_checks import decorator_problems

    problems = decorator_problems(flow_class, description)
    if problems:
        raise InvalidFlow([str(problem) for problem in problems], description.name)


def draft_of(flow_class: type, shape: Optional[Shape] = None) -> Draft:
    """Return what the flow's classes and sources show, right or wrong."""
    sources = Sources()
    marked = steps_of(flow_class)
    steps: List[DraftStep] = []
    problems: List[Problem] = []
    for name, member in marked.items():
        node = sources.function(unwrapped(member))
        found = _step(sources, name, member, node, shape)
        drafted, wrong = settle_cases(flow_class, found, {} if shape is None else shape.configs)
        steps.append(drafted)
        problems += wrong
        if node is None and len(marked) > 1:
            problems.append(_unreadable(steps[-1]))
    methods = _methods(flow_class, marked)
    file, names = _home(flow_class, marked)
    return Draft(
        name=flow_class.__name__,
        file=full_path(file),
        line=sources.class_line(file, names, flow_class.__name__),
        doc=clean_doc(flow_class.__doc__),
        steps=tuple(steps),
        parameters=tuple(
            (parameters_of(flow_class) if shape is None else shape.parameters).items()
        ),
        unmarked=tuple(_unmarked(sources, methods)),
        methods=frozenset(methods),
        fixed=frozenset(constants_of(flow_class, FlowSpec)),
        reserved=reserved_names(flow_class),
        repeated=tuple(_repeated(sources, flow_class)),
        problems=tuple(problems),
    )


def _step(
    sources: Sources, name: str, member: Any, node: Optional[FunctionNode], shape: Optional[Shape]
) -> DraftStep:
    function = unwrapped(member)
    code = function.__code__
    marks = getattr(member, "__func__", member)
    return DraftStep(
        name=name,
        file=full_path(code.co_filename),
        line=sources.def_line(code.co_filename, node) if node else code.co_firstlineno,
        doc=clean_doc(function.__doc__),
        arguments=code.co_argcount,
        oddity=_oddity(name, member, code),
        calls=next_calls(node, function.__globals__) if node else (),
        decorators=tuple(marks.decorators) if shape is None else shape.steps[name].specs,
        start_mark=marks.is_start_step,
        end_mark=marks.is_end_step,
    )


def _oddity(name: str, member: Any, code: Any) -> str:
    if isinstance(member, (staticmethod, classmethod)):
        return "is a {}".format(
            "staticmethod" if isinstance(member, staticmethod) else "classmethod"
        )
    if member.__name__ != name:
        return "is only another name of `{}`".format(member.__name__)
    if code.co_flags & (_COROUTINE | _ASYNC_GENERATOR):
        return "is async"
    if code.co_flags & _GENERATOR:
        return "is a generator: it has a `yield`"
    starred = code.co_flags & 0x0C
    if starred or code.co_kwonlyargcount:
        return "takes keyword-only or starred arguments"
    return ""


def _unreadable(step: DraftStep) -> Problem:
    return Problem(
        "The source of step `{}` can't be read, or has changed since it was imported; keep the "
        "flow in a file or in one notebook cell, and load it again.".format(step.name),
        step.file,
        step.line,
    )


def _methods(flow_class: type, marked: Dict[str, Any]) -> Dict[str, Any]:
    functions = {name: unwrapped(member) for name, member in members_of(flow_class).items()}
    return {
        name: function
        for name, function in functions.items()
        if name not in marked and isinstance(function, FunctionType)
    }


def _unmarked(sources: Sources, methods: Dict[str, Any]) -> "list[Tuple[str, str, int]]":
    found: List[Tuple[str, str, int]] = []
    for name, function in methods.items():
        code = function.__code__
        # The bytecode tells fast which few functions are worth a look at their source.
        node = sources.function(function) if "next" in code.co_names else None
        if node is not None and next_calls(node, {}):
            found.append(
                (name, full_path(code.co_filename), sources.def_line(code.co_filename, node))
            )
    return found


def _repeated(sources: Sources, flow_class: type) -> "list[Tuple[str, str, int, int]]":
    found: List[Tuple[str, str, int, int]] = []
    for kind in classes_of(flow_class):
        file, names = _home(kind, {})
        found.extend(
            (name, full_path(file), first, last)
            for name, first, last in sources.repeated(file, names, kind.__name__)
        )
    return found


def _home(flow_class: type, marked: Dict[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """Return the file of a class and the globals there.

    Its own functions know better than its module: a notebook's module has no file.
    """
    for member in list(vars(flow_class).values()) + list(marked.values()):
        function = unwrapped(member)
        if isinstance(function, FunctionType) and function.__module__ == flow_class.__module__:
            return function.__code__.co_filename, function.__globals__
    module = sys.modules.get(flow_class.__module__)
    names: Dict[str, Any] = dict(vars(module)) if module is not None else {}
    return str(names.get("__file__") or ""), names


def clean_doc(doc: Optional[str]) -> str:
    """Return a docstring without the indentation of its source."""
    lines = (doc or "").expandtabs().splitlines()
    margins = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(margins) if margins else 0
    shifted = [line[margin:].rstrip() for line in lines[1:]]
    return "\n".join([line.strip() for line in lines[:1]] + shifted).strip()
