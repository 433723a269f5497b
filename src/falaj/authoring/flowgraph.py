"""The graph of a flow's class, as programs that look at flows ask for it."""

from __future__ import annotations

import sys
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from falaj.authoring.collect import DESCRIPTION, describe
from falaj.authoring.secret_sources import without_values
from falaj.model.graph import (
    FOREACH,
    PARALLEL,
    SPLIT,
    SWITCH,
    DecoratorSpec,
    FlowDescription,
    Graph,
)
from falaj.model.graphdata import graph_nodes, graph_structure

_TYPES = {SPLIT: "split", FOREACH: "foreach", PARALLEL: "foreach", SWITCH: "split-switch"}


class Node(NamedTuple):
    """One step: its `type` (linear, split, foreach, split-switch, join, start or end), its place,
    the steps before and after it, and what its `self.next` names."""

    name: str
    type: str
    doc: str
    source_file: str
    func_lineno: int
    decorators: Tuple[DecoratorSpec, ...]
    in_funcs: List[str]
    out_funcs: List[str]
    matching_join: Optional[str]
    foreach_param: Optional[str]
    parallel_foreach: bool
    parallel_step: bool
    condition: Optional[str]
    switch_cases: Mapping[Any, str]


class FlowGraph:
    """The steps of a flow by name, each after those that lead to it; looked at, not changed."""

    def __init__(self, flow_class: type) -> None:
        """Read the graph of `flow_class`: in a run as it runs, else with configs' defaults.

        Raises FalajException where the flow has faults.
        """
        description = without_values(_described(flow_class))
        self.name = description.name
        self.doc = description.doc
        self.start_step, self.end_step = description.start, description.end
        graph = Graph(description)
        self._description, self._told = description, graph_nodes(description)
        self.nodes: Dict[str, Node] = {}
        for name in graph.order:
            step, told = graph.steps[name], self._told[name]
            self.nodes[name] = Node(
                name=name,
                type=_TYPES.get(step.kind) or told["type"],
                doc=step.doc,
                source_file=step.file,
                func_lineno=step.line,
                decorators=step.decorators,
                in_funcs=graph.parents[name],
                out_funcs=list(step.targets),
                matching_join=told.get("matching_join"),
                foreach_param=step.foreach,
                parallel_foreach=step.kind == PARALLEL,
                parallel_step=step.is_gang,
                condition=step.condition,
                switch_cases=told.get("switch_cases", {}),
            )
        self.sorted_nodes = list(self.nodes)

    def __getitem__(self, name: str) -> Node:
        """Return the step of that name; raise KeyError where there is none."""
        return self.nodes[name]

    def __contains__(self, name: object) -> bool:
        """Whether the flow has a step of that name."""
        return name in self.nodes

    def __iter__(self) -> Iterator[Node]:
        """Yield the steps."""
        return iter(self.nodes.values())

    def output_steps(self) -> Tuple[Dict[str, Any], List[Any]]:
        """Return what is told of each step, as JSON values, and how the branches nest."""
        return self._told, graph_structure(self._description)


def _described(flow_class: type) -> FlowDescription:
    kept: Optional[FlowDescription] = vars(flow_class).get(DESCRIPTION)
    if kept is not None:
        return kept
    # Imported here: whoever runs the flow has described it already.
    from falaj.authoring.shaping import Given, make_shape, needs_shape

    if not needs_shape(flow_class):
        return describe(flow_class)
    module = sys.modules.get(flow_class.__module__)
    given = Given(file=str(getattr(module, "__file__", None) or ""))
    return describe(flow_class, make_shape(flow_class, given))
