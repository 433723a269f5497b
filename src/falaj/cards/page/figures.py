"""Numbers, sizes, spans and moments as people read them."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, Optional


def figure(value: Any) -> str:
    """Return a number with about six digits that count, and groups of three from 10,000 on."""
    if isinstance(value, int) and not isinstance(value, bool):
        # A year is no 2,024.
        return "{:,}".format(value) if abs(value) >= 10_000 else str(value)
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) < 1e15:
        return figure(int(value))
    if not 1e-4 <= abs(value) < 1e12:
        return "{:.4g}".format(value)
    places = max(0, 5 - math.floor(math.log10(abs(value))))
    text = "{:{}.{}f}".format(value, "," if abs(value) >= 10_000 else "", places)
    return text.rstrip("0").rstrip(".") if "." in text else text


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
