"""`show`: the flow's steps, in order, with their documentation and decorators; or a record."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

import click

from falaj.authoring.options import OPTIONS
from falaj.authoring.secret_sources import without_values
from falaj.model.graph import (
    FOREACH,
    PARALLEL,
    SWITCH,
    ConfigSpec,
    DecoratorSpec,
    FlowDescription,
    Graph,
    StepSpec,
)
from falaj.model.graphdata import ways
from falaj_control.cli.context import TOOL, CommandContext
from falaj_control.cli.pathspecs import FORMS, complete_paths

_INDENT = "    "
_LONGEST_VALUE = 200
_HELP = f"""Show the flow's steps or, given PATHSPEC, what is recorded of a run, a step or a task.

PATHSPEC is {FORMS}."""


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def show(pathspec: str | None) -> None:
        if pathspec is not None:
            # Imported here: the flow alone needs no records.
            from falaj_control.cli.show_task import show_recorded

            show_recorded(line, pathspec)
            return
        if line.description is None:
            raise click.UsageError(f"Name the flow's file, or PATHSPEC: {TOOL} show flow.py")
        line.output.write("\n".join(description_lines(without_values(line.flow))) + "\n")
        line.output.flush()

    recorded = click.Argument(["pathspec"], required=False, shell_complete=complete_paths(line))
    return click.Command("show", callback=show, params=[recorded], help=_HELP)


def description_lines(description: FlowDescription) -> list[str]:
    """Return the flow's documentation, decorators and steps, each after those that lead to it."""
    lines = ["", *_doc_lines(description.doc, ""), ""]
    if description.decorators:
        lines += [*map(_decorator_text, description.decorators), ""]
    if description.configs:
        lines += [*map(_config_text, description.configs), ""]
    graph = Graph(description)
    for name in graph.order:
        lines += [*_step_lines(graph.steps[name]), ""]
    return lines


def _step_lines(step: StepSpec) -> list[str]:
    lines = [_decorator_text(decorator) for decorator in step.decorators]
    lines.append(f"Step {step.name}")
    lines += _doc_lines(step.doc, _INDENT) or [f"{_INDENT}?"]
    if step.targets:
        lines.append(f"{_INDENT}=> {ways(step)}{_how(step)}")
    return lines


def _config_text(config: ConfigSpec) -> str:
    # What only the flow's own process can read back is not shown.
    value = json.dumps(config.value, ensure_ascii=False) if config.form == "json" else "..."
    if len(value) > _LONGEST_VALUE:
        value = value[: _LONGEST_VALUE - 1] + "…"
    source = f" (from {config.source})" if config.source else ""
    about = f"  {config.help}" if config.help else ""
    return f"Config {config.name} = {value}{source}{about}"


def _how(step: StepSpec) -> str:
    if step.kind == FOREACH:
        return f" (foreach {step.foreach})"
    if step.kind == SWITCH:
        return f" (condition {step.condition})"
    if step.kind == PARALLEL:
        size = "" if step.num_parallel is None else f" {step.num_parallel}"
        return f" (num_parallel{size})"
    return ""


def _decorator_text(decorator: DecoratorSpec) -> str:
    option = OPTIONS.get(decorator.name)
    defaults: Mapping[str, Any] = option.defaults if option is not None else {}
    given = ", ".join(
        f"{name}={value!r}"
        for name, value in decorator.attributes.items()
        if name not in defaults or value != defaults[name]
    )
    # A user's own has the name of its module before it.
    name = decorator.name.rpartition(".")[2]
    return f"@{name}({given})" if given else f"@{name}"


def _doc_lines(doc: str, indent: str) -> list[str]:
    cleaned = inspect.cleandoc(doc) if doc else ""
    return [f"{indent}{one}".rstrip() for one in cleaned.split("\n")] if cleaned else []
