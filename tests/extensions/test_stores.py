"""Datastores of an installed package: uploads beside a run, and reading what is gone here."""

import json
import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from falaj import Falaj, Flow
from falaj.store.blobs import BlobStore
from falaj_control.housekeeping.marking import mark, roots_in
from falaj_control.testing.stores import CHECKS, run_check

SAMPLE = Path(__file__).parent / "sample" / "src"
FLOW = """
import os

class F(FlowSpec):
    @card(type="blank")
    @step
    def start(self):
        self.small = 1
        self.large = os.urandom(100000)
        self.items = [1, 2, 3]
        current.log_params({"text": "x" * 5000})
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.square = self.input ** 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["large"])
        self.squares = [one.square for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        if os.environ.get("FAIL"):
            raise ValueError("told to")
        print(len(self.large), self.squares)
"""
READ = """
from falaj import Flow
run = Flow("F").latest_run
print(run.data.squares, len(run.data.large), len(run.code.flowspec) > 100)
"""


def sample_store(kind: str, folder: Path):
    """Return what makes the store of the sample package in a folder."""
    sys.path.insert(0, str(SAMPLE))
    try:
        from falaj_sample import stores
    finally:
        sys.path.remove(str(SAMPLE))
    return lambda: getattr(stores, kind)(str(folder))


def blobs_in(store: Path) -> set[str]:
    return {path.parent.name + path.name for path in store.glob("blobs/*/*")}


def reachable(home: Path) -> set[str]:
    """Return the blobs of the home that its records refer to, in any number of steps."""
    connection = sqlite3.connect(home / "records.db")
    marked = mark(BlobStore(str(home / "store")), roots_in(connection))
    connection.close()
    return {one.hex() for one in marked} & blobs_in(home / "store")


@pytest.mark.parametrize("name", CHECKS)
def test_the_store_of_a_package(name, tmp_path) -> None:
    run_check(name, sample_store("FolderStore", tmp_path / "far"), str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Forgetful", "what_is_uploaded_comes_back"),
        ("Forgetful", "what_can_not_be_read_is_raised"),
        ("Rotten", "another_process_sees_it"),
    ],
)
def test_a_store_with_a_fault_is_found_out(kind, name, tmp_path) -> None:
    with pytest.raises(AssertionError):
        run_check(name, sample_store(kind, tmp_path / "far"), str(tmp_path))


def test_all_blobs_of_a_run_are_uploaded_and_read_back(
    installed, with_python, flow, home, tmp_path
) -> None:
    path, far = flow(FLOW), tmp_path / "far"
    with_python(installed, path, "--datastore", f"folder:{far}", "run")
    assert {one.name for one in far.iterdir()} == reachable(home)
    shutil.rmtree(home / "store" / "blobs")
    # A client that has the package, and one that has it fetched by the interpreter that ran it.
    done = with_python(installed, "-c", READ)
    assert done.stdout.split("]")[1].split() == ["100000", "True"]
    shutil.rmtree(home / "store" / "blobs")
    assert with_python(sys.executable, "-c", READ).stdout == done.stdout
    assert with_python(installed, path, "card", "get", "1/start").stdout


def test_resume_fetches_what_it_needs(installed, with_python, flow, home, tmp_path) -> None:
    path, far = flow(FLOW), tmp_path / "far"
    env = {"FALAJ_DATASTORE": f"folder:{far}"}
    with_python(installed, path, "run", env={**env, "FAIL": "1"}, code=1)
    shutil.rmtree(home / "store" / "blobs")
    with_python(installed, path, "resume")
    assert Flow("F").latest_run.data.squares == [1, 4, 9]
    # It goes on where the earlier run kept its blobs.
    assert reachable(home) <= {one.name for one in far.iterdir()}


def test_a_datastore_that_fails_fails_the_run(installed, with_python, flow, home, tmp_path) -> None:
    path, far = flow(FLOW), tmp_path / "far"
    far.mkdir()
    (far / "full").touch()
    done = with_python(installed, path, "--datastore", f"folder:{far}", "run", code=1)
    assert "the folder is full" in done.stdout + done.stderr
    run = Flow("F").latest_run
    assert run.state == "failed"
    assert "could not be uploaded to the datastore folder:" in run.reason
    (far / "full").unlink()
    with_python(installed, path, "resume")
    assert Flow("F").latest_run.state == "succeeded"
    # What the failed run had not brought there, too.
    assert reachable(home) <= {one.name for one in far.iterdir()}


def test_damaged_bytes_are_never_given(installed, with_python, flow, home, tmp_path) -> None:
    path, far = flow(FLOW), tmp_path / "far"
    with_python(installed, path, "--datastore", f"folder:{far}", "run")
    shutil.rmtree(home / "store" / "blobs")
    for one in far.iterdir():
        one.write_bytes(one.read_bytes() + b"!")
    done = with_python(installed, "-c", READ, code=1)
    assert "another digest" in done.stderr
    assert blobs_in(home / "store") == set()


def test_a_datastore_that_nobody_gives(with_python, flow) -> None:
    done = with_python(sys.executable, flow(FLOW), "--datastore", "s3:bucket", "run", code=1)
    assert "There is no datastore `s3`" in done.stderr
    assert list(Falaj()) == []


def test_what_readers_know_is_damaged_or_gone(installed, with_python, flow, home, tmp_path) -> None:
    path, far = flow(FLOW), tmp_path / "far"
    with_python(installed, path, "--datastore", f"folder:{far}", "run")
    shutil.rmtree(home / "store" / "blobs")
    (known,) = (home / "store" / "datastores").iterdir()
    text = json.loads(known.read_text())
    known.write_text(json.dumps({**text, "python": "/nowhere/python"}))
    done = with_python(sys.executable, "-c", READ, code=1)
    assert "not installed here" in done.stderr
    known.write_text("[")
    done = with_python(sys.executable, "-c", READ, code=1)
    assert "MissingBlob" in done.stderr
