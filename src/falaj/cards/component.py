"""What every component of a card is."""

from __future__ import annotations

from typing import Any, Dict, Optional, Union

Rendered = Union[Dict[str, Any], str]


class MetaflowCardComponent:
    """One part of a card; `render` returns a JSON value that describes it, or HTML."""

    component_id: Optional[str] = None

    def render(self) -> Rendered:
        """Return the component as a JSON value, or as HTML."""
        raise NotImplementedError
