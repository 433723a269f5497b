"""The process that `dump` asks for values whose previews are cut: plain data alone, run no code.

It is told the folder of blobs as its one argument. For each line on stdin, the JSON fields of an
artifact's entry, it writes one line: the value as JSON text, or null where the value is no plain
data (None, bool, numbers, text, bytes and the containers of these).
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from typing import Any, Optional

from falaj.hashing import blob_digest
from falaj.store.blobs import BlobStore
from falaj.store.codec import BUFFERS
from falaj.store.manifests import Entry

# A set is made by name in the older of pickle's protocols.
_ALLOWED = {("builtins", "set"), ("builtins", "frozenset"), ("builtins", "complex")}


class _Plain(pickle.Unpickler):
    """Refuses whatever a pickle names, so that none of it can run."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return one of the few types that hold plain data, or raise."""
        if (module_name, global_name) in _ALLOWED:
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError("{}.{} is no plain data".format(module_name, global_name))


def main(folder: str) -> None:
    """Answer until stdin ends."""
    store = BlobStore(folder)
    for line in sys.stdin:
        text = plain_text(store, Entry(*json.loads(line)))
        sys.stdout.write(json.dumps(text) + "\n")
        sys.stdout.flush()


def plain_text(store: BlobStore, entry: Entry) -> Optional[str]:
    """Return a value as `str` shows it; None where it is no plain data or can't be read."""
    if entry.codec == BUFFERS:
        return None
    try:
        if entry.offset < 0:
            data = bytes(store.read(entry.digest))
        else:
            data = bytes(store.read_range(entry.pack, entry.offset, entry.size))
            if blob_digest(data) != entry.digest:
                return None
        text = str(_Plain(io.BytesIO(data)).load())
    except Exception:
        # Gone, or no plain data.
        # A damaged pickle can raise anything; the preview is shown instead.
        return None
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
