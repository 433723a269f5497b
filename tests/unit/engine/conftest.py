"""Makes the fakes of this folder importable by their bare name."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from engine_fakes import System

from falaj.home import Home


@pytest.fixture
def make(tmp_path: Path) -> "Iterator[Callable[..., System]]":
    """Return a function that makes a system with a home of its own; see `System`."""
    made: list[System] = []

    def make_one(*steps: Any, **options: Any) -> System:
        home = Home(str(tmp_path / f"home{len(made)}"))
        made.append(System(home, steps, **options))
        return made[-1]

    yield make_one
    for system in made:
        system.close()
