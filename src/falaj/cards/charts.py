"""The component for charts of Vega and Vega-Lite."""

from __future__ import annotations

from typing import Any, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import plain


class VegaChart(MetaflowCardComponent):
    """A chart, from a specification of Vega-Lite or Vega with its data inside."""

    type = "vegaChart"
    REALTIME_UPDATABLE = True

    def __init__(self, spec: Dict[str, Any], show_controls: bool = False) -> None:
        """Draw `spec`; `show_controls` adds a menu that saves the chart as an image."""
        self._spec = _specification(spec)
        self._show_controls = show_controls

    @classmethod
    def from_altair_chart(cls, altair_chart: Any) -> VegaChart:
        """Return the component of a chart made with Altair; ValueError for anything else."""
        if not _is_altair(altair_chart):
            raise ValueError(
                "from_altair_chart takes a chart of Altair, not {}.".format(
                    type(altair_chart).__name__
                )
            )
        return cls(altair_chart.to_dict())

    def update(self, spec: Any = None) -> None:
        """Draw another specification, or a chart of Altair; None changes nothing."""
        if spec is not None:
            self._spec = _specification(spec)

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        # A number that is none has no place in JSON; charts leave a gap where there is null.
        spec: Dict[str, Any] = plain(self._spec, missing=False)
        options: Optional[Dict[str, Any]] = None if self._show_controls else {"actions": False}
        return self._described(spec=spec, options=options)


def _specification(spec: Any) -> Dict[str, Any]:
    if _is_altair(spec):
        spec = spec.to_dict()
    if not isinstance(spec, dict):
        raise TypeError(
            "A chart's specification is a dict, not {}. For a chart of Altair there is "
            "VegaChart.from_altair_chart.".format(type(spec).__name__)
        )
    return spec  # pyright: ignore[reportUnknownVariableType]


def _is_altair(chart: Any) -> bool:
    # Every kind of chart (layered, concatenated, faceted …) is a TopLevelMixin there.
    return callable(getattr(chart, "to_dict", None)) and any(
        kind.__module__.partition(".")[0] == "altair" for kind in type(chart).__mro__
    )
