"""The genre statistics example gives the figures that pandas gives."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from falaj import Run

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "genre_stats"
MANY_FILMS = ROOT.parent / "shared" / "data" / "movies.csv"


def _quartiles_by_pandas(path: Path) -> dict[str, list[float]]:
    films = pd.read_csv(path)
    per_genre = films.assign(genre=films["genres"].str.split("|")).explode("genre")
    return {
        str(genre): group["gross"].quantile([0.25, 0.5, 0.75]).tolist()
        for genre, group in per_genre.groupby("genre")
    }


def _quartiles_by_the_flow(run_flow: Any, tmp_path: Path, *arguments: object) -> dict[str, Any]:
    finished = run_flow(EXAMPLE / "flow.py", "run", "--run-id-file", tmp_path / "id", *arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    run = Run(f"GenreStatsFlow/{(tmp_path / 'id').read_text().strip()}")
    return {genre: found["quartiles"] for genre, found in run.data.genre_stats.items()}


def test_the_shipped_films(run_flow: Any, tmp_path: Path) -> None:
    found = _quartiles_by_the_flow(run_flow, tmp_path)
    assert found == _quartiles_by_pandas(EXAMPLE / "movies.csv")
    assert len(found) >= 15


@pytest.mark.skipif(not MANY_FILMS.exists(), reason="needs ../shared/data/movies.csv (optional)")
def test_thousands_of_films(run_flow: Any, tmp_path: Path) -> None:
    found = _quartiles_by_the_flow(run_flow, tmp_path, "--movies", MANY_FILMS)
    assert found == _quartiles_by_pandas(MANY_FILMS)


def test_the_table_is_read_back_from_the_record(run_flow: Any, tmp_path: Path) -> None:
    _quartiles_by_the_flow(run_flow, tmp_path)
    table = subprocess.run(
        [sys.executable, str(EXAMPLE / "quartiles.py")], capture_output=True, text=True, check=True
    ).stdout
    assert "Documentary      1      77.4      77.4      77.4" in table


@pytest.mark.skipif(not MANY_FILMS.exists(), reason="needs ../shared/data/movies.csv (optional)")
def test_thousands_of_films_with_two_pandas(run_flow: Any, tmp_path: Path) -> None:
    flow = EXAMPLE.parent / "two_pandas" / "flow.py"
    done = run_flow(flow, "run", "--movies", MANY_FILMS, "--run-id-file", tmp_path / "id")
    assert done.returncode == 0, done.stdout + done.stderr
    run = Run(f"TwoPandasFlow/{(tmp_path / 'id').read_text().strip()}")
    assert run["start"].task.data.read_with == "0.24.2"
    assert {task.data.computed_with for task in run["compute_statistics"]} == {"0.25.3"}
    found = {genre: pytest.approx(three) for genre, three in run.data.genre_stats.items()}
    assert _quartiles_by_pandas(MANY_FILMS) == found
