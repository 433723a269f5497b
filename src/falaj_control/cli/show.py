"""`show`: the flow's steps, in order, with their documentation and decorators."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import click

from falaj.authoring.options import OPTIONS
from falaj.model.graph import FOREACH, DecoratorSpec, FlowDescription, Graph, StepSpec
from falaj_control.cli.context import CommandContext

_INDENT = "    "


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def show() -> None:
        line.output.write("\n".join(description_lines(line.flow)) + "\n")
        line.output.flush()

    return click.Command("show", callback=show, help="Show the flow's steps.")


def description_lines(description: FlowDescription) -> list[str]:
    """Return the flow's documentation and its steps, each after those that lead to it."""
    lines = ["", *_doc_lines(description.doc, ""), ""]
    graph = Graph(description)
    for name in graph.order:
        lines += [*_step_lines(graph.steps[name]), ""]
    return lines


def _step_lines(step: StepSpec) -> list[str]:
    lines = [_decorator_text(decorator) for decorator in step.decorators]
    lines.append(f"Step {step.name}")
    lines += _doc_lines(step.doc, _INDENT) or [f"{_INDENT}?"]
    if step.targets:
        how = f" (foreach {step.foreach})" if step.kind == FOREACH else ""
        lines.append(f"{_INDENT}=> {', '.join(step.targets)}{how}")
    return lines


def _decorator_text(decorator: DecoratorSpec) -> str:
    option = OPTIONS.get(decorator.name)
    defaults: Mapping[str, Any] = option.defaults if option is not None else {}
    given = ", ".join(
        f"{name}={value!r}"
        for name, value in decorator.attributes.items()
        if name not in defaults or value != defaults[name]
    )
    return f"@{decorator.name}({given})" if given else f"@{decorator.name}"


def _doc_lines(doc: str, indent: str) -> list[str]:
    cleaned = inspect.cleandoc(doc) if doc else ""
    return [f"{indent}{one}".rstrip() for one in cleaned.split("\n")] if cleaned else []
