"""Which files are a run's code: the script, and what it imports of the user's own."""

import json
import os
import sys
import types
from pathlib import Path

import pytest

import falaj
from falaj.model.graph import FlowDescription
from falaj.model.orders import SNAPSHOT, Order
from falaj.runtime.snapshot import local_files, take_snapshot
from falaj.store.blobs import BlobStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "project"
    found.mkdir()
    return found


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / (
            name.replace("__init__", "%").replace("__", "/").replace("%", "__init__") + ".py"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def found_in(folder: Path) -> "set[str]":
    return {
        os.path.relpath(path, folder)
        for path in local_files(str(folder / "flow.py"))
        if path.startswith(str(folder))
    }


IMPORTS = {
    "import helper": {"helper.py"},
    "import helper as other, absent": {"helper.py"},
    "from helper import x": {"helper.py"},
    "def late():\n    import helper": {"helper.py"},
    "import package.part": {"package/__init__.py", "package/part.py"},
    "from package import part": {"package/__init__.py", "package/part.py"},
    "from package import *": {"package/__init__.py"},
    "from package.deep import leaf": {
        "package/__init__.py",
        "package/deep/__init__.py",
        "package/deep/leaf.py",
        "package/part.py",
    },
    "import json, os.path, absent.at_all": set(),
    "try:\n    import helper\nexcept ImportError:\n    pass": {"helper.py"},
}


@pytest.mark.parametrize("source", IMPORTS)
def test_what_an_import_statement_names_is_part_of_the_code(folder, source):
    write(folder, flow=source, helper="", unrelated="")
    write(folder / "package", __init__="", part="")
    write(folder / "package" / "deep", __init__="", leaf="from .. import part")
    assert found_in(folder) == {"flow.py"} | IMPORTS[source]


def test_imports_of_imports_are_followed_in_circles_too(folder):
    write(folder, flow="import a", a="import b", b="import a, c", c="")
    assert found_in(folder) == {"flow.py", "a.py", "b.py", "c.py"}


@pytest.mark.parametrize("text", ["def (", "\0", "(" * 5000])
def test_a_file_that_can_not_be_parsed_is_kept_and_not_followed(folder, text):
    write(folder, flow="import broken", broken=text)
    assert found_in(folder) == {"flow.py", "broken.py"}


def test_what_was_imported_is_kept_also_from_elsewhere(folder, tmp_path, monkeypatch):
    write(folder, flow="")
    write(tmp_path / "shared", common="import beside", beside="")
    module = types.ModuleType("common")
    module.__file__ = str(tmp_path / "shared" / "common.py")
    monkeypatch.setitem(sys.modules, "common", module)
    assert module.__file__ in local_files(str(folder / "flow.py"))


def test_installed_code_is_not_kept(folder):
    write(folder, flow="import json, pytest")
    files = local_files(str(folder / "flow.py"))
    assert not any("site-packages" in path or path.endswith("json/__init__.py") for path in files)
    assert not any(path.startswith(os.path.dirname(falaj.__file__) + os.sep) for path in files)


def order(store: str) -> Order:
    return Order(SNAPSHOT, "F", 1, "_code", 0, 0, (), (), None, {}, {"store": store})


def test_a_snapshot_is_a_listing_of_blobs(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "nice", lambda _: None)
    write(folder, flow="import helper", helper="x = 1")
    store = BlobStore(str(tmp_path / "store"))
    flow = FlowDescription("F", "", str(folder / "flow.py"), (), (), "start", "end")
    report = take_snapshot(flow, order(store.root))
    assert report.outcome == "succeeded"
    assert report.manifest is not None
    listing = json.loads(store.read(report.manifest))
    assert listing["script"] == "flow.py"
    assert store.read(listing["files"]["helper.py"]) == b"x = 1"
    assert take_snapshot(flow, order(store.root)).manifest == report.manifest


def test_a_store_that_can_not_be_written_is_a_failed_report(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "nice", lambda _: None)
    write(folder, flow="")
    (tmp_path / "file").write_text("")
    flow = FlowDescription("F", "", str(folder / "flow.py"), (), (), "start", "end")
    report = take_snapshot(flow, order(str(tmp_path / "file" / "store")))
    assert report.outcome == "failed"
    assert report.error is not None
    assert "Can't write" in report.error.message
