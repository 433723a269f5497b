"""Rows as a data frame of the user's own pandas, which Falaj itself does without."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Sequence


def frame(rows: Sequence[Any], columns: Sequence[str]) -> Any:
    """Return a pandas DataFrame; raise ModuleNotFoundError where pandas is not installed."""
    pandas: Any = import_module("pandas")
    return pandas.DataFrame(rows, columns=list(columns))
