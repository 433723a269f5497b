"""Which datastore a run has: none besides the home, or one of another package."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from falaj import extensions
from falaj.authoring.wording import listed, near_miss
from falaj.errors import ExtensionError
from falaj.store.blobs import BlobStore
from falaj.store.datastores import remember
from falaj_control.datastores.uploading import BlobUploads
from falaj_control.extensions import make
from falaj_control.ports.requests import LOCAL_DATASTORE
from falaj_control.ports.storing import Uploads
from falaj_control.records.recorder import Recorder


def open_datastore(text: str, root: str) -> Callable[[Recorder, Callable[[], None]], Uploads]:
    """Return what makes the uploads of a run to the datastore NAME or NAME:TARGET.

    They come from the store at `root`, whose readers hear of the datastore. What is returned takes
    the recorder of the run, and a function that is called when all is done. Raises ExtensionError
    for a name that nobody gives and for a package that is amiss, StoreUnavailable where the home
    can't be written.
    """
    name, _, target = text.partition(":")
    if not extensions.is_installed("stores", name):
        known = [LOCAL_DATASTORE, *extensions.names("stores")]
        raise ExtensionError(
            f"There is no datastore `{name}`{near_miss(name, known)}; there are {listed(known)}."
        )
    remote: Any = make("stores", name, target)
    remember(root, text, sys.executable, sys.path)

    def uploads(recorder: Recorder, wake: Callable[[], None]) -> Uploads:
        return BlobUploads(text, remote, BlobStore(root), recorder.texts_of_run, wake)

    return uploads
