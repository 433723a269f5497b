"""What this machine has for steps that ask by @resources, and what of it is taken."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from falaj.errors import ResourcesUnavailable
from falaj.model.graph import FlowDescription
from falaj_control.settings import Settings

# `shared_memory` and `disk` are checked once; these three are shared out between running tasks.
_SHARED = ("cpu", "memory", "gpu")
# Fractions that are taken and given back leave a rest behind.
_ROUNDING = 1e-6
_UNITS = {"cpu": "processors", "memory": "MB of memory", "gpu": "GPUs", "disk": "MB of disk"}


class Capacity:
    """Counts what running tasks have asked for; steps that ask for nothing take nothing."""

    def __init__(self, limits: Mapping[str, float]) -> None:
        """Share out `limits`, by resource."""
        self.limits = dict(limits)
        self._taken = dict.fromkeys(_SHARED, 0.0)

    def fits(self, asked: Mapping[str, Any] | None, tasks: int = 1) -> bool:
        """Say whether so many tasks that ask for this each can start now."""
        return asked is None or all(
            self._taken[name] + tasks * _amount(asked, name) <= self.limits[name] + _ROUNDING
            for name in _SHARED
        )

    def lacks(self, asked: Mapping[str, Any] | None, tasks: int) -> str:
        """Say what there will never be enough of for so many tasks at once; nothing if there is."""
        for name in _SHARED if asked is not None else ():
            wanted = tasks * _amount(asked or {}, name)
            if wanted > self.limits[name] + _ROUNDING:
                return f"{wanted:g} {_UNITS[name]}, and this machine has {self.limits[name]:g}"
        return ""

    def take(self, asked: Mapping[str, Any] | None, sign: int = 1) -> None:
        """Count a task's request as taken, or with a `sign` of -1 as given back."""
        for name in _SHARED if asked is not None else ():
            self._taken[name] += sign * _amount(asked or {}, name)

    def check(self, description: FlowDescription) -> None:
        """Raise ResourcesUnavailable for a step that this machine can never run."""
        for step in description.steps:
            decorator = step.decorator("resources")
            for name, unit in _UNITS.items() if decorator is not None else ():
                wanted = _amount(decorator.attributes if decorator else {}, name)
                if wanted > self.limits[name]:
                    raise ResourcesUnavailable(
                        f"Step {step.name} ({step.file}:{step.line}) asks for {wanted:g} {unit} "
                        f"with @resources, and this machine has {self.limits[name]:g}. Ask for "
                        f"less, or run the step where there is more."
                    )


def this_machine(settings: Settings) -> Capacity:
    """Return the capacity of this machine, or what the settings say of it."""
    usable = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1048576
    place = settings.home.root
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    space = os.statvfs(place)
    return Capacity(
        {
            "cpu": settings.local_cpu or usable,
            "memory": settings.local_memory or pages,
            "gpu": settings.local_gpu or _gpus(),
            "disk": space.f_bavail * space.f_frsize / 1048576,
        }
    )


def _gpus() -> int:
    return sum(re.fullmatch(r"nvidia\d+", name) is not None for name in os.listdir("/dev"))


def _amount(asked: Mapping[str, Any], name: str) -> float:
    return float(asked.get(name) or 0)
