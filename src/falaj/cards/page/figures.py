"""Numbers, sizes, spans and moments as people read them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Optional


def figure(value: Any) -> str:
    """Return a number with groups of three digits and at most six that count."""
    if isinstance(value, int) and not isinstance(value, bool):
        return "{:,}".format(value)
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return "{:,}".format(int(value))
    return "{:,.6g}".format(value) if 1e-4 <= abs(value) < 1e9 else "{:.4g}".format(value)


def size(count: float) -> str:
    """Return a number of bytes: `3.2 MiB`."""
    unit = "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if count < 1024:
            break
        count, unit = count / 1024, larger
    return "{:.{}f} {}".format(count, 0 if unit == "B" else 1, unit)


def span(seconds: Optional[float]) -> str:
    """Return a length of time: `85 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "{:.0f} ms".format(max(seconds, 0) * 1000)
    if seconds < 60:
        return "{:.1f} s".format(seconds)
    whole = int(seconds)
    if whole < 3600:
        return "{} min {} s".format(whole // 60, whole % 60)
    if whole < 86400:
        return "{} h {} min".format(whole // 3600, whole % 3600 // 60)
    return "{} d {} h".format(whole // 86400, whole % 86400 // 3600)


def moment(at: Any) -> str:
    """Return seconds since the epoch or a datetime as local time: `2024-05-01 12:00:03`."""
    if isinstance(at, (int, float)):
        try:
            at = datetime.fromtimestamp(at)
        except (OverflowError, OSError, ValueError):
            return str(at)
    return at.strftime("%Y-%m-%d %H:%M:%S") if isinstance(at, datetime) else str(at)
