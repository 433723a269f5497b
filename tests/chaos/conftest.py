"""Chaos tests: real processes, killed and starved; each has a place of its own."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from support.processes import kill_marked
from support.runs import Place

MakePlace = Callable[..., Place]


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[MakePlace]:
    """Return a function that makes a place from a flow's source; nothing outlives the test."""
    places: list[Place] = []

    def make(source: str = "", name: str = "flow.py", folder: str = "") -> Place:
        inside = tmp_path / (folder or f"place{len(places)}")
        inside.mkdir(parents=True)
        places.append(Place(inside, source, name))
        return places[-1]

    yield make
    for place in places:
        kill_marked(place.mark)
