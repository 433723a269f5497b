"""Folders of code that travels: whole or absent, shared, and only what the listing names."""

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import MissingBlob
from falaj.store.blobs import BlobStore
from falaj_control.packaging.travelling import materialise, unpack


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(str(tmp_path / "store"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "travel"


def listing(store: BlobStore, *packages: "dict[str, Any]") -> str:
    return store.put(json.dumps({"packages": packages}).encode())


def package(store: BlobStore, name: str, why: str = "editable", **files: str) -> "dict[str, Any]":
    stored = {
        file.replace("__", "/").replace("_DOT_", "."): store.put(text.encode())
        for file, text in files.items()
    }
    return {
        "name": name,
        "path": f"/home/ada/{name}/src/{name}",
        "why": why,
        "origin": f"/home/ada/{name}",
        "files": stored,
        "executable": [file for file in stored if file.endswith(".sh")],
    }


def files_in(folder: Path) -> "dict[str, str]":
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_holds_exactly_what_is_listed(store: BlobStore, root: Path) -> None:
    digest = listing(
        store,
        package(store, "lib", lib__init_DOT_py="x = 1", lib__deep__run_DOT_sh="#!/bin/sh"),
        package(store, "alone", alone_DOT_py="y = 2"),
    )
    folder = Path(materialise(digest, store, str(root)))
    assert folder.parent == root
    assert files_in(folder) == {
        "lib/init.py": "x = 1",
        "lib/deep/run.sh": "#!/bin/sh",
        "alone.py": "y = 2",
    }
    assert os.access(folder / "lib/deep/run.sh", os.X_OK)
    assert not (folder / "alone.py").stat().st_mode & 0o222
    assert os.listdir(root) == [folder.name]
    code = "import alone, sys; print(alone.y)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "2\n"


def test_a_whole_folder_is_used_again(store: BlobStore, root: Path, tmp_path: Path) -> None:
    digest = listing(store, package(store, "lib", lib_DOT_py="x = 1"))
    folder = materialise(digest, store, str(root))
    # What is whole needs nothing of the store any more.
    shutil.rmtree(tmp_path / "store")
    assert materialise(digest, store, str(root)) == folder


def test_one_that_can_not_be_finished_is_not_there(store: BlobStore, root: Path) -> None:
    good = package(store, "good", good_DOT_py="1")
    bad = package(store, "lib", lib_DOT_py="x = 1")
    digest = listing(store, good, bad)
    os.unlink(store.path(bad["files"]["lib.py"]))
    with pytest.raises(MissingBlob):
        materialise(digest, store, str(root))
    assert os.listdir(root) == []
    store.put(b"x = 1")
    assert files_in(Path(materialise(digest, store, str(root)))) == {
        "good.py": "1",
        "lib.py": "x = 1",
    }


def test_what_a_killed_process_left_is_removed_and_a_living_ones_stays(
    store: BlobStore, root: Path
) -> None:
    digest = listing(store, package(store, "lib", lib_DOT_py="x = 1"))
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getpid(), os.getppid()):
        (root / f"{'0' * 64}.{pid}").mkdir(parents=True)
    folder = materialise(digest, store, str(root))
    kept = {Path(folder).name, f"{'0' * 64}.{os.getppid()}"}
    assert set(os.listdir(root)) == kept


MAKE = """
import sys
sys.path.insert(0, {src!r})
from falaj.store.blobs import BlobStore
from falaj_control.packaging.travelling import materialise
sys.stdin.readline()
print(materialise({digest!r}, BlobStore({store!r}), {root!r}))
"""


def test_many_processes_make_one_folder(store: BlobStore, root: Path) -> None:
    import falaj

    contents = {f"lib__f{number}_DOT_py": str(number) for number in range(50)}
    digest = listing(store, package(store, "lib", **contents))
    src = str(Path(falaj.__file__).parents[1])
    code = MAKE.format(src=src, digest=digest, store=store.root, root=str(root))
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda maker=maker: answers.append(maker.communicate("\n")[0]))
        for maker in makers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    folder = Path(answers[0].strip())
    assert len(files_in(folder)) == 50
    assert os.listdir(root) == [folder.name]


def test_two_parts_of_a_namespace_come_together(store: BlobStore, root: Path) -> None:
    first = package(store, "acme", acme__a_DOT_py="1", acme__both_DOT_py="first")
    second = package(store, "acme", acme__b_DOT_py="2", acme__both_DOT_py="second")
    folder = Path(materialise(listing(store, first, second), store, str(root)))
    assert files_in(folder) == {"acme/a.py": "1", "acme/b.py": "2", "acme/both.py": "first"}


def test_a_person_is_told_what_travels_without_being_asked_to(store: BlobStore, root: Path) -> None:
    paths, sentences = unpack(
        listing(
            store,
            package(store, "mylib", mylib_DOT_py=""),
            package(store, "asked", "named", asked_DOT_py=""),
        ),
        store,
        str(root),
    )
    assert [os.path.dirname(path) for path in paths] == [str(root)]
    assert sentences == [
        "mylib is installed editable (from /home/ada/mylib); its files as they are now travel "
        "with this run."
    ]


def test_a_person_is_told_of_compiled_modules(store: BlobStore, root: Path) -> None:
    digest = listing(
        store, package(store, "fast", "named", fast__core_DOT_so="", fast__x_DOT_so="")
    )
    (sentence,) = unpack(digest, store, str(root))[1]
    assert sentence.startswith("fast travels with compiled modules (fast/core.so and 1 more)")


def test_where_nothing_travels_there_is_no_folder(store: BlobStore, root: Path) -> None:
    assert unpack(listing(store), store, str(root)) == ((), [])
    assert not root.exists()
