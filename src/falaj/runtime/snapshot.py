"""The code of a run: the flow's file and the local modules that it imports, content-addressed."""

from __future__ import annotations

import json
import os
from typing import Dict

from falaj.authoring.shape import kept_shape
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order, Report
from falaj.runtime.failure import describe_exception
from falaj.runtime.localcode import local_files
from falaj.runtime.surroundings import describe_surroundings
from falaj.store.blobs import BlobStore


def take_snapshot(description: FlowDescription, order: Order, flow_class: type = object) -> Report:
    """Store the code; the report's manifest is the digest of the listing.

    The listing is JSON: the script's name and for each file, relative to the script's folder,
    the digest of its contents. Code that travels with the run is part of it as it travels, with
    the digest of its own listing, and so is what mutators add. The report's environment is the
    digest of what is installed here.
    """
    try:
        os.nice(10)
        store = BlobStore(str(order.context["store"]))
        script = os.path.abspath(description.file)
        folder = os.path.dirname(script)
        files: Dict[str, str] = {}
        for path in sorted(local_files(script)):
            try:
                with open(path, "rb") as file:
                    files[os.path.relpath(path, folder)] = store.put(file.read())
            except OSError:
                # Removed since it was imported; what can be kept is kept.
                continue
        if order.context.get("travelled") is not None:
            # Imported here: few runs have code that travels.
            from falaj.runtime.travelling import files_as_they_travel

            for path, contents in files_as_they_travel(store, order.context["travelled"]):
                files[os.path.relpath(path, folder)] = contents
        shape = kept_shape(flow_class)
        if shape is not None and shape.adding:
            # Imported here: few flows have mutators.
            from falaj.authoring.additions import additions_of

            for added in additions_of(shape):
                with open(added.path, "rb") as file:
                    files[added.name] = store.put(file.read())
        listing = {"script": os.path.basename(script), "files": files}
        if order.context.get("travelled") is not None:
            listing["travelled"] = order.context["travelled"]
        digest = store.put(json.dumps(listing, sort_keys=True).encode())
        here = json.dumps(describe_surroundings(), sort_keys=True)
        return Report("succeeded", digest, None, None, "", {}, store.put(here.encode()))
    except Exception as error:
        return Report("failed", None, None, describe_exception(error), "", {})
