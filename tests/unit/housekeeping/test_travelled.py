"""What `falaj gc` does with the folders of packages that travelled."""

import json
import os
import time
from pathlib import Path

import pytest

from falaj.hashing import hex_of
from falaj.home import Home
from falaj.store.blobs import BlobStore
from falaj_control.housekeeping.travelled import sweep_travelled
from falaj_control.packaging.travelling import materialise

OLD = time.time() - 1000
LATER = time.time() + 1000


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path))


def folder_of(home: Home, text: str) -> Path:
    store = BlobStore(home.store)
    package = {"files": {"lib/__init__.py": store.put(text.encode())}, "executable": []}
    listing = store.put(json.dumps({"packages": [package]}).encode())
    return Path(materialise(listing, store, home.travelled))


def sweep(home: Home, before: float = LATER, *reached: Path, dry_run: bool = False) -> int:
    return sweep_travelled(home, {bytes.fromhex(one.name) for one in reached}, before, dry_run)


def test_folders_that_no_run_names_go(home: Home) -> None:
    kept, gone = folder_of(home, "a = 1"), folder_of(home, "b = 2")
    assert sweep(home, LATER, kept, dry_run=True) > 0
    assert gone.exists()
    assert sweep(home, LATER, kept) > 0
    assert os.listdir(home.travelled) == [kept.name]
    assert (kept / "lib" / "__init__.py").read_text() == "a = 1"
    # Asked for again, it is made again.
    assert (folder_of(home, "b = 2") / "lib" / "__init__.py").read_text() == "b = 2"


def test_one_that_a_run_has_just_taken_stays(home: Home) -> None:
    folder = folder_of(home, "a = 1")
    os.utime(folder, (OLD, OLD))
    folder_of(home, "a = 1")
    assert sweep(home, OLD + 500) == 0
    assert folder.exists()


def test_one_that_is_taken_while_it_is_moved_is_put_back(home: Home, monkeypatch) -> None:
    folder = folder_of(home, "a = 1")
    os.utime(folder, (OLD, OLD))
    rename = os.rename

    def taken_first(source: str, target: str) -> None:
        if source == str(folder):
            os.utime(source)
        rename(source, target)

    monkeypatch.setattr(os, "rename", taken_first)
    assert sweep(home, OLD + 500) == 0
    assert (folder / "lib" / "__init__.py").exists()


def test_what_is_no_such_folder_is_left_alone(home: Home) -> None:
    assert sweep(home) == 0
    folder = folder_of(home, "a = 1")
    mine = Path(home.travelled) / "notes of mine"
    mine.mkdir()
    dead = Path(home.travelled) / f"{folder.name}.999999999"
    dead.mkdir()
    sweep(home)
    assert os.listdir(home.travelled) == [mine.name]
    assert hex_of("sha256:" + folder.name) == folder.name
