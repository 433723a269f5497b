"""A flow's graph as inline SVG, with one step marked."""

from __future__ import annotations

from typing import Any, Container, Dict, List, Mapping, NamedTuple, Tuple

from falaj.cards.page.layers import Layers, in_layers
from falaj.client.html import escape

_MOST_STEPS = 200
_HIGH, _GAP_X, _GAP_Y, _LANE = 34, 44, 16, 12
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
    targets = {
        # Several cases of a switch may lead to the same step.
        name: [one for one in dict.fromkeys(ends) if one in targets]
        for name, ends in targets.items()
    }
    layers = in_layers(targets)
    boxes, width, height = _placed(layers, targets)
    kinds = {str(step["name"]): step for step in steps}
    lines = [(way[0], _onward([boxes[one] for one in way])) for way in layers.ways]
    for name, end in layers.back:
        height += _LANE
        lines.append((name, _back(boxes[name], boxes[end], height - _LANE / 2)))
    edges = "".join(_edge(line, kinds[name].get("kind") == "foreach") for name, line in lines)
    nodes = "".join(
        _node(name, boxes[name], name == marked, states.get(name, ""), kinds[name])
        for column in layers.columns
        for name in column
        if name in kinds
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


def _placed(layers: Layers, steps: Container[str]) -> Tuple[Dict[str, _Box], float, float]:
    tallest = max(len(column) for column in layers.columns)
    height = tallest * (_HIGH + _GAP_Y) - _GAP_Y + 4
    # What leads back goes round the first and the last steps, too.
    margin = 2.0 + (_GAP_X / 2 if layers.back else 0)
    boxes: Dict[str, _Box] = {}
    x = margin
    for column in layers.columns:
        width = max(len(name) for name in column if name in steps) * _CHARACTER + 26
        used = len(column) * (_HIGH + _GAP_Y) - _GAP_Y
        for place, name in enumerate(column):
            y = (height - used) / 2 + place * (_HIGH + _GAP_Y)
            boxes[name] = _Box(x, y, width)
        x += width + _GAP_X
    return boxes, x - _GAP_X + margin, height


def _onward(way: List[_Box]) -> str:
    """Return the line from the first of `way` to the last, along the places between them."""
    first, bend = way[0], _GAP_X / 2
    x, y = first.x + first.width, first.y + _HIGH / 2
    line = "M{:.1f} {:.1f}".format(x, y)
    for box in way[1:]:
        left, level = box.x - (box is way[-1]), box.y + _HIGH / 2
        line += " C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}".format(
            x + bend, y, left - bend, level, left, level
        )
        x, y = box.x + box.width, level
        if box is not way[-1]:
            line += " H{:.1f}".format(x)
    return line


def _back(start: _Box, end: _Box, lane: float) -> str:
    """Return the line out of `start`, down to a lane below all steps, and up again to `end`."""
    return (
        "M{:.1f} {:.1f} h8 q6 0 6 6 V{:.1f} q0 6 -6 6 H{:.1f} q-6 0 -6 -6 V{:.1f} q0 -6 6 -6 "
        "H{:.1f}".format(
            start.x + start.width,
            start.y + _HIGH * 0.75,
            lane - 6,
            end.x - 12,
            end.y + _HIGH * 0.75 + 6,
            end.x - 1,
        )
    )


def _edge(line: str, many: bool) -> str:
    kind = " many" if many else ""
    return '<path class="edge{}" d="{}" marker-end="url(#tip)"/>'.format(kind, line)


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
