"""`output-dot`: the flow's graph in Graphviz's language."""

from __future__ import annotations

import json

import click

from falaj.model.graph import SWITCH, FlowDescription, Graph, StepSpec
from falaj.model.graphdata import case_text, node_type
from falaj_control.cli.context import CommandContext


def command(line: CommandContext) -> click.Command:
    """Return the command for one flow."""

    def output_dot() -> None:
        line.errors.line("Visualizing the flow as a GraphViz graph")
        line.errors.line(
            "    Try piping the output to 'dot -Tpng -o graph.png' to produce an actual image."
        )
        line.output.line(dot_text(line.flow))

    return click.Command("output-dot", callback=output_dot, help="Draw the graph for Graphviz.")


def dot_text(description: FlowDescription) -> str:
    """Return the graph as Graphviz text."""
    graph = Graph(description)
    lines = [f"digraph {description.name} {{"]
    lines += [_node(graph.steps[name]) for name in graph.order]
    for name in graph.order:
        lines += _edges(graph.steps[name])
    return "\n".join([*lines, "}"])


def _node(step: StepSpec) -> str:
    if step.kind == SWITCH:
        what = f'<br/><font point-size="9">switch: {step.condition}</font>'
        shape = 'shape = "hexagon"   style = "filled"   fillcolor = "lightgreen"'
    else:
        kind = node_type(step).replace("split-static", "split").replace("split-", "")
        what, shape = f' | <font point-size="10">{kind}</font>', 'shape = "record"'
    label = f"<<b>{step.name}</b>{what}>"
    return f'"{step.name}"[ label = {label}   fontname = "Helvetica"   {shape} ];'


def _edges(step: StepSpec) -> list[str]:
    if step.kind != SWITCH:
        return [f"{step.name} -> {target};" for target in step.targets]
    return [
        f"{step.name} -> {case.target} [label={json.dumps(case_text(case), ensure_ascii=False)} "
        'color="blue" fontcolor="blue"];'
        for case in step.cases
    ]
