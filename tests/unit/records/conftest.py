"""A recorder with a run under way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from falaj.home import Home
from falaj.liveness import process_lease
from falaj_control.records.happenings import NewRun
from falaj_control.records.recorder import Recorder


@pytest.fixture
def new_run() -> NewRun:
    return NewRun(
        flow="F",
        user="ada",
        script="flow.py",
        created_at=100.0,
        origin=None,
        graph={},
        options={"x": 1},
        lease=process_lease(),
        steps=("start", "end"),
        tags=("mine",),
        system_tags=("user:ada",),
    )


@pytest.fixture
def recorder(tmp_path: Path, new_run: NewRun) -> Iterator[Recorder]:
    found = Recorder(Home(str(tmp_path / "home")))
    found.create_run(new_run)
    yield found
    found.close()
