"""Whatever the client gives can be pickled, and is the same wherever it is loaded."""

import os
import pickle
import subprocess
import sys

import pytest

from falaj.client import (
    DataArtifact,
    Falaj,
    Flow,
    Run,
    Task,
    default_metadata,
    get_metadata,
    inspect_spin,
    metadata,
    namespace,
)
from falaj.errors import FalajNamespaceMismatch
from falaj.home import Home, spin_home


@pytest.fixture
def things(records):
    """Return objects of every kind that belong to one run."""
    run = Run(f"Stats/{records.finished_run()}")
    task = Task(f"{run.pathspec}/train/3", attempt=0)
    step = task.parent
    return [
        Falaj(),
        run.parent,
        run,
        step,
        task,
        task["x"],
        DataArtifact(f"{task.pathspec}/x", attempt=0),
        task.data,
        run.parameters,
        task.metadata,
    ]


def shown(things):
    return [repr(thing) for thing in things]


def test_in_another_home_and_namespace(things, tmp_path, monkeypatch):
    before, stored = shown(things), pickle.dumps(things)
    namespace("user:nobody")
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "empty"))
    again = pickle.loads(stored)
    assert shown(again) == before
    assert again[7].x == 30
    assert again[5].data == 30


def test_in_another_process(things, tmp_path):
    code = "import pickle, sys; print(*map(repr, pickle.load(sys.stdin.buffer)), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(things),
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "FALAJ_HOME": str(tmp_path / "empty")},
    )
    assert done.stdout.decode() == "\n".join(shown(things)) + "\n"


def test_after_a_fork(things):
    stored, before = pickle.dumps(things), shown(things)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        same = shown(pickle.loads(stored)) == before and shown(things) == before
        os.write(writing, b"same" if same else b"other")
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        assert pipe.read() == b"same"
    os.waitpid(pid, 0)
    assert shown(things) == before


def test_an_object_that_has_left_its_namespace_is_kept(records):
    run = Run(f"Stats/{records.finished_run()}")
    run.add_tag("mine")
    namespace("mine")
    kept = Run(run.pathspec)
    stored = pickle.dumps([kept, kept["train"], kept["train"].task])
    run.remove_tag("mine")
    assert pickle.loads(stored)[0] == kept
    with pytest.raises(FalajNamespaceMismatch):
        Run(run.pathspec)


def test_the_homes_that_the_client_reads(records, tmp_path, monkeypatch):
    run = records.finished_run()
    root = records.home.root
    assert get_metadata() == f"local@{root}"
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "other"))
    (tmp_path / "project" / ".falaj").mkdir(parents=True)
    (tmp_path / "project" / "deep").mkdir()
    try:
        assert metadata(str(tmp_path / "project" / "deep")).endswith("project/.falaj")
        assert list(Falaj()) == []
        assert metadata(root) == f"local@{root}"
        assert Run(f"Stats/{run}").id == str(run)
        inspect_spin(root)
        assert Falaj().flows == []
        assert get_metadata() == f"spin@{root}"
    finally:
        default_metadata()
    with pytest.raises(Exception, match="There is no flow"):
        Flow("Stats")


def test_a_home_of_spins_shares_the_store():
    home = Home("/somewhere")
    assert spin_home(home).store == home.store
    assert spin_home(spin_home(home)) == spin_home(home)
    assert spin_home(home).records != home.records
