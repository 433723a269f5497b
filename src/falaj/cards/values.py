"""The component that shows any Python object."""

from __future__ import annotations

from typing import Any, Dict, Optional

from falaj.cards.component import MetaflowCardComponent
from falaj.cards.plain import text_of
from falaj.errors import TimeoutException

_WHOLE = 20_000


class Artifact(MetaflowCardComponent):
    """Any object, as its preview shows it: frames as tables, arrays with their distribution."""

    type = "artifact"
    REALTIME_UPDATABLE = True

    def __init__(self, artifact: Any, name: Optional[str] = None, compressed: bool = True) -> None:
        """Show `artifact` under `name`; `compressed=False` shows more of its repr."""
        self._artifact = artifact
        self._name = name
        self._compressed = compressed

    def update(self, artifact: Any) -> None:
        """Show another object."""
        self._artifact = artifact

    def render(self) -> Dict[str, Any]:
        """Return the component as JSON values."""
        # Imported here: a flow file that imports components shall not pay for it.
        from falaj.store.preview import preview

        name = None if self._name is None else text_of(self._name)
        shown = preview(self._artifact)
        whole = None if self._compressed else _whole(self._artifact)
        return self._described(name=name, preview=shown, text=whole)


def _whole(value: Any) -> Optional[str]:
    # Imported here: slow to import, and seldom needed.
    from pprint import pformat

    try:
        text = text_of(pformat(value, width=100))
    except TimeoutException:
        raise
    except Exception:
        # The preview is there, and has found words even for this object.
        return None
    return text if len(text) <= _WHOLE else text[:_WHOLE] + "…"
