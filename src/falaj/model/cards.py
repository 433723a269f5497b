"""The cards of a step, in the order in which a person reads them, and the types that come along.

Every run looks here, so nothing of what cards are made of is loaded.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from falaj.model.graph import DecoratorSpec

# Type -> class in falaj.cards.builtin. These are rendered wherever Falaj is, from records and
# components alone.
BUILT_IN: Mapping[str, str] = {
    "default": "DefaultCard",
    "blank": "BlankCard",
    "default_json": "DefaultCardJSON",
    "error": "ErrorCard",
    "taskspec_card": "TaskSpecCard",
}
# Those of them that take components from the step, and show them while it runs.
EDITABLE = frozenset(("default", "blank", "default_json"))


def cards_among(decorators: Sequence[DecoratorSpec]) -> List[Dict[str, Any]]:
    """Return the arguments of each @card among a step's decorators, those of --with last."""
    found = [one for one in decorators if one.name == "card"]
    own = [one for one in found if not one.from_outside]
    outside = [one for one in found if one.from_outside]
    # The decorator nearest to the function is the first to have been applied.
    return [dict(one.attributes) for one in (*reversed(own), *outside)]


def recorded_cards(graph: Mapping[str, Any], step: str) -> List[Dict[str, Any]]:
    """Return the same of a step in the graph that a run has recorded; none for no such step."""
    for one in graph.get("steps", ()):
        if one["name"] == step:
            return cards_among([DecoratorSpec(**decorator) for decorator in one["decorators"]])
    return []
