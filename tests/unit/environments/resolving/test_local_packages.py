"""Packages from folders: kept in the store, built from there, compared with what is there now."""

import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from falaj.errors import MissingBlob
from falaj.store.blobs import BlobStore
from falaj_control.environments.localpackages import SOURCE_KEY, snapshot, stale_sources, unpack
from falaj_control.environments.uvtool import Uv
from falaj_control.environments.work import Work


@pytest.fixture
def library(machine, make_library) -> Path:
    return make_library(machine.root / "libs" / "mylib", "mylib", ["six"])


def test_a_folder_is_kept_in_the_store(machine, library: Path, versions) -> None:
    (library / "tool.sh").write_text("#!/bin/sh\n")
    (library / "tool.sh").chmod(0o755)
    lock = machine.ask(machine.request("mylib @ ./libs/mylib"))
    assert versions(lock)["mylib"] == "1.2"
    source = lock.packages[0][SOURCE_KEY]
    assert source["path"] == "libs/mylib"
    shutil.rmtree(library)
    folder = Path(unpack(machine.store, source["digest"], machine.folders))
    assert sorted(path.name for path in folder.iterdir()) == [
        "mylib.py",
        "pyproject.toml",
        "tool.sh",
    ]
    assert (folder / "mylib.py").read_text() == "answer = 42\n"
    assert os.access(folder / "tool.sh", os.X_OK)
    assert not os.access(folder / "mylib.py", os.X_OK)
    assert unpack(machine.store, source["digest"], machine.folders) == str(folder)


def test_the_same_files_are_the_same_wherever_they_lie(machine, library: Path) -> None:
    first = snapshot(str(library), machine.store)
    shutil.copytree(library, machine.root / "copy")
    os.utime(machine.root / "copy" / "mylib.py", (1, 1))
    assert snapshot(str(machine.root / "copy"), machine.store) == first
    (library / "mylib.py").write_text("answer = 43\n")
    assert snapshot(str(library), machine.store) != first


def names_in(machine, folder: Path) -> set[str]:
    unpacked = Path(unpack(machine.store, snapshot(str(folder), machine.store), machine.folders))
    return {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}


def leave_things_behind(library: Path) -> None:
    for name in ("build/lib/x.py", "mylib.egg-info/PKG-INFO", "__pycache__/m.pyc", ".venv/x.py"):
        (library / name).parent.mkdir(parents=True)
        (library / name).write_text("")
    (library / "build.py").write_text("")
    (library / "data.bin").write_text("")


def test_what_builds_and_tools_leave_behind_does_not_count(machine, library: Path) -> None:
    leave_things_behind(library)
    assert names_in(machine, library) == {"mylib.py", "pyproject.toml", "build.py", "data.bin"}


def test_what_git_ignores_does_not_count(machine, library: Path, commit) -> None:
    (library / "build").mkdir()
    (library / "build" / "kept.py").write_text("")
    (library / ".gitignore").write_text("*.bin\n")
    commit(library)
    shutil.rmtree(library / "build")
    leave_things_behind(library)
    (library / "build" / "kept.py").write_text("")
    (library / "new.py").write_text("")
    expected = {".gitignore", "mylib.py", "pyproject.toml", "build.py", "build/kept.py", "new.py"}
    assert names_in(machine, library) == expected
    # Within a folder that is ignored as a whole there is nothing to go by.
    (library / "ignored.bin").mkdir()
    (library / "ignored.bin" / "x.py").write_text("")
    assert names_in(machine, library / "ignored.bin") == {"x.py"}


def test_what_changed_since_the_lock_is_stale(machine, library: Path, make_wheel) -> None:
    wheel = make_wheel(machine.root, "direct", "2.0")
    base = str(machine.root)
    lock = machine.ask(machine.request(f"direct @ ./{wheel.name}", "mylib @ ./libs/mylib"))
    assert stale_sources(lock, base) == []
    (library / "mylib.py").write_text("answer = 43\n")
    assert stale_sources(lock, base) == ["mylib"]
    wheel.write_bytes(b"other")
    assert stale_sources(lock, base) == ["direct", "mylib"]
    wheel.unlink()
    shutil.rmtree(library)
    assert stale_sources(lock, base) == []


def test_one_snapshot_serves_builds_of_several_pythons_at_once(machine, library: Path) -> None:
    digest = snapshot(str(library), machine.store)
    failures: list[BaseException] = []

    def build(python: str) -> None:
        folder = unpack(machine.store, digest, machine.folders)
        target = machine.root / f"for-{python}"
        arguments = ["pip", "install", "--no-deps", "--target", str(target), folder]
        try:
            uv = Uv(machine.environ, Work())
            arguments += ["-p", machine.pythons(python).path]
            uv.run(arguments, str(machine.root), doing="Building")
        except BaseException as error:
            failures.append(error)

    for _ in range(2):
        threads = [threading.Thread(target=build, args=(one,)) for one in ("3.8", "3.11")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        for python in ("3.8", "3.11"):
            assert (machine.root / f"for-{python}" / "mylib.py").exists()


def test_a_kill_leaves_no_half_folder(machine, library: Path) -> None:
    digest = snapshot(str(library), machine.store)
    sources = Path(machine.folders.sources)
    # What a killed unpacking leaves.
    (sources / ".unpacking-x").mkdir(parents=True)
    (sources / ".unpacking-x" / "mylib.py").write_text("")
    assert (Path(unpack(machine.store, digest, machine.folders)) / "pyproject.toml").exists()


def test_a_snapshot_that_is_gone(machine, tmp_path: Path) -> None:
    with pytest.raises(MissingBlob):
        unpack(BlobStore(str(tmp_path)), "sha256:" + "0" * 64, machine.folders)


def test_resolving_leaves_the_folder_as_it_was(machine, library: Path) -> None:
    before = sorted(library.rglob("*"))
    machine.ask(machine.request("mylib @ ./libs/mylib"))
    assert sorted(library.rglob("*")) == before
    assert subprocess.run(["git", "-C", str(library), "status"], capture_output=True).returncode
