"""Running what was written for others: flow files that import Metaflow, unchanged."""

from __future__ import annotations

import os
import sys

VARIABLE = "FALAJ_METAFLOW"


def is_asked_for() -> bool:
    """Say whether FALAJ_METAFLOW lets `import metaflow` mean Falaj."""
    return os.environ.get(VARIABLE, "0") not in ("", "0")


def switch_on_if_asked() -> None:
    """Let `import metaflow` mean Falaj where FALAJ_METAFLOW says so."""
    if is_asked_for():
        __import__("falaj.compat.metaflow")
        sys.modules["falaj.compat.metaflow"].switch_on()


def advice_on(error: BaseException) -> str:
    """Return what to do where an import failed for want of Metaflow, else nothing."""
    name = getattr(error, "name", None) if isinstance(error, ImportError) else None
    if str(name).partition(".")[0] != "metaflow" or os.environ.get(VARIABLE, "0") not in ("", "0"):
        return ""
    return " Set {}=1 to let `import metaflow` mean Falaj.".format(VARIABLE)
