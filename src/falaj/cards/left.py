"""What a step has left for one card: its components as JSON values, and the data of `refresh`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Tuple, cast

from falaj.cards.component import Rendered
from falaj.errors import CorruptBlob

if TYPE_CHECKING:
    from falaj.store.blobs import BlobStore


class Left(NamedTuple):
    """The components of a card by their ids (None for most), in order, and the user's data."""

    components: Tuple[Tuple[Optional[str], Rendered], ...] = ()
    user: Any = None

    def shown(self) -> List[Rendered]:
        """Return the components alone."""
        return [one for _, one in self.components]

    def data(self, mode: str) -> Dict[str, Any]:
        """Return what `render_runtime` and `refresh` are given."""
        named = {name: one for name, one in self.components if name is not None}
        return {"mode": mode, "components": named, "user": self.user}


def encode(components: "List[Tuple[Optional[str], Rendered]]", user: Any) -> bytes:
    """Return the bytes under which components and data are stored."""
    value = {"components": components, "user": user}
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def load_left(store: "BlobStore", digest: Optional[str]) -> Left:
    """Return what is stored under `digest`; nothing at all for None.

    Raises CorruptBlob for what no step has left.
    """
    if digest is None:
        return Left()
    try:
        value: Any = json.loads(store.read(digest))
        pairs = [(name, one) for name, one in value["components"]]
        if not all(isinstance(one, (dict, str)) for _, one in pairs):
            raise ValueError("a component is neither an object nor HTML")
        return Left(cast("Any", tuple(pairs)), value.get("user"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise CorruptBlob(digest, store.path(digest), "it holds no components") from None
