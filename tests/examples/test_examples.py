"""Every folder in examples/ is complete, runs, and leaves behind what it promises."""

import json
from pathlib import Path
from typing import Any

import pytest

from falaj import Run

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
REQUIRED = ("README.md", "flow.py", "expected.json")


def _agrees(actual: Any, expected: Any) -> bool:
    """Say whether a value is as expected; a dict's values may be dicts that hold more keys."""
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(
            _holds(actual[key], value) for key, value in expected.items()
        )
    return actual == expected


def _holds(actual: Any, expected: Any) -> bool:
    if isinstance(expected, dict):
        return all(key in actual and _holds(actual[key], expected[key]) for key in expected)
    return actual == expected


def test_there_are_examples() -> None:
    assert {"hello", "genre_stats"} <= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_example_is_complete(folder: str) -> None:
    present = {path.name for path in (EXAMPLES / folder).iterdir()}
    assert [name for name in REQUIRED if name not in present] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_example_leaves_what_it_promises(folder: str, run_flow: Any, tmp_path: Path) -> None:
    expected = json.loads((EXAMPLES / folder / "expected.json").read_text(encoding="utf-8"))
    finished = run_flow(EXAMPLES / folder / "flow.py", "run", "--run-id-file", tmp_path / "id")
    assert finished.returncode == 0, finished.stdout + finished.stderr

    run = Run(f"{expected['flow']}/{(tmp_path / 'id').read_text().strip()}")
    assert run.successful
    assert {step.id: len(list(step)) for step in run} == expected["tasks"]
    assert expected["artifacts"]
    for name, value in expected["artifacts"].items():
        assert _agrees(getattr(run.data, name), value), name
