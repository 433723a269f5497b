"""Which of the user's packages travel: editable ones that are imported, and those named."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uv

import falaj
from falaj.home import Home
from falaj.model.orders import SNAPSHOT, TRAVEL, Order
from falaj.store.blobs import BlobStore

SRC = Path(falaj.__file__).parents[1]
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'

# Runs one order in the launching environment, as a task's process does.
ORDER = """
import json, os, sys
sys.path[:0] = [{src!r}, os.path.dirname({script!r})]
from falaj.model.graph import FlowDescription
from falaj.runtime.taskprocess import run_task
flow = FlowDescription("F", "", {script!r}, (), (), "start", "end")
run_task(object, flow, json.loads(sys.argv[1]), 1)
"""


def write(folder: Path, files: "dict[str, str]") -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Path, Path]":
    """Return a Python with editable packages of several makes, and the folder they lie in."""
    root = tmp_path_factory.mktemp("launcher")
    write(
        root,
        {
            "hat/pyproject.toml": HATCH
            + '[project]\nname = "hat-lib"\nversion = "1"\n'
            + '[tool.hatch.build.targets.wheel]\npackages = ["src/hatlib"]\n',
            "hat/src/hatlib/__init__.py": "",
            "hat/src/hatlib/deep/part.py": "def late():\n    from flatlib.x import y, z",
            "hat/src/hatlib/table.csv": "a,b",
            "hat/src/hatlib/__pycache__/stale.cpython-311.pyc": "",
            "hat/src/hatlib/.git/config": "",
            "hat/src/hatlib/tool.sh": "",
            "flat/pyproject.toml": SETUPTOOLS
            + '[project]\nname = "flatlib"\nversion = "1"\n[tool.setuptools]\npackages=["flatlib"]',
            "flat/flatlib/__init__.py": "import six",
            "single/pyproject.toml": SETUPTOOLS
            + '[project]\nname = "alone"\nversion = "1"\n[tool.setuptools]\npy-modules=["alone"]',
            "single/alone.py": "",
            "spaces/pyproject.toml": SETUPTOOLS + '[project]\nname = "acme-tool"\nversion = "1"',
            "spaces/src/acme/tool/__init__.py": "",
            "own/pyproject.toml": HATCH
            + '[project]\nname = "own"\nversion = "1"\n'
            + '[tool.hatch.build.targets.wheel]\npackages = ["own"]\n',
            "own/own/__init__.py": "",
            "own/data/huge.csv": "",
        },
    )
    (root / "hat/src/hatlib/tool.sh").chmod(0o755)
    (root / "hat/src/hatlib/loop").symlink_to(root / "hat/src/hatlib")
    tool = uv.find_uv_bin()
    environ = {
        **os.environ,
        "UV_CACHE_DIR": str(root / "cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_CONFIG": "1",
    }
    python = root / "own" / ".venv" / "bin" / "python"
    editable = [f"-e{root / name}" for name in ("hat", "flat", "single", "spaces", "own")]
    for command in (
        ["venv", "-q", "-p", sys.executable, str(root / "own" / ".venv")],
        ["pip", "install", "-q", "-p", str(python), "six", "python-dateutil", *editable],
    ):
        subprocess.run([tool, *command], env=environ, cwd=root, check=True, timeout=110)
    (site,) = (root / "own" / ".venv").glob("lib/*/site-packages")
    record = "__pycache__/odd.cpython-311.pyc,,\nodd.py,,\n../../../bin/odd,,\n"
    write(site, {"odd.py": "", "__pycache__/x.pyc": "", "Named_Oddly-1.dist-info/RECORD": record})
    return python, root


Travel = Callable[..., Any]


@pytest.fixture
def travel(launcher: "tuple[Path, Path]", tmp_path: Path) -> Travel:
    """Return a function that packs what travels with a flow, and returns packages or the error."""

    def pack(source: str, *includes: str, folder: "Path | None" = None, **more: str) -> Any:
        project = folder or tmp_path / "project"
        write(project, {"flow.py": source, **{f"{name}.py": text for name, text in more.items()}})
        report = obey(launcher[0], project / "flow.py", TRAVEL, tmp_path, {"includes": includes})
        if report["outcome"] == "failed":
            return report["error"][1]
        listing = BlobStore(str(tmp_path / "store")).read(report["manifest"])
        return json.loads(listing)["packages"]

    return pack


def obey(python: Path, script: Path, kind: str, tmp_path: Path, context: "dict[str, Any]") -> Any:
    order = Order(
        kind, "F", 1, "_x", 0, 0, (), (), None, {}, {"store": str(tmp_path / "store"), **context}
    )
    code = ORDER.format(src=str(SRC), script=str(script))
    done = subprocess.run(
        [str(python), "-I", "-c", code, json.dumps(order.to_wire())],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def names(packages: Any) -> "list[str]":
    return [package["name"] for package in packages]


def test_nothing_travels_that_nobody_imports(travel: Travel) -> None:
    assert travel("import json, six, pytest, falaj, absent") == []


IMPORTS = {
    "import hatlib": ["flatlib", "hatlib"],
    "from hatlib import deep": ["flatlib", "hatlib"],
    "class F:\n    def step(self):\n        import flatlib.x": ["flatlib"],
    "import json, alone as a": ["alone"],
    "try: import alone\nexcept ImportError: pass": ["alone"],
    "from \\\n alone import x": ["alone"],
    "import helper": ["own"],
    "from acme.tool import x": ["acme"],
    "# import hatlib\n'import own, data'": [],
    "'import alone' (": [],
}


@pytest.mark.parametrize("source", IMPORTS)
def test_an_editable_package_travels_where_something_imports_it(
    travel: Travel, source: str
) -> None:
    found = travel(source, helper="def f():\n    import own")
    assert names(found) == IMPORTS[source]
    assert all(package["why"] == "editable" for package in found)


def test_all_of_a_package_is_stored_as_it_is(
    travel: Travel, launcher: "tuple[Path, Path]", tmp_path: Path
) -> None:
    hatlib = travel("import hatlib")[1]
    assert hatlib["path"] == str(launcher[1] / "hat/src/hatlib")
    assert hatlib["origin"] == str(launcher[1] / "hat")
    assert sorted(hatlib["files"]) == [
        "hatlib/__init__.py",
        "hatlib/deep/part.py",
        "hatlib/table.csv",
        "hatlib/tool.sh",
    ]
    assert hatlib["executable"] == ["hatlib/tool.sh"]
    store = BlobStore(str(tmp_path / "store"))
    assert store.read(hatlib["files"]["hatlib/table.csv"]) == b"a,b"


def test_what_lies_beside_the_flow_need_not_travel(
    travel: Travel, launcher: "tuple[Path, Path]"
) -> None:
    root = launcher[1]
    assert travel("import own", "own", folder=root / "own") == []
    assert names(travel("import hatlib, own", folder=root / "hat")) == ["flatlib", "hatlib", "own"]


NAMED = {
    "six": "six.py",
    "dateutil.parser": "dateutil",
    "Python_Dateutil": "dateutil",
    "named-oddly": "odd.py",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_package_that_is_named_travels_imported_or_not(travel: Travel, name: str) -> None:
    (found,) = travel("", name)
    assert (found["name"], found["why"]) == (NAMED[name].partition(".")[0], "named")
    assert any(file.startswith(NAMED[name]) for file in found["files"])
    assert not any("__pycache__" in file for file in found["files"])


def test_what_a_named_package_imports_travels_too(travel: Travel) -> None:
    assert names(travel("", "hatlib")) == ["flatlib", "hatlib"]


REFUSED = {
    "absent": "--include absent: there is no module and no installed package of that name",
    "../x": "--include ../x: there is no module",
    "json": "--include json: that is Python's own library, which every environment has.",
    "sys": "that is Python's own library",
    "falaj": "--include falaj: that is Falaj itself, which every environment has.",
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_can_not_travel_is_told(travel: Travel, name: str) -> None:
    assert REFUSED[name] in travel("", name)


def test_a_snapshot_holds_what_travels_as_it_travels(
    travel: Travel, launcher: "tuple[Path, Path]", tmp_path: Path
) -> None:
    python, root = launcher
    script = tmp_path / "project" / "flow.py"
    travel("import alone")
    context = {"includes": []}
    packed = obey(python, script, TRAVEL, tmp_path, context)["manifest"]
    before = (root / "single/alone.py").read_text()
    try:
        (root / "single/alone.py").write_text("changed = True")
        report = obey(python, script, SNAPSHOT, tmp_path, {"travelled": packed})
    finally:
        (root / "single/alone.py").write_text(before)
    store = BlobStore(Home(str(tmp_path)).store)
    listing = json.loads(store.read(report["manifest"]))
    name = os.path.relpath(root / "single/alone.py", script.parent)
    assert store.read(listing["files"][name]) == before.encode()
    assert listing["script"] == "flow.py"


def test_a_snapshot_tells_what_the_run_was_launched_in(
    travel: Travel, launcher: "tuple[Path, Path]", tmp_path: Path
) -> None:
    travel("")
    report = obey(launcher[0], tmp_path / "project" / "flow.py", SNAPSHOT, tmp_path, {})
    told = json.loads(BlobStore(str(tmp_path / "store")).read(report["environment"]))
    assert told["kind"] == "local"
    assert told["python"]["executable"] == str(launcher[0])
    versions = {one["name"]: one.get("source", one["version"]) for one in told["packages"]}
    assert versions["own"] == f"editable: {launcher[1] / 'own'}"
    assert versions["six"][0] == "1"
    assert "pytest" not in versions
