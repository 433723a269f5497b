"""`output-raw`: the flow's graph as data."""

from __future__ import annotations

import json
from typing import Any

import click

from falaj.authoring.secret_sources import without_values
from falaj.model.graph import (
    END,
    FOREACH,
    PARALLEL,
    SPLIT,
    SWITCH,
    Case,
    DecoratorSpec,
    FlowDescription,
    Graph,
    StepSpec,
)
from falaj_control.cli.context import CommandContext

_TYPES = {
    SPLIT: "split-static",
    FOREACH: "split-foreach",
    PARALLEL: "split-parallel",
    SWITCH: "split-switch",
    END: "end",
}


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def output_raw(as_json: bool) -> None:
        if as_json:
            line.errors.line("Internal representation of the flow in JSON format:")
            line.output.line(json.dumps(graph_data(without_values(line.flow)), indent=4))
            return
        line.errors.line("Internal representation of the flow:")
        graph = Graph(without_values(line.flow))
        for name in graph.order:
            step = graph.steps[name]
            line.output.line(f"{name} ({node_type(step)}) => {ways(step) or '-'}")

    option = click.Option(["--json", "as_json"], is_flag=True, help="Write JSON.")
    return click.Command(
        "output-raw", callback=output_raw, params=[option], help="Show the graph as data."
    )


def ways(step: StepSpec) -> str:
    """Return where a step goes on, in a line: each case of a switch with its step."""
    if step.kind != SWITCH:
        return ", ".join(step.targets)
    return ", ".join(f"{case_text(case)}: {case.target}" for case in step.cases)


def case_text(case: Case) -> str:
    """Return a case as the source has it, with the value of a config's."""
    return f"self.{case.written} ({case.value!r})" if case.written else repr(case.value)


def node_type(step: StepSpec) -> str:
    """Return a step's type in Metaflow's words."""
    kind = _TYPES.get(step.kind, step.kind)
    return "join" if step.is_join and kind == "linear" else kind


def graph_data(description: FlowDescription) -> dict[str, Any]:
    """Return the graph as Metaflow writes it: nodes by name, how branches nest, decorators."""
    graph = Graph(description)
    joins: dict[str, str] = {}
    structure = _nested(graph, graph.start, None, joins, _meetings(graph))
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
    if step.kind == PARALLEL:
        node["num_parallel"] = step.num_parallel
    if step.kind == SWITCH:
        node["condition"] = step.condition
        node["switch_cases"] = {
            f"config:{case.written}" if case.written else case.value: case.target
            for case in step.cases
        }
    if join is not None:
        node["matching_join"] = join
    return node


def _nested(
    graph: Graph, start: str, stop: str | None, joins: dict[str, str], meetings: dict[str, str]
) -> list[Any]:
    """Return the steps from `start` up to `stop`, branches as lists; fills `joins` by split.

    The ways of a switch are lists up to the step where they meet.
    """
    structure: list[Any] = []
    name: str | None = start
    while name is not None and name != stop:
        step = graph.steps[name]
        structure.append(name)
        if step.kind == SWITCH:
            meeting = meetings[name]
            others = [target for target in step.targets if target != name]
            structure.append([_nested(graph, one, meeting, joins, meetings) for one in others])
            name = meeting
            continue
        if not step.opens:
            name = step.targets[0] if step.targets else None
            continue
        join = _join_of(graph, name)
        if join is not None:
            joins[name] = join
        structure.append([_nested(graph, one, join, joins, meetings) for one in step.targets])
        name = join
    return structure


def _meetings(graph: Graph) -> dict[str, str]:
    """Return, for each switch, the first step that comes whichever way it takes."""
    places = {name: place for place, name in enumerate(graph.order)}
    certain: dict[str, set[str]] = {}
    meetings: dict[str, str] = {}
    for name in reversed(graph.order):
        ways = [certain[target] for target in graph.steps[name].targets if target != name]
        common = set[str].intersection(*ways) if ways else set[str]()
        certain[name] = common | {name}
        if graph.steps[name].kind == SWITCH:
            meetings[name] = min(common, key=places.__getitem__)
    return meetings


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
        if step.opens:
            depth += 1
        # Whichever way a switch takes, it comes to the same join.
        others = [target for target in step.targets if target != name]
        if not others:
            return None
        name = others[0]
