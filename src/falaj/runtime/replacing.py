"""Inputs of a spun task that a file of the user's replaces: its dictionary ARTIFACTS."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, cast

from falaj.errors import FalajException
from falaj.model.orders import Order
from falaj.store.artifacts import save
from falaj.store.blobs import BlobStore
from falaj.store.codec import PROTOCOL, Encoded
from falaj.store.manifests import Entry, load_manifest, save_manifest

NAME = "ARTIFACTS"


class ArtifactsRefused(FalajException):
    """A file of artifacts that can't be used."""

    headline = "Can't use the artifacts"


def with_replaced_inputs(order: Order, store: BlobStore, path: str) -> Order:
    """Return `order` with the artifacts of the file `path` in all that the task starts from.

    Those of a join are replaced in each of its inputs. Nothing that is recorded changes: the task
    gets manifests of its own. Raises ArtifactsRefused.
    """
    values = read_artifacts(path)
    protocol = min(int(order.context.get("protocol", PROTOCOL)), PROTOCOL)

    def refuse(name: str, value: Any, error: Exception) -> Exception:
        return ArtifactsRefused(
            "{}[{!r}] of {} is a {} that can't be pickled: {}.".format(
                NAME, name, path, type(value).__name__, error
            )
        )

    entries = save(store, values, _never_unchanged, refuse, protocol, order.step)
    inputs = tuple(
        ref._replace(manifest=_replaced(store, ref.manifest, entries)) for ref in order.inputs
    )
    parameters = order.parameters and _replaced(store, order.parameters, entries)
    return order._replace(inputs=inputs, parameters=parameters)


def read_artifacts(path: str) -> Dict[str, Any]:
    """Return the dictionary ARTIFACTS of a Python file; raise ArtifactsRefused."""
    scope: Dict[str, Any] = {"__name__": "artifacts", "__file__": path}
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError as error:
        raise ArtifactsRefused("{} can't be read: {}.".format(path, error.strerror)) from error
    try:
        exec(compile(source, path, "exec", dont_inherit=True), scope)
    except (Exception, SystemExit) as error:
        raise ArtifactsRefused(
            "{} can't be imported: {}: {}{}".format(
                path, type(error).__name__, error, _line_in(error, path)
            )
        ) from error
    found = scope.get(NAME)
    if not isinstance(found, dict):
        raise ArtifactsRefused(
            "{} has to define {} as a dictionary of values by the names of artifacts.".format(
                path, NAME
            )
        )
    values = cast("Dict[Any, Any]", found)
    for name in values:
        if not (isinstance(name, str) and name.isidentifier()) or name.startswith("__"):
            raise ArtifactsRefused("{!r} in {} of {} names no artifact.".format(name, NAME, path))
    return values


def _replaced(store: BlobStore, digest: str, entries: Dict[str, Entry]) -> str:
    manifest = load_manifest(store, digest)
    kept = {name: one for name, one in manifest.entries.items() if name not in entries}
    return save_manifest(store, manifest, kept, entries, manifest.frames)


def _never_unchanged(_name: str, _encoded: Encoded) -> Optional[Entry]:
    return None


def _line_in(error: BaseException, path: str) -> str:
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return " ({}:{})".format(os.path.basename(path), line) if line else "."
