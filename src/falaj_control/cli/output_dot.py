"""`output-dot`: the flow's graph in Graphviz's language."""

from __future__ import annotations

import click

from falaj.model.graph import FlowDescription, Graph
from falaj_control.cli.context import CommandContext
from falaj_control.cli.output_raw import node_type


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
    for name in graph.order:
        kind = node_type(graph.steps[name]).replace("split-static", "split").replace("split-", "")
        lines.append(
            f'"{name}"[ label = <<b>{name}</b> | <font point-size="10">{kind}</font>>'
            '   fontname = "Helvetica"   shape = "record" ];'
        )
    for name in graph.order:
        lines += [f"{name} -> {target};" for target in graph.steps[name].targets]
    return "\n".join([*lines, "}"])
