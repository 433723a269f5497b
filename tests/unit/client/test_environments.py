"""What runs, steps and tasks ran in, as the client tells it."""

import copy
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from falaj.client import Flow, Run, Step, Task
from falaj.client.environments import in_a_line
from falaj.client.reader import Reader
from falaj.home import Home
from falaj_control.records.schema import MIGRATIONS


def test_each_task_tells_what_it_ran_in(records: Any) -> None:
    run = records.finished_run(environment=records.environment(kind="local"))
    records.connection.execute(
        "UPDATE steps SET environment = ? WHERE name = 'train'", [records.environment()]
    )
    kinds = {
        task.id: task.environment_info["kind"] for step in Run(f"Stats/{run}") for task in step
    }
    assert kinds == {
        "1": "local",
        "2": "pypi",
        "3": "pypi",
        "4": "pypi",
        "5": "local",
        "6": "local",
    }
    steps = {step.id: step.environment_info["kind"] for step in Run(f"Stats/{run}")}
    assert steps == {"start": "local", "train": "pypi", "join": "local", "end": "local"}
    assert Run(f"Stats/{run}").environment_info["kind"] == "local"
    info = Task(f"Stats/{run}/train/2").environment_info
    assert info["python"]["version"] == "3.7.16"
    assert info["packages"][1] == {"name": "pandas", "version": "0.24.2"}


def test_a_reused_task_tells_what_the_task_ran_in_that_really_ran(records: Any) -> None:
    first = records.finished_run(environment=records.environment(kind="local", platform="old"))
    records.connection.execute(
        "UPDATE steps SET environment = ? WHERE name = 'train'", [records.environment()]
    )
    second = records.run(environment=records.environment(kind="local", platform="new"))
    third = records.run(environment=records.environment(kind="local", platform="newer"))
    for run, origin in ((second, first), (third, second)):
        for number, step in ((1, "start"), (2, "train")):
            records.step(run, step, "reused")
            records.task(run, number, step, "reused", origin_run=origin, origin_task=number)
    assert Task(f"Stats/{third}/train/2").environment_info["kind"] == "pypi"
    assert Task(f"Stats/{third}/start/1").environment_info["platform"] == "old"
    assert Step(f"Stats/{third}/train").environment_info["kind"] == "pypi"
    assert Run(f"Stats/{third}").environment_info["platform"] == "newer"


def test_where_nothing_was_recorded_there_is_none(records: Any) -> None:
    run = records.finished_run()
    for thing in (Run(f"Stats/{run}"), Step(f"Stats/{run}/train"), Task(f"Stats/{run}/train/2")):
        assert thing.environment_info is None
        assert "environment" not in thing._repr_html_()


def test_a_notebook_shows_the_gist(records: Any) -> None:
    run = records.finished_run(environment=records.environment(kind="local", lock=None))
    records.connection.execute(
        "UPDATE steps SET environment = ? WHERE name = 'train'", [records.environment()]
    )
    for path in (f"Stats/{run}/train", f"Stats/{run}/train/2"):
        thing = Step(path) if path.endswith("train") else Task(path)
        assert "Python 3.7.16 \u00b7 pandas 0.24.2 \u00b7 1 more package<" in thing._repr_html_()
    assert "Python 3.7.16 \u00b7 2 packages<" in Run(f"Stats/{run}")._repr_html_()


ASKED = {
    "pandas==0.24.2": "pandas 0.24.2",
    "Typing_Extensions>=3 ; python_version < '4'": "typing-extensions 4",
    "numpy[extra]~=1.0": "numpy 1.17",
    "conda-forge::numpy 1.17.*": "numpy 1.17",
    "six @ https://host/six.whl": "six 1",
    "numpy": "numpy 1.17",
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_was_asked_for_is_named_however_it_was_written(asked: str) -> None:
    versions = {"numpy": "1.17", "pandas": "0.24.2", "typing-extensions": "4", "six": "1"}
    packages = [{"name": name, "version": version} for name, version in versions.items()]
    told = {"python": {"version": "3.7.16"}, "packages": packages, "lock": {"asked": [asked]}}
    expected = f"Python 3.7.16 \u00b7 {ASKED[asked]} \u00b7 3 more packages"
    assert in_a_line(told) == expected
    assert in_a_line({**told, "packages": []}) == "Python 3.7.16"


def test_objects_with_environments_are_copied_and_pickled(records: Any) -> None:
    run = records.finished_run(environment=records.environment())
    for thing in (Run(f"Stats/{run}"), Step(f"Stats/{run}/train"), Task(f"Stats/{run}/train/2")):
        for again in (pickle.loads(pickle.dumps(thing)), copy.copy(thing)):
            assert again.environment_info == thing.environment_info


@pytest.fixture
def first_version(home: Path) -> sqlite3.Connection:
    """Return records as the first version of Falaj has written them."""
    connection = sqlite3.connect(home / "records.db", isolation_level=None)
    connection.executescript(MIGRATIONS[0] + "PRAGMA user_version = 1;")
    connection.execute(
        "INSERT INTO runs (flow, state, user, script, created_at, finished_at, graph, options, "
        "lease, heard_at) VALUES ('F', 'succeeded', 'ada', 'f.py', 1, 2, '{}', '{}', '{}', 2)"
    )
    connection.execute("INSERT INTO run_tags (run, tag, system) VALUES (1, 'user:ada', 1)")
    connection.execute(
        "INSERT INTO steps (run, name, position, state, created_at) "
        "VALUES (1, 'start', 0, 'succeeded', 1)"
    )
    connection.execute(
        "INSERT INTO tasks (run, id, step, indices, state, reason, parents, created_at) "
        "VALUES (1, 1, 'start', '[]', 'failed', '', '', 1)"
    )
    yield connection
    connection.close()


def test_records_of_the_first_version_are_read_as_they_are(
    first_version: sqlite3.Connection, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALAJ_USER", "ada")
    run = Flow("F").latest_run
    assert run is not None
    assert [step.id for step in run] == ["start"]
    assert [run.environment_info, run["start"].environment_info] == [None, None]
    assert run["start"]["1"].environment_info is None
    run.add_tag("seen")
    assert run.user_tags == {"seen"}
    assert first_version.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_reader_goes_on_when_the_records_are_brought_up_to_date(
    first_version: sqlite3.Connection, home: Path
) -> None:
    reader = Reader(Home(str(home)))
    assert [one.environment for one in (*reader.runs(), *reader.steps(1))] == [None, None]
    first_version.executescript(MIGRATIONS[1] + "PRAGMA user_version = 2;")
    first_version.execute("UPDATE runs SET environment = 'a'")
    first_version.execute("UPDATE steps SET environment = 'b'")
    assert [one.environment for one in (*reader.runs(), *reader.steps(1))] == ["a", "b"]
