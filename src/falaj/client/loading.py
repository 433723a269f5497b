"""Loads an artifact's value where its class may be defined in the flow's own file."""

from __future__ import annotations

import os
import sys
from _thread import RLock
from types import ModuleType
from typing import Any, Optional

from falaj.errors import ArtifactNotLoadable
from falaj.model.records import RunRecord
from falaj.store.artifacts import load_artifact
from falaj.store.blobs import BlobStore
from falaj.store.manifests import Entry

_MAIN = "__main__"
_swapping = RLock()


def load_value(store: BlobStore, entry: Entry, name: str, run: RunRecord, pathspec: str) -> Any:
    """Return the verified value of the artifact `name` of the task at `pathspec`.

    A flow's own classes are stored as those of `__main__`; where this process is another program,
    they are looked for in the module made from the flow's file, if it has been imported.
    """
    named = "{} of {}".format(name, pathspec)
    try:
        return load_artifact(store, entry, named)
    except ArtifactNotLoadable as error:
        cause = error.__cause__
        if not isinstance(cause, AttributeError) or _MAIN not in str(cause):
            raise
        module = _script_module(run.script)
        if module is not None:
            try:
                with _swapping:
                    return _as_main(module, store, entry, named)
            except ArtifactNotLoadable as again:
                cause = again.__cause__
        raise _foreign_main(named, run, cause, module) from cause


def _as_main(module: ModuleType, store: BlobStore, entry: Entry, name: str) -> Any:
    # Pickle resolves names through sys.modules alone, so the flow's module stands in for a moment.
    main = sys.modules[_MAIN]
    sys.modules[_MAIN] = module
    try:
        return load_artifact(store, entry, name)
    finally:
        sys.modules[_MAIN] = main


def _script_module(script: str) -> Optional[ModuleType]:
    for name, module in list(sys.modules.items()):
        if name == _MAIN:
            continue
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.basename(file) == os.path.basename(script):
            try:
                if os.path.samefile(file, script):
                    return module
            except OSError:
                continue
    return None


def _foreign_main(
    named: str, run: RunRecord, cause: Optional[BaseException], module: Optional[ModuleType]
) -> ArtifactNotLoadable:
    script = run.script
    if module is not None:
        return ArtifactNotLoadable(
            "The artifact {} can't be loaded: its class was defined in {} when it was stored, and "
            "is not there now ({}). run.code has the file as it was.".format(named, script, cause)
        )
    return ArtifactNotLoadable(
        "The artifact {} can't be loaded: its class is defined in the flow's own file, {}, which "
        "this program has not imported ({}). Import that file first (import {}, with {} on "
        "sys.path), or move the class to a module of its own.".format(
            named,
            script,
            cause,
            os.path.splitext(os.path.basename(script))[0],
            os.path.dirname(script) or ".",
        )
    )
