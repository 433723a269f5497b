"""A flow's graph as inline SVG, with one step marked."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from falaj.client.html import escape

_MOST_STEPS = 200
_HIGH, _GAP_X, _GAP_Y = 34, 44, 16
_CHARACTER = 7.4


class _Box(NamedTuple):
    """Where a step stands."""

    x: float
    y: float
    width: float


def graph_svg(graph: Mapping[str, Any], marked: str, states: Mapping[str, str]) -> str:
    """Return the drawing of a flow's description; `states` gives the state of each step."""
    steps: List[Dict[str, Any]] = list(graph.get("steps") or ())
    if not steps or len(steps) > _MOST_STEPS:
        return ""
    targets = {str(step["name"]): [str(one) for one in step.get("targets") or ()] for step in steps}
    targets = {name: [one for one in ends if one in targets] for name, ends in targets.items()}
    layers = _layers(targets)
    boxes, width, height = _placed(layers)
    kinds = {str(step["name"]): step for step in steps}
    edges = "".join(
        _edge(boxes[name], boxes[end], kinds[name].get("kind") == "foreach")
        for name, ends in targets.items()
        for end in ends
    )
    nodes = "".join(
        _node(name, box, name == marked, states.get(name, ""), kinds[name])
        for name, box in boxes.items()
    )
    return (
        '<div class="scroll" tabindex="0" role="group" aria-label="Graph of the flow">'
        '<svg class="graph" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" '
        'role="img" aria-label="{2}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" '
        'markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">'
        '<path class="tip" d="M0 0 L8 4 L0 8 Z"/></marker></defs>'
        "{3}{4}</svg></div>".format(width, height, escape(_words(targets)), edges, nodes)
    )


def _words(targets: Mapping[str, List[str]]) -> str:
    return "; ".join(
        "{} leads to {}".format(name, ", ".join(ends)) for name, ends in targets.items() if ends
    )


def _layers(targets: Mapping[str, List[str]]) -> List[List[str]]:
    """Return the steps by their longest way from a step that nothing leads to."""
    waits = dict.fromkeys(targets, 0)
    for ends in targets.values():
        for end in ends:
            waits[end] += 1
    depth = dict.fromkeys(targets, 0)
    ready = [name for name, count in waits.items() if not count]
    for name in ready:
        for end in targets[name]:
            depth[end] = max(depth[end], depth[name] + 1)
            waits[end] -= 1
            if not waits[end]:
                ready.append(end)
    layers: List[List[str]] = [[] for _ in range(max(depth.values()) + 1)]
    # In the order in which they were reached, which keeps branches side by side. A step that
    # leads back to an earlier one is reached by no such order, and comes where it was named.
    for name in [*ready, *(one for one in targets if one not in set(ready))]:
        layers[depth[name]].append(name)
    return [layer for layer in layers if layer]


def _placed(layers: List[List[str]]) -> Tuple[Dict[str, _Box], float, float]:
    tallest = max(len(layer) for layer in layers)
    height = tallest * (_HIGH + _GAP_Y) - _GAP_Y + 4
    boxes: Dict[str, _Box] = {}
    x = 2.0
    for layer in layers:
        width = max(len(name) for name in layer) * _CHARACTER + 26
        used = len(layer) * (_HIGH + _GAP_Y) - _GAP_Y
        for place, name in enumerate(layer):
            y = (height - used) / 2 + place * (_HIGH + _GAP_Y)
            boxes[name] = _Box(x, y, width)
        x += width + _GAP_X
    return boxes, x - _GAP_X + 2, height


def _edge(start: _Box, end: _Box, many: bool) -> str:
    x1, y1 = start.x + start.width, start.y + _HIGH / 2
    x2, y2 = end.x - 1, end.y + _HIGH / 2
    middle = _GAP_X / 2 if x2 > x1 else 60
    return (
        '<path class="edge{}" d="M{:.1f} {:.1f} C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}" '
        'marker-end="url(#tip)"/>'.format(
            " many" if many else "", x1, y1, x1 + middle, y1, x2 - middle, y2, x2, y2
        )
    )


def _node(name: str, box: _Box, marked: bool, state: str, step: Mapping[str, Any]) -> str:
    classes = ["node", "marked" if marked else "", "is-" + state if state.isalpha() else ""]
    words = [name]
    if step.get("foreach"):
        words.append("foreach {}".format(step["foreach"]))
    if step.get("is_join"):
        words.append("join")
    if state:
        words.append(state)
    doc = " ".join(str(step.get("doc") or "").split())[:200]
    return (
        '<g class="{}"><title>{}</title>'
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="6"/>'
        '<text x="{:.1f}" y="{:.1f}">{}</text></g>'.format(
            " ".join(filter(None, classes)),
            escape(" · ".join(words) + ("\n" + doc if doc else "")),
            box.x,
            box.y,
            box.width,
            _HIGH,
            box.x + box.width / 2,
            box.y + _HIGH / 2 + 4.5,
            escape(name),
        )
    )
