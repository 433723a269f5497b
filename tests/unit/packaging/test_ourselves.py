"""The zip of Falaj's own code: what is in it, and that it is there whole or not at all."""

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import falaj
from falaj.errors import FalajException
from falaj_control.packaging.ourselves import falaj_zip

VERSION = "{}.{}.{}".format(*sys.version_info[:3])
SRC = Path(falaj.__file__).parents[1]

HOSTS_IMPORTS = """
import sys
sys.path.append({zip!r})
import falaj, falaj.runtime.launch, falaj.runtime.host, falaj.runtime.introduction
import falaj.runtime.execute
for name, module in sorted(sys.modules.items()):
    if name.partition(".")[0] == "falaj":
        print(module.__file__)
"""

FAILING = """
import sys, traceback
sys.path.append({zip!r})
from falaj.runtime.failure import describe_exception
from falaj.store.blobs import BlobStore
try:
    BlobStore("/not/there").read("no digest")
except Exception as error:
    print(describe_exception(error).traceback)
    traceback.print_exc()
"""

MAKING = """
import sys
sys.path.insert(0, {src!r})
from falaj_control.packaging.ourselves import falaj_zip
print(falaj_zip({folder!r}, {python!r}, {version!r}))
"""


def run(code: str, **values: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", "-c", code.format(**values)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    return falaj_zip(str(tmp_path_factory.mktemp("code")), sys.executable, VERSION)


@pytest.fixture
def own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let Falaj take a copy, which a test may change, for its own code."""
    copy = tmp_path / "src" / "falaj"
    shutil.copytree(SRC / "falaj", copy)
    monkeypatch.setattr(falaj, "__file__", str(copy / "__init__.py"))
    return copy


def test_it_holds_every_module_of_falaj_and_nothing_else(made: str) -> None:
    modules = [path.relative_to(SRC).as_posix() for path in (SRC / "falaj").rglob("*.py")]
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted([*modules, *(f"{name}c" for name in modules)])
        assert archive.read("falaj/home.py") == (SRC / "falaj" / "home.py").read_bytes()


def test_a_host_imports_what_was_compiled_for_it(made: str) -> None:
    imported = run(HOSTS_IMPORTS, zip=made)
    files = imported.stdout.split()
    assert len(files) > 20, imported.stderr
    assert [file for file in files if not file.startswith(made) or file[-4:] != ".pyc"] == []


def test_a_traceback_shows_falajs_lines_and_a_users_leaves_them_out(made: str) -> None:
    failed = run(FAILING, zip=made)
    assert f'File "{made}/falaj/store/blobs.py", line' in failed.stderr
    lines = (SRC / "falaj" / "store" / "blobs.py").read_text().splitlines()
    shown = failed.stderr.partition(f'File "{made}/falaj/store/blobs.py", line ')[2].splitlines()
    assert shown[1].strip() == lines[int(shown[0].partition(",")[0]) - 1].strip()
    assert 'File "<string>", line' in failed.stdout
    assert made not in failed.stdout


def test_what_is_there_is_used_without_running_anything(made: str) -> None:
    before = os.stat(made)
    # Reading it may touch its access time, and that alone.
    kept = (before.st_ino, before.st_mtime_ns, before.st_size)
    assert falaj_zip(os.path.dirname(made), "/no/python", VERSION) == made
    # Another patch of the same minor version has the same form of compiled files.
    assert falaj_zip(os.path.dirname(made), "/no/python", VERSION + "9") == made
    after = os.stat(made)
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == kept


def test_another_minor_version_has_another_zip(made: str) -> None:
    with pytest.raises(FalajException, match="/no/python can't be started: No such file"):
        falaj_zip(os.path.dirname(made), "/no/python", "3.99.1")


def test_changed_sources_make_another_zip(own_copy: Path, tmp_path: Path) -> None:
    first = falaj_zip(str(tmp_path / "code"), sys.executable, VERSION)
    (own_copy / "added.py").write_text("ADDED = 1\n")
    second = falaj_zip(str(tmp_path / "code"), sys.executable, VERSION)
    assert second != first
    assert run("import sys; sys.path.append({zip!r}); import falaj.added", zip=second).stderr == ""
    (own_copy / "added.py").write_text("ADDED = 2\n")
    assert falaj_zip(str(tmp_path / "code"), sys.executable, VERSION) not in (first, second)


def test_a_cache_that_was_moved_gets_its_own(made: str, tmp_path: Path) -> None:
    # Its compiled modules name the path of the zip that they are in.
    moved = tmp_path / "moved"
    shutil.copytree(os.path.dirname(made), moved)
    path = falaj_zip(str(moved), sys.executable, VERSION)
    assert f'File "{path}/falaj/store/blobs.py", line' in run(FAILING, zip=path).stderr


@pytest.mark.parametrize("damage", ["shortened", "empty", "zeros", "longer", "half"])
def test_a_damaged_zip_is_made_again(damage: str, tmp_path: Path) -> None:
    path = Path(falaj_zip(str(tmp_path / "code"), sys.executable, VERSION))
    good = path.read_bytes()
    path.write_bytes(
        {
            "shortened": good[:-1],
            "empty": b"",
            "zeros": bytes(22),
            "longer": good + b"\0",
            "half": good[len(good) // 2 :],
        }[damage]
    )
    assert falaj_zip(str(tmp_path / "code"), sys.executable, VERSION) == str(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    assert run(HOSTS_IMPORTS, zip=str(path)).stderr == ""


def test_many_who_need_it_at_once_get_the_same(tmp_path: Path) -> None:
    code = tmp_path / "code"
    making = MAKING + "import os; print(os.stat(falaj_zip({folder!r}, '', {version!r})).st_ino)"

    def make(_: int) -> str:
        made = run(making, src=str(SRC), folder=str(code), python=sys.executable, version=VERSION)
        assert made.stderr == ""
        return made.stdout

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(make, range(4)))
    # The very file too: none may take the place of one that a host is reading.
    assert len(set(answers)) == 1
    assert sorted(name.rpartition(".")[2] for name in os.listdir(code)) == ["lock", "zip"]


def test_a_kill_in_the_middle_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    slow = tmp_path / "python"
    slow.write_text(f"#!/bin/sh\ntouch {tmp_path / 'begun'}\nsleep 600\n")
    slow.chmod(0o755)
    code = tmp_path / "code"
    making = MAKING.format(src=str(SRC), folder=str(code), python=str(slow), version=VERSION)
    killed = subprocess.Popen([sys.executable, "-c", making], start_new_session=True)
    while not (tmp_path / "begun").exists():
        assert killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert [name for name in os.listdir(code) if name.endswith(".zip")] == []
    path = falaj_zip(str(code), sys.executable, VERSION)
    assert run(HOSTS_IMPORTS, zip=path).stderr == ""


def test_a_cache_that_cant_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FalajException, match="Falaj's own code into .*/file/code: .*FALAJ_CACHE"):
        falaj_zip(str(tmp_path / "file" / "code"), sys.executable, VERSION)


def test_an_interpreter_that_cant_compile_is_told_with_what_it_said(tmp_path: Path) -> None:
    bad = tmp_path / "python"
    bad.write_text("#!/bin/sh\necho no compileall here >&2\nexit 1\n")
    bad.chmod(0o755)
    with pytest.raises(FalajException, match="can't compile Falaj's own code") as caught:
        falaj_zip(str(tmp_path / "code"), str(bad), VERSION)
    assert "no compileall here" in str(caught.value)
