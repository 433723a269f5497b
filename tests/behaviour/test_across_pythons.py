"""Artifacts that one Python stores and another reads: steps executed by two real interpreters."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uv

from falaj.model.orders import INIT, TASK, Report
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreters import find_interpreter

SRC = str(Path(__file__).parents[2] / "src")
OLD, NEW = "3.7", "3.13"
BOTH_WAYS = pytest.mark.parametrize(("writer", "reader"), [(OLD, NEW), (NEW, OLD)])

# Executes one order from its input and prints the report, as a host's child does.
SIDE = """
import json, sys
sys.path[:0] = sys.argv[1:3]
from falaj.model.orders import Order
from falaj.runtime.execute import execute
from falaj.runtime.flowfile import load_flow
from falaj.runtime.introduction import introduce

path = sys.argv[2] + "/flow.py"
with open(path, "rb") as file:
    _, flow = load_flow(path, file.read(), None, "Across")
description, hello = introduce(flow, {})
assert not hello["problems"], hello["problems"]
order = json.load(sys.stdin)
order["context"]["constants"] = hello["constants"]
print(json.dumps(execute(flow, description, Order.from_wire(order)).to_wire()))
"""

FLOW = '''
import sys
from falaj import FlowSpec, Parameter, catch, step
{imports}

class Own:
    """A class of the flow's file."""

    def __init__(self, number):
        self.number = number


class Across(FlowSpec):
    shape = {{"sides": [1, 2]}}
    rate = Parameter("rate", default=3)

    @step
    def start(self):
        self.xs = ["a", ("b", 2), Own(3)]
{start}
        self.next(self.body, foreach="xs")

    @catch(var="problem", print_exception=False)
    @step
    def body(self):
{body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, exclude=["problem", "seen"])
{join}
        self.next(self.end)

    @step
    def end(self):
        pass
