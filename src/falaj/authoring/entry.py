"""What flow classes ask of what stands above them; the package's root says who answers."""

from __future__ import annotations

from typing import Any, Callable, List

_launchers: List[Callable[[type], None]] = []
_graphs: List[Callable[[type], Any]] = []


def set_launcher(launcher: Callable[[type], None]) -> None:
    """Have `launcher` run the command line of flow classes that are called."""
    _launchers[:] = [launcher]


def set_grapher(grapher: Callable[[type], Any]) -> None:
    """Have `grapher` make the graphs of flow classes that are looked at."""
    _graphs[:] = [grapher]


def launch(flow_class: type) -> None:
    """Run the command line of a flow class."""
    for launcher in _launchers:
        launcher(flow_class)


def graph_of(flow_class: type) -> Any:
    """Return the graph of a flow class."""
    return _graphs[0](flow_class)
