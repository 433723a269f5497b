"""Values whose classes are elsewhere, stored bytes that are damaged, code as it was."""

import importlib.util
import json
import pickle
import sys
from pathlib import Path

import pytest

from falaj.client import Run, Task
from falaj.errors import ArtifactNotLoadable, CorruptBlob, MissingBlob

SOURCE = "class Model:\n    def __init__(self):\n        self.weight = 3\n"


def imported(path: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def stored(records, tmp_path, monkeypatch):
    """A task with an artifact of a class of the flow's file, written as that flow would."""
    script = tmp_path / "flow_of_model.py"
    script.write_text(SOURCE)
    module = imported(script, "flow_of_model")
    module.Model.__module__ = "__main__"
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "__main__", module)
        run = records.run(script=str(script))
        records.step(run, "start")
        records.task(run, 1, "start", artifacts={"model": module.Model()})
    del sys.modules["flow_of_model"]
    monkeypatch.setenv("FALAJ_HOME", records.home.root)
    monkeypatch.setenv("FALAJ_USER", "ada")
    yield Task(f"Stats/{run}/start/1"), script
    sys.modules.pop("flow_of_model", None)


def test_a_class_of_the_flow_file_is_explained(stored):
    task, script = stored
    with pytest.raises(ArtifactNotLoadable) as raised:
        _ = task.data.model
    text = str(raised.value)
    assert "model" in text
    assert str(script) in text
    assert "import flow_of_model" in text


def test_a_class_of_the_flow_file_is_found_once_that_is_imported(stored):
    task, script = stored
    main = sys.modules["__main__"]
    imported(script, "flow_of_model")
    assert task.data.model.weight == 3
    assert sys.modules["__main__"] is main


def test_a_class_that_left_the_flow_file_is_explained(stored):
    task, script = stored
    script.write_text("Other = 1\n")
    imported(script, "flow_of_model")
    with pytest.raises(ArtifactNotLoadable, match="is not there now"):
        _ = task.data.model


def test_a_missing_module_is_named(records, tmp_path):
    module_file = tmp_path / "elsewhere_models.py"
    module_file.write_text(SOURCE)
    module = imported(module_file, "elsewhere_models")
    run = records.run()
    records.step(run, "start")
    records.task(run, 1, "start", artifacts={"model": module.Model()})
    del sys.modules["elsewhere_models"]
    with pytest.raises(ArtifactNotLoadable) as raised:
        _ = Task(f"Stats/{run}/start/1").data.model
    assert "elsewhere_models.Model" in str(raised.value)
    assert f"artifact model of Stats/{run}/start/1 (" in str(raised.value)
    assert "this is Python {}.{}.{} without".format(*sys.version_info) in str(raised.value)
    assert "Install the package that has elsewhere_models" in str(raised.value)


def test_damage_and_loss_are_named(records):
    large = bytes(100_000)
    run = records.run()
    records.step(run, "start")
    records.task(run, 1, "start", artifacts={"large": large})
    task = Task(f"Stats/{run}/start/1")
    assert task.data.large == large
    (blob,) = [
        path
        for path in Path(records.store.root, "blobs").rglob("*")
        if path.is_file() and path.stat().st_size > 50_000
    ]
    stored = bytearray(blob.read_bytes())
    stored[60_000] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(bytes(stored))
    with pytest.raises(CorruptBlob):
        _ = task.data.large
    blob.unlink()
    with pytest.raises(MissingBlob):
        _ = task.data.large


def test_a_mapped_array_that_is_damaged_is_not_handed_out(records):
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(50_000.0)
    run = records.run()
    records.step(run, "start")
    records.task(run, 1, "start", artifacts={"array": array})
    task = Task(f"Stats/{run}/start/1")
    assert (task.data.array == array).all()
    path = Path(records.store.path("sha256:" + task["array"].sha))
    stored = bytearray(path.read_bytes())
    stored[2000] ^= 1
    path.write_bytes(bytes(stored))
    with pytest.raises(CorruptBlob):
        _ = task.data.array


def test_code_as_it_was(records):
    files = {"flow.py": b"x = '\xc3\xa9'\n", "pkg/mod.py": b"y = 2\n", "../lib/z.py": b"z = 3\n"}
    listing = {"script": "flow.py", "files": {k: records.store.put(v) for k, v in files.items()}}
    digest = records.store.put(json.dumps(listing).encode())
    run = records.run(code=digest)
    records.step(run, "start")
    records.task(run, 1, "start")
    code = Run(f"Stats/{run}").code
    assert code.script_name == "flow.py"
    assert code.flowspec == "x = 'é'\n"
    assert code.files == sorted(files)
    assert code.info["files"] == 3
    assert Path(code.path).exists()
    assert Task(f"Stats/{run}/start/1").code.read("pkg/mod.py") == b"y = 2\n"
    with code.extract() as folder:
        assert Path(folder, "pkg/mod.py").read_bytes() == b"y = 2\n"
        assert Path(folder, "outside/1/lib/z.py").read_bytes() == b"z = 3\n"
        found = [path for path in Path(folder).rglob("*") if path.is_file()]
        assert len(found) == 3
    assert not Path(folder).exists()
    assert repr(code) == "<FalajCode: flow.py and 2 more files>"


def test_importing_the_client_loads_neither_sqlite_nor_dates():
    import subprocess

    code = (
        "import sys, falaj.client; "
        "print([m for m in ('sqlite3', 'datetime', 'socket', 'difflib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_pickled_exceptions_of_the_client_survive(records):
    records.finished_run()
    with pytest.raises(KeyError) as raised:
        Run("Stats/1")["nope"]
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


class Refuses:
    def __getstate__(self) -> dict[str, int]:
        return {"a": 1}

    def __setstate__(self, state: dict[str, int]) -> None:
        raise RuntimeError("made by an older version")


def test_a_value_that_fails_to_load_says_why(records):
    run = records.run()
    records.step(run, "start")
    records.task(run, 1, "start", artifacts={"thing": Refuses()})
    with pytest.raises(ArtifactNotLoadable, match="RuntimeError: made by an older version"):
        _ = Task(f"Stats/{run}/start/1").data.thing
