"""The steps of a graph in layers: lines lead to the right, but for those that close a loop."""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Sequence, Set, Tuple

Edge = Tuple[str, str]


class Layers(NamedTuple):
    """Steps from left to right and top to bottom, and among them the places that lines pass.

    A line that leads on is the steps and places of its `ways`; `back` are those that do not.
    """

    columns: List[List[str]]
    ways: List[List[str]]
    back: List[Edge]


def in_layers(targets: Mapping[str, Sequence[str]]) -> Layers:
    """Return the steps, each with those that it leads to, by their longest way from a beginning."""
    back = _closing_loops(targets)
    onward = {
        name: [end for end in ends if (name, end) not in back] for name, ends in targets.items()
    }
    depths = _depths(onward)
    columns: List[List[str]] = [[] for _ in range(max(depths.values()) + 1)]
    for name, depth in depths.items():
        columns[depth].append(name)
    ways: List[List[str]] = []
    for name, ends in onward.items():
        for end in ends:
            way = [name]
            for column in range(depths[name] + 1, depths[end]):
                way.append("\n".join((name, end, str(column))))
                columns[column].append(way[-1])
            ways.append([*way, end])
    _untangle(columns, ways)
    return Layers(columns, ways, back)


def _closing_loops(targets: Mapping[str, Sequence[str]]) -> List[Edge]:
    found: List[Edge] = []
    above: Set[str] = set()
    done: Set[str] = set()

    def visit(name: str) -> None:
        above.add(name)
        for end in targets[name]:
            if end in above:
                found.append((name, end))
            elif end not in done:
                visit(end)
        above.discard(name)
        done.add(name)

    entered = {end for ends in targets.values() for end in ends}
    for name in sorted(targets, key=lambda one: one in entered):
        if name not in done:
            visit(name)
    return found


def _depths(onward: Mapping[str, Sequence[str]]) -> Dict[str, int]:
    """Return how far each step is from a beginning, in the order in which they are reached."""
    waits = dict.fromkeys(onward, 0)
    for ends in onward.values():
        for end in ends:
            waits[end] += 1
    depths = dict.fromkeys(onward, 0)
    ready = [name for name, count in waits.items() if not count]
    for name in ready:
        for end in onward[name]:
            depths[end] = max(depths[end], depths[name] + 1)
            waits[end] -= 1
            if not waits[end]:
                ready.append(end)
    return {name: depths[name] for name in ready}


def _untangle(columns: List[List[str]], ways: List[List[str]]) -> None:
    """Put what stands in a column in the order of what leads there."""
    before: Dict[str, List[str]] = {}
    for way in ways:
        for one, following in zip(way, way[1:]):
            before.setdefault(following, []).append(one)
    rank: Dict[str, int] = {}

    def middle(name: str) -> float:
        ranks = [rank[one] for one in before[name]]
        return sum(ranks) / len(ranks)

    for left, column in zip(columns, columns[1:]):
        rank.update((name, place) for place, name in enumerate(left))
        column.sort(key=middle)
