"""`output-raw`: the flow's graph as data."""

from __future__ import annotations

import json
from typing import Any

import click

from falaj.model.graph import END, FOREACH, SPLIT, DecoratorSpec, FlowDescription, Graph, StepSpec
from falaj_control.cli.context import CommandContext

_TYPES = {SPLIT: "split-static", FOREACH: "split-foreach", END: "end"}


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def output_raw(as_json: bool) -> None:
        if as_json:
            line.errors.line("Internal representation of the flow in JSON format:")
            line.output.line(json.dumps(graph_data(line.flow), indent=4))
            return
        line.errors.line("Internal representation of the flow:")
        graph = Graph(line.flow)
        for name in graph.order:
            step = graph.steps[name]
            line.output.line(f"{name} ({node_type(step)}) => {', '.join(step.targets) or '-'}")

    option = click.Option(["--json", "as_json"], is_flag=True, help="Write JSON.")
    return click.Command(
        "output-raw", callback=output_raw, params=[option], help="Show the graph as data."
    )


def node_type(step: StepSpec) -> str:
    """Return a step's type in Metaflow's words."""
    kind = _TYPES.get(step.kind, step.kind)
    return "join" if step.is_join and kind == "linear" else kind


def graph_data(description: FlowDescription) -> dict[str, Any]:
    """Return the graph as Metaflow writes it: nodes by name, how branches nest, decorators."""
    graph = Graph(description)
    joins: dict[str, str] = {}
    structure = _nested(graph, graph.start, None, joins)
    nodes = {name: _node(graph.steps[name], joins.get(name)) for name in graph.order}
    decorators = [_decorator(one) for one in description.decorators]
    return {"graph": nodes, "graph_structure": structure, "decorators": decorators}


def _decorator(decorator: DecoratorSpec) -> dict[str, Any]:
    return {
        "name": decorator.name,
        "attributes": dict(decorator.attributes),
        "statically_defined": not decorator.from_outside,
        "inserted_by": None,
    }


def _node(step: StepSpec, join: str | None) -> dict[str, Any]:
    node: dict[str, Any] = {
        "name": step.name,
        "type": node_type(step),
        "line": step.line,
        "source_file": step.file,
        "doc": step.doc,
        "decorators": [_decorator(one) for one in step.decorators],
        "next": list(step.targets),
        "node_info": {},
    }
    if step.foreach is not None:
        node["foreach_artifact"] = step.foreach
    if join is not None:
        node["matching_join"] = join
    return node


def _nested(graph: Graph, start: str, stop: str | None, joins: dict[str, str]) -> list[Any]:
    """Return the steps from `start` up to `stop`, branches as lists; fills `joins` by split."""
    structure: list[Any] = []
    name: str | None = start
    while name is not None and name != stop:
        step = graph.steps[name]
        structure.append(name)
        if step.kind not in (SPLIT, FOREACH):
            name = step.targets[0] if step.targets else None
            continue
        join = _join_of(graph, name)
        if join is not None:
            joins[name] = join
        structure.append([_nested(graph, target, join, joins) for target in step.targets])
        name = join
    return structure


def _join_of(graph: Graph, split: str) -> str | None:
    """Return the join that ends what `split` opens."""
    depth = 1
    name = graph.steps[split].targets[0]
    while True:
        step = graph.steps[name]
        if step.is_join:
            depth -= 1
            if depth == 0:
                return name
        if step.kind in (SPLIT, FOREACH):
            depth += 1
        if not step.targets:
            return None
        name = step.targets[0]