'''


class Side(NamedTuple):
    """A Python with its packages, and the folder with the flow and what else it can import."""

    python: str
    version: str
    folder: Path


class Across:
    """One flow in a store, whose steps are executed by this side or that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = BlobStore(str(folder / "home" / "store"))
        self.context: dict[str, Any] = {
            "store": self.store.root,
            "user": "ada",
            "namespace": None,
            "default_namespace": None,
            "origin": None,
            "tags": [],
            "parameters": {},
            "protocol": 4,
        }

    def side(self, version: str, python: str = "") -> Side:
        """Return the Python of a version; what its folder holds is importable there alone."""
        if not python:
            places = CacheFolders(str(self.folder / "cache"))
            found = find_interpreter(version, places, os.environ, None)
            python, version = found.path, found.version
        folder = self.folder / f"side{version}"
        folder.mkdir()
        return Side(python, version, folder)

    def write(self, *sides: Side, imports: str = "", **bodies: str) -> None:
        """Give each side the same flow; `bodies` holds the statements of start, body and join."""
        made = {
            name: "\n".join(" " * 8 + line for line in bodies.get(name, "pass").splitlines())
            for name in ("start", "body", "join")
        }
        for side in sides:
            (side.folder / "flow.py").write_text(FLOW.format(imports=imports, **made))

    def order(self, side: Side, kind: str, step: str = "", task: int = 0, **more: Any) -> Report:
        """Execute one order on a side."""
        order = {
            "kind": kind,
            "flow": "Across",
            "run": 1,
            "step": step,
            "task": task,
            "attempt": 0,
            "inputs": [],
            "frames": [],
            "parameters": None,
            "options": {},
            "context": self.context,
            **more,
        }
        done = subprocess.run(
            [side.python, "-I", "-c", SIDE, SRC, str(side.folder)],
            input=json.dumps(order),
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Report.from_wire(json.loads(done.stdout.splitlines()[-1]))

    def start(self, side: Side) -> tuple[str, Report]:
        """Settle the parameters and execute `start` on one side."""
        settled = self.order(side, INIT).manifest
        assert settled is not None
        report = self.order(side, TASK, "start", 1, parameters=settled)
        assert report.outcome == "succeeded", report.error
        return settled, report

    def body(self, side: Side, start: Report, index: int = 0, **more: Any) -> Report:
        """Execute `body` for the value at `index`."""
        assert start.transition is not None
        frame = ("start", "xs", index, 3, start.transition.values)
        inputs = [("start", 1, start.manifest)]
        return self.order(side, TASK, "body", 2 + index, inputs=inputs, frames=[frame], **more)

    def failure(self, side: Side, start: Report, index: int = 0) -> str:
        """Return what `body` fails with, which needs no traceback beside it."""
        error = self.body(side, start, index).error
        assert error is not None
        assert (error.type, error.tells_all) == ("ArtifactNotLoadable", True), error.traceback
        return error.message

    def own(self, report: Report) -> list[str]:
        """Return the names of what a task has stored itself."""
        assert report.manifest is not None, report.error
        return list(load_manifest(self.store, report.manifest).own)


@pytest.fixture
def across(tmp_path: Path) -> Across:
    return Across(tmp_path)


SHARED = """
import dataclasses

@dataclasses.dataclass
class Point:
    x: int
    y: int
"""
PLAIN = """
self.number, self.text, self.none = 10 ** 30, "\\u00fc" * 70000, None
self.nested = {"a": [1.5, (2, b"x")], "b": {"s", "t"}}
self.large, self.array = b"q" * 10000000, bytearray(b"r" * 100000)
self.point, self.mine, self.path = Point(1, 2), Own(7), Path("/a/b")
self.when = datetime(2020, 1, 2, tzinfo=timezone.utc)
"""
AS_STORED = """
assert (self.number, self.text, self.none) == (10 ** 30, "\\u00fc" * 70000, None)
assert self.nested == {"a": [1.5, (2, b"x")], "b": {"s", "t"}}
assert (self.large, self.array) == (b"q" * 10000000, bytearray(b"r" * 100000))
assert (self.point, self.mine.number, self.path) == (Point(1, 2), 7, Path("/a/b"))
assert self.when == datetime(2020, 1, 2, tzinfo=timezone.utc)
assert (self.rate, self.shape) == (3, {"sides": [1, 2]})
"""
IMPORTS = "from shared import Point\nfrom pathlib import Path\nfrom datetime import *\n"


@BOTH_WAYS
def test_values_of_one_python_are_read_by_the_other(across, writer, reader):
    first, second = across.side(writer), across.side(reader)
    for side in (first, second):
        (side.folder / "shared.py").write_text(SHARED)
    body = AS_STORED + (
        "self.seen = getattr(self.input, 'number', self.input)\n"
        "assert self.seen in ('a', ('b', 2), 3)\n"
        "if self.seen == 'a': raise KeyError('not a')\n"
    )
    join = AS_STORED + (
        "assert [getattr(one, 'seen', None) for one in inputs][1:] == [('b', 2), 3]\n"
        "assert 'not a' in str(inputs[0].problem)\n"
    )
    across.write(first, second, imports=IMPORTS, start=PLAIN, body=body, join=join)
    settled, start = across.start(first)
    caught = {"catch": {"var": "problem", "print_exception": False}, "last_attempt": True}
    inputs = []
    # One of the branches runs where everything was stored, so that a join gets both kinds.
    for index, side in enumerate((second, second, first)):
        done = across.body(side, start, index, parameters=settled, options=caught)
        assert done.outcome == ("caught" if index == 0 else "succeeded"), done.error
        assert "point" not in across.own(done), "what is only read stays as it was stored"
        inputs.append(("body", 2 + index, done.manifest))
    for side in (first, second):
        done = across.order(side, TASK, "join", 5, inputs=inputs, parameters=settled)
        assert done.outcome == "succeeded", done.error


def test_what_a_newer_python_stored_for_itself_says_how_an_older_one_gets_it(across):
    del across.context["protocol"]
    new, old = across.side(NEW), across.side(OLD)
    across.write(new, old, start="self.n = 5", body="self.input\nself.n", join="")
    _, start = across.start(new)
    for text, python in (("foreach value xs[0]", old), ("artifact n (int)", old)):
        told = across.failure(python, start)
        assert f"The {text} can't be loaded here: ValueError: unsupported pickle" in told
        assert (
            f"stored by step start on Python {new.version}; this is Python {old.version}." in told
        )
        assert "Read it with Python 3.8 or newer, or run the flow again instead of resuming" in told
        across.write(old, start="self.n = 5", body="self.n", join="")
    across.write(old, start="self.n = 5", body="self.rate", join="")
    assert f"stored with the run's parameters on Python {new.version}" in across.failure(old, start)


def test_what_an_older_python_stored_for_itself_is_read_by_a_newer_one(across):
    del across.context["protocol"]
    new, old = across.side(NEW), across.side(OLD)
    across.write(new, old, start="self.n = b'5' * 100000", body="assert len(self.n) == 100000")
    _, start = across.start(old)
    assert across.body(new, start).outcome == "succeeded"


MODULE = """
__version__ = "{version}"

class Model:
    def __init__(self):
        self.weight = 3
{more}
"""


@BOTH_WAYS
def test_a_package_that_the_other_side_lacks_is_named_with_its_version(across, writer, reader):
    first, second = across.side(writer), across.side(reader)
    (first.folder / "forest").mkdir()
    source = MODULE.format(version="2.1", more="")
    (first.folder / "forest" / "__init__.py").write_text(source)
    start = "import forest\nself.model = forest.Model()\nself.some = [{'m': self.model}]"
    start += "\nself.xs = [forest.Model()] * 3"
    for name, what in (
        ("model", "artifact model (forest.Model)"),
        ("some", "artifact some (list)"),
        ("input", "foreach value xs[1]"),
    ):
        across.write(first, second, start=start, body=f"self.{name}")
        _, report = across.start(first)
        assert across.failure(second, report, 1) == (
            f"The {what} can't be loaded here: No module named 'forest'. It was stored by step "
            f"start on Python {first.version} with forest 2.1; this is Python {second.version} "
            "without forest. Give both sides the same packages, or let the step keep plain "
            "values: df.to_dict('list'), an array, the contents of a file."
        )


CHANGES = {
    "a class that has moved": ("del Model", "get attribute 'Model'"),
    "a state that no longer fits": (
        "Model.__setstate__ = lambda self, state: state['height']",
        "KeyError: 'height'",
    ),
    "a value that is refused": (
        "Model.__setstate__ = lambda self, state: int('x')",
        "ValueError: invalid literal",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_packages_that_differ_are_named_with_both_versions(across, change):
    new, old = across.side(NEW), across.side(OLD)
    more, words = CHANGES[change]
    (new.folder / "forest.py").write_text(MODULE.format(version="2.1", more=""))
    (old.folder / "forest.py").write_text(MODULE.format(version="0.9", more=more))
    across.write(new, old, start="import forest; self.model = forest.Model()", body="self.model")
    _, start = across.start(new)
    told = across.failure(old, start)
    assert words in told
    assert f"on Python {new.version} with forest 2.1; this is Python {old.version} with" in told
    assert "with forest 0.9. Give both sides the same packages" in told


def test_the_maker_is_known_however_many_tasks_have_handed_a_value_on(across):
    new, old = across.side(NEW), across.side(OLD)
    (new.folder / "forest.py").write_text(MODULE.format(version="2.1", more=""))
    across.write(
        new, old, start="import forest; self.model = forest.Model()", body="self.m = 1", join="1"
    )
    settled, start = across.start(new)
    inputs = [("body", 2, across.body(old, start).manifest)]
    join = across.order(new, TASK, "join", 5, inputs=inputs, parameters=settled)
    across.write(old, join="self.model = inputs[0].model")
    inputs = [("join", 5, join.manifest)]
    failed = across.order(old, TASK, "join", 6, inputs=inputs, parameters=settled)
    assert failed.error is not None
    assert "artifact model (forest.Model)" in failed.error.message
    assert f"by step start on Python {new.version} with forest 2.1" in failed.error.message


@pytest.fixture(scope="module")
def numpys(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Two environments: the last numpy for the old Python, and numpy 2 for the new one."""
    folder = tmp_path_factory.mktemp("numpys")
    environ = {**os.environ, "UV_CACHE_DIR": str(folder / "uv"), "UV_PYTHON_DOWNLOADS": "never"}
    tool = uv.find_uv_bin()
    made: dict[str, str] = {}
    for version, wanted in ((OLD, "numpy<1.22"), (NEW, "numpy>=2")):
        found = find_interpreter(version, CacheFolders(str(folder / "c")), os.environ, None)
        place, python = str(folder / version), str(folder / version / "bin" / "python")
        for command in (
            [tool, "venv", "-q", "-p", found.path, place],
            [tool, "pip", "install", "-q", "-p", python, wanted],
        ):
            subprocess.run(command, env=environ, check=True, capture_output=True)
        made[version] = python
    shutil.rmtree(folder / "uv")
    return made


ARRAYS = """
self.whole = np.arange(200000.0).reshape(400, 500)
self.fortran = np.asfortranarray(self.whole)
self.some = {"small": np.arange(3, dtype="i2"), "one": np.float32(2.5)}
self.dates = np.array(["2020-01-02"], dtype="M8[s]")
self.texts = np.array(["a", None], dtype=object)
self.rows = np.zeros(3, dtype=[("a", "<i4"), ("b", "S3")])
"""
ARRAYS_AS_STORED = """
assert self.whole.sum() == self.fortran.sum() == np.arange(200000.0).sum()
assert self.whole.shape == (400, 500) and self.fortran.flags.f_contiguous
assert self.some["small"].tolist() == [0, 1, 2] and self.some["one"] == 2.5
assert str(self.dates[0]) == "2020-01-02T00:00:00"
assert self.texts.tolist() == ["a", None] and self.rows.dtype.names == ("a", "b")
"""


@BOTH_WAYS
def test_arrays_of_one_numpy_are_read_by_the_other(across, numpys, writer, reader):
    first, second = across.side(writer, numpys[writer]), across.side(reader, numpys[reader])
    across.write(
        first,
        second,
        imports="import warnings; warnings.simplefilter('error'); import numpy as np",
        start=ARRAYS + "self.xs = [np.arange(3)] * 3",
        body=ARRAYS_AS_STORED + "assert self.input.tolist() == [0, 1, 2]",
        join=ARRAYS_AS_STORED,
    )
    settled, start = across.start(first)
    inputs = []
    for index, side in enumerate((second, first, second)):
        done = across.body(side, start, index)
        assert done.outcome == "succeeded", done.error
        # Either numpy pickles an array to other bytes; reading it is no change all the same.
        assert across.own(done) == []
        inputs.append(("body", 2 + index, done.manifest))
    join = across.order(second, TASK, "join", 5, inputs=inputs, parameters=settled)
    assert join.outcome == "succeeded", join.error


@BOTH_WAYS
def test_an_array_that_the_other_numpy_has_changed_is_stored(across, numpys, writer, reader):
    first, second = across.side(writer, numpys[writer]), across.side(reader, numpys[reader])
    across.write(
        first, second, imports="import numpy as np", start=ARRAYS, body="self.whole[0] = 9"
    )
    _, start = across.start(first)
    done = across.body(second, start)
    assert across.own(done) == ["whole"]
