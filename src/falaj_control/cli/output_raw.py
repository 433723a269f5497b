"""`output-raw`: the flow's graph as data."""

from __future__ import annotations

import json

import click

from falaj.authoring.secret_sources import without_values
from falaj.model.graph import Graph
from falaj.model.graphdata import graph_data, node_type, ways
from falaj_control.cli.context import CommandContext


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
