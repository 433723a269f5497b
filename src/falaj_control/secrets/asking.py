"""A process that fetches one secret for a step, or for a program, that asks for it.

It reads what is wanted from its input as JSON, and writes the answer as JSON: `variables`, or
`error`.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from falaj.errors import FalajException
from falaj_control.secrets.providers import fetch
from falaj_control.secrets.sources import source_from
from falaj_control.settings import read_settings


def main() -> None:
    """Answer what the input asks for."""
    sys.stdout.write(json.dumps(_answer(json.load(sys.stdin))))


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    try:
        source = source_from(asked["source"], asked["role"], asked["folder"], read_settings())
        return {"variables": fetch(source)}
    except FalajException as error:
        return {"error": str(error)}
