"""The type of options that take an amount: a number that is not below zero, and has an end."""

from __future__ import annotations

import math
from typing import Any

import click

# Seconds that a command waits at most: a day.
LONGEST = 24 * 60 * 60


class Amount(click.FloatRange):
    """A finite number from zero on, which itself may be `excluded`, up to `most`."""

    def __init__(self, excluded: bool = False, most: float | None = None) -> None:
        """Take the bounds."""
        super().__init__(min=0, min_open=excluded, max=most)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; `inf` and `nan`, which Python reads as numbers, are none."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a number that can be counted to.", param, ctx)
        return number
