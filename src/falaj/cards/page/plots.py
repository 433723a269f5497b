"""Small plots as inline SVG, coloured by the page's style."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Optional, Sequence, Tuple, cast

from falaj.cards.page.figures import figure
from falaj.client.html import escape


def histogram(found: Dict[str, Any], width: int = 240, height: int = 56) -> str:
    """Return the bars of a histogram given as `low`, `high` and `counts`; nothing for no counts."""
    counts = numbers(found.get("counts"))
    low, high = found.get("low"), found.get("high")
    if not counts or not isinstance(low, (int, float)) or not isinstance(high, (int, float)):
        return ""
    most, step = max(counts) or 1, width / len(counts)
    bars: List[str] = []
    for place, count in enumerate(counts):
        tall = max(count / most * height, 1 if count else 0)
        left = low + (high - low) * place / len(counts)
        right = low + (high - low) * (place + 1) / len(counts)
        label = "{} to {}: {}".format(figure(left), figure(right), figure(count))
        bars.append(
            '<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
            "<title>{}</title></rect>".format(
                place * step + 0.5, height - tall, max(step - 1, 0.5), tall, escape(label)
            )
        )
    words = "Distribution from {} to {}".format(figure(low), figure(high))
    return _svg("plot", width, height, words, "".join(bars))


def sparkline(values: Sequence[float], width: int = 120, height: int = 28, label: str = "") -> str:
    """Return a line through `values` at equal distances; nothing for fewer than two."""
    if len(values) < 2:
        return ""
    points = _points([(place, value) for place, value in enumerate(values)], width, height)
    words = label or "{} values from {} to {}".format(
        len(values), figure(min(values)), figure(max(values))
    )
    return _svg("plot spark", width, height, words, _line(points))


def curve(
    points: Sequence[Tuple[float, float]], width: int, height: int, label: str, top: float = 0
) -> str:
    """Return an area below (x, y) pairs, from zero up to `top` or the largest y."""
    if len(points) < 2:
        return ""
    placed = _points(points, width, height, top, from_zero=True)
    area = "M{:.1f},{} L{} L{:.1f},{} Z".format(
        placed[0][0], height, _joined(placed), placed[-1][0], height
    )
    body = '<path class="area" d="{}"/>{}'.format(area, _line(placed))
    return _svg("plot curve", width, height, label, body)


def trend(points: Sequence[Tuple[float, float]], width: int, height: int, label: str) -> str:
    """Return a line through (x, y) pairs between the least and the largest y."""
    if len(points) < 2:
        return ""
    return _svg("plot trend", width, height, label, _line(_points(points, width, height)))


def numbers(values: Any) -> List[float]:
    """Return a list of finite numbers, empty where `values` holds anything else."""
    if not isinstance(values, list):
        return []
    found = cast(List[Any], values)
    if any(isinstance(value, bool) or not isinstance(value, (int, float)) for value in found):
        return []
    return [value for value in found if math.isfinite(value)]


def _points(
    points: Sequence[Tuple[float, float]],
    width: int,
    height: int,
    top: Optional[float] = None,
    from_zero: bool = False,
) -> List[Tuple[float, float]]:
    left, right = points[0][0], points[-1][0]
    ys = [y for _, y in points]
    low = 0.0 if from_zero else min(ys)
    high = max([*ys, top or low])
    # Halves, because the difference of two floats may be more than a float can hold.
    wide, tall = (right / 2 - left / 2) or 1, (high / 2 - low / 2) or 1
    margin = 2
    return [
        (
            margin + (x / 2 - left / 2) / wide * (width - 2 * margin),
            height - margin - (y / 2 - low / 2) / tall * (height - 2 * margin),
        )
        for x, y in points
    ]


def _joined(points: Sequence[Tuple[float, float]]) -> str:
    return " ".join("{:.1f},{:.1f}".format(x, y) for x, y in points)


def _line(points: Sequence[Tuple[float, float]]) -> str:
    return '<polyline class="line" points="{}"/>'.format(_joined(points))


def _svg(kind: str, width: int, height: int, label: str, body: str) -> str:
    return (
        '<svg class="{}" viewBox="0 0 {} {}" width="{}" height="{}" role="img" '
        'aria-label="{}">{}</svg>'.format(kind, width, height, width, height, escape(label), body)
    )
