"""What calling a flow class does; the package's root says so, above everything that it needs."""

from __future__ import annotations

from typing import Callable, List

_launchers: List[Callable[[type], None]] = []


def set_launcher(launcher: Callable[[type], None]) -> None:
    """Have `launcher` run the command line of flow classes that are called."""
    _launchers[:] = [launcher]


def launch(flow_class: type) -> None:
    """Run the command line of a flow class."""
    for launcher in _launchers:
        launcher(flow_class)
