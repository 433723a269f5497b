"""A flow's graph as data, in the words and the shape that Metaflow's users know."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Set

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

_TYPES = {
    SPLIT: "split-static",
    FOREACH: "split-foreach",
    PARALLEL: "split-parallel",
    SWITCH: "split-switch",
    END: "end",
}
_DECLARED = {"file": "IncludeFile"}


def ways(step: StepSpec) -> str:
    """Return where a step goes on, in a line: each case of a switch with its step."""
    if step.kind != SWITCH:
        return ", ".join(step.targets)
    return ", ".join("{}: {}".format(case_text(case), case.target) for case in step.cases)


def case_text(case: Case) -> str:
    """Return a case as the source has it, with the value of a config's."""
    return "self.{} ({!r})".format(case.written, case.value) if case.written else repr(case.value)


def node_type(step: StepSpec) -> str:
    """Return a step's type in Metaflow's words."""
    kind = _TYPES.get(step.kind, step.kind)
    return "join" if step.is_join and kind == "linear" else kind


def graph_data(description: FlowDescription) -> Dict[str, Any]:
    """Return the graph as Metaflow writes it: nodes by name, how branches nest, decorators."""
    return {
        "graph": graph_nodes(description),
        "graph_structure": graph_structure(description),
        "decorators": [_decorator(one) for one in description.decorators],
    }


def graph_nodes(description: FlowDescription) -> Dict[str, Any]:
    """Return what is told of each step, by its name."""
    graph = Graph(description)
    return {name: _node(graph, graph.steps[name]) for name in graph.order}


def graph_structure(description: FlowDescription) -> List[Any]:
    """Return how the branches nest: names of steps, and a list for the ways out of a step.

    The ways of a switch are told to where they meet, steps that several share in each; where
    switches lead crosswise to others, that doubles with each of them.
    """
    graph = Graph(description)
    return _nested(graph, graph.start, None, _meetings(graph))


def graph_info(description: FlowDescription, constants: Mapping[str, str]) -> Dict[str, Any]:
    """Return the flow and its graph as Metaflow's `current.graph_info` does.

    `constants` holds the types of the values that the class itself sets, by their names.
    """
    return {
        "file": description.file.replace("\\", "/").rpartition("/")[2],
        "doc": description.doc,
        "parameters": [
            {"name": one.attribute, "type": _DECLARED.get(one.type, "Parameter")}
            for one in description.parameters
        ]
        + [{"name": one.attribute, "type": "Config"} for one in description.configs],
        "constants": [{"name": name, "type": constants[name]} for name in sorted(constants)],
        "steps": graph_nodes(description),
        "graph_structure": graph_structure(description),
        "decorators": [_decorator(one) for one in description.decorators],
        "start_step": description.start,
        "end_step": description.end,
    }


def foreach_steps(description: FlowDescription, step: str) -> List[str]:
    """Return the first step of each foreach or gang that `step` is inside of, outermost first."""
    graph = Graph(description)
    opened: Dict[str, List[StepSpec]] = {graph.start: []}
    for name in graph.order:
        here = graph.steps[name]
        inside = opened[name][:-1] if here.is_join else opened[name]
        for target in here.targets:
            opened.setdefault(target, [*inside, here] if here.opens else inside)
        if name == step:
            return [one.targets[0] for one in inside if one.kind != SPLIT]
    raise KeyError(step)


def _decorator(decorator: DecoratorSpec) -> Dict[str, Any]:
    return {
        "name": decorator.name,
        "attributes": dict(decorator.attributes),
        "statically_defined": not decorator.from_outside,
        "inserted_by": None,
    }


def _node(graph: Graph, step: StepSpec) -> Dict[str, Any]:
    node: Dict[str, Any] = {
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
            "config:{}".format(case.written) if case.written else case.value: case.target
            for case in step.cases
        }
    join = _join_of(graph, step.name) if step.opens else None
    if join is not None:
        node["matching_join"] = join
    return node


def _nested(graph: Graph, start: str, stop: Optional[str], meetings: Dict[str, str]) -> List[Any]:
    """Return the steps from `start` up to `stop`, branches as lists."""
    structure: List[Any] = []
    name: Optional[str] = start
    while name is not None and name != stop:
        step = graph.steps[name]
        structure.append(name)
        if step.kind == SWITCH:
            meeting = meetings[name]
            others = [target for target in step.targets if target != name]
            structure.append([_nested(graph, one, meeting, meetings) for one in others])
            name = meeting
            continue
        if not step.opens:
            name = step.targets[0] if step.targets else None
            continue
        join = _join_of(graph, name)
        structure.append([_nested(graph, one, join, meetings) for one in step.targets])
        name = join
    return structure


def _meetings(graph: Graph) -> Dict[str, str]:
    """Return, for each switch, the first step that comes whichever way it takes."""
    places = {name: place for place, name in enumerate(graph.order)}
    certain: Dict[str, Set[str]] = {}
    meetings: Dict[str, str] = {}
    for name in reversed(graph.order):
        ways = [certain[target] for target in graph.steps[name].targets if target != name]
        common: Set[str] = ways[0].intersection(*ways) if ways else set()
        certain[name] = common | {name}
        if graph.steps[name].kind == SWITCH:
            meetings[name] = min(common, key=places.__getitem__)
    return meetings


def _join_of(graph: Graph, split: str) -> Optional[str]:
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
