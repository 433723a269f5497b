"""The files in which whoever started a run finds what to look for, or why there is nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from falaj.errors import StoreUnavailable
from falaj.home import Home


def write_attributes(path: str, attributes: Mapping[str, Any]) -> None:
    """Write the file whole or not at all; raise StoreUnavailable where it can't be written."""
    _write_whole(path, json.dumps(attributes))


def write_run_id(path: str, run: int) -> None:
    """Write the run's number to the file that --run-id-file names, likewise."""
    _write_whole(path, str(run))


def run_attributes(flow: str, run: int, home: Home) -> dict[str, Any]:
    """Return what is told of a run: its names, as texts, and where it is recorded."""
    kind = "spin" if home.shares else "local"
    return {
        "flow_name": flow,
        "run_id": str(run),
        "home": home.root,
        "shares": home.shares,
        "metadata": f"{kind}@{home.shares or home.root}",
    }


def _write_whole(path: str, text: str) -> None:
    temporary = f"{path}.{os.getpid()}"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(temporary, path)
    except OSError as error:
        raise StoreUnavailable(f"Can't write {path}: {error.strerror}.") from error
