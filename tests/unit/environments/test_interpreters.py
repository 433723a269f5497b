"""Finding a Python of a version on a machine, and remembering what was found."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from falaj_control.environments import interpreter_places, interpreters
from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreters import find_interpreter, list_interpreters
from falaj_control.environments.values import EnvironmentFailed

# The real interpreter that runs this, made to take itself for another: no machine has them all.
DISGUISED = """#!/bin/sh
echo . >> {ran}
exec {real} -I -S -c '
import sys
sys.version_info = {version} + ("final", 0)
sys.executable, sys.base_prefix = "{path}", "{prefix}"
sys.implementation.name, sys.abiflags = "{implementation}", "{flags}"
exec(sys.argv[1])
' "$4"
"""
RUNNING = "{}.{}".format(*sys.version_info[:2])

Fake = Callable[..., Path]


@pytest.fixture(autouse=True)
def _nobody_has_a_home_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_places, "own_folders", list)


@pytest.fixture
def folders(tmp_path: Path) -> CacheFolders:
    return CacheFolders(str(tmp_path / "cache"))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return variables of a person whose home holds nothing yet."""
    return {"HOME": str(tmp_path / "person"), "PATH": str(tmp_path / "programs")}


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    def make(
        place: str, version: str, implementation: str = "cpython", flags: str = "", name: str = ""
    ) -> Path:
        numbers = tuple(int(part) for part in version.split("."))
        path = tmp_path / place / (name or "python{}.{}".format(*numbers))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            DISGUISED.format(
                ran=tmp_path / "ran",
                real=sys.executable,
                version=numbers,
                path=path,
                prefix=path.parent.parent,
                implementation=implementation,
                flags=flags,
            )
        )
        path.chmod(0o755)
        return path

    return make


def times_run(tmp_path: Path) -> int:
    """Return how often a disguised interpreter was run."""
    trace = tmp_path / "ran"
    return len(trace.read_text().split()) if trace.exists() else 0


def test_what_is_listed_is_what_it_says(folders: CacheFolders) -> None:
    listed = list_interpreters(folders, os.environ)
    assert os.path.realpath(sys.executable) in [found.path for found in listed]
    for found in listed:
        code = "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.implementation.name)"
        said = subprocess.run([found.path, "-c", code], capture_output=True, text=True, check=True)
        assert said.stdout.split() == [found.version, "cpython"]
        exact = find_interpreter(found.version, folders, os.environ, sys.executable)
        assert exact.version == found.version
        minor = find_interpreter(found.minor, folders, os.environ, sys.executable).minor
        assert minor == found.minor


@pytest.mark.parametrize("how", ["--symlinks", "--copies"])
def test_a_virtual_environment_stands_for_the_python_it_was_made_from(
    how: str, folders: CacheFolders, environ: dict[str, str], tmp_path: Path
) -> None:
    made = tmp_path / "venv"
    base = os.path.realpath(sys.executable)
    subprocess.run([base, "-m", "venv", "--without-pip", how, str(made)], check=True)
    found = find_interpreter(RUNNING, folders, environ, str(made / "bin" / "python"))
    assert found.source == "launcher"
    assert found.path == base
    # Also where it is the only one on PATH, as in an activated environment.
    on_path = {**environ, "PATH": str(made / "bin")}
    assert find_interpreter(RUNNING, folders, on_path, None).path == base


def test_the_launchers_own_comes_first_where_it_fits(
    folders: CacheFolders, environ: dict[str, str], fake: Fake
) -> None:
    fake("programs", "{}.{}.99".format(*sys.version_info[:2]))
    other = fake("programs", "3.7.4")
    found = find_interpreter(RUNNING, folders, environ, sys.executable)
    assert found.path == os.path.realpath(sys.executable)
    found = find_interpreter("3.7", folders, environ, sys.executable)
    assert (found.path, found.version, found.source) == (str(other), "3.7.4", "PATH")


@pytest.mark.parametrize(
    ("place", "variable", "value", "source"),
    [
        ("person/.pyenv/versions/3.7.4/bin", "", "", "pyenv"),
        ("else/versions/3.7.4/bin", "PYENV_ROOT", "else", "pyenv"),
        ("person/.asdf/installs/python/3.7.4/bin", "", "", "asdf"),
        ("person/.local/share/mise/installs/python/3.7.4/bin", "", "", "mise"),
        ("else/installs/python/3.7/bin", "MISE_DATA_DIR", "else", "mise"),
        ("person/.rye/py/cpython@3.7.4/bin", "", "", "rye"),
        ("person/.rye/py/cpython@3.7.4/install/bin", "", "", "rye"),
        ("person/.local/share/uv/python/cpython-3.7.4-linux-x86_64-gnu/bin", "", "", "uv"),
        ("else/uv/python/cpython-3.7.4-linux-x86_64-gnu/bin", "XDG_DATA_HOME", "else", "uv"),
        ("else/cpython-3.7.4-linux-x86_64-gnu/bin", "UV_PYTHON_INSTALL_DIR", "else", "uv"),
        ("person/miniforge3/bin", "", "", "conda"),
        ("person/miniconda3/envs/old/bin", "", "", "conda"),
        ("else/bin", "CONDA_PREFIX", "else", "conda"),
        ("else/envs/old/bin", "CONDA_EXE", "else/bin/conda", "conda"),
        ("listed/bin", "", "", "conda"),
    ],
)
def test_it_is_found_where_tools_keep_it(
    place: str,
    variable: str,
    value: str,
    source: str,
    folders: CacheFolders,
    environ: dict[str, str],
    fake: Fake,
    tmp_path: Path,
) -> None:
    path = fake(place, "3.7.4")
    notes = tmp_path / "person" / ".conda" / "environments.txt"
    notes.parent.mkdir(parents=True, exist_ok=True)
    notes.write_text(f"/not/there\n{tmp_path / 'listed'}\n")
    if variable:
        environ[variable] = str(tmp_path / value)
    found = find_interpreter("3.7.4", folders, environ, None)
    assert (found.path, found.version, found.source) == (str(path), "3.7.4", source)
    assert found in list_interpreters(folders, environ)


def test_path_is_taken_in_its_order_then_the_newest_of_a_manager(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    for patch in (4, 10, 16, 9):
        fake(f"person/.pyenv/versions/3.7.{patch}/bin", f"3.7.{patch}")
    assert find_interpreter("3.7", folders, environ, None).version == "3.7.16"
    assert find_interpreter("3.7.9", folders, environ, None).version == "3.7.9"
    fake("first", "3.7.1", name="python")
    fake("second", "3.7.2")
    environ["PATH"] = os.pathsep.join(str(tmp_path / name) for name in ("first", "second"))
    assert find_interpreter("3.7", folders, environ, None).version == "3.7.1"
    assert find_interpreter("3.7.2", folders, environ, None).version == "3.7.2"


def test_none_is_run_whose_name_says_another_version(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    for version in ("3.7.4", "3.7.9", "3.8.2", "3.10.1"):
        fake(f"person/.pyenv/versions/{version}/bin", version)
    assert find_interpreter("3.7.9", folders, environ, None).version == "3.7.9"
    assert times_run(tmp_path) == 1


def test_shims_are_not_run(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    manager = fake("person/bin", "3.7.4", name="manager")
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "python3.7").symlink_to(manager)
    fake("person/.pyenv/shims", "3.7.4")
    shims = tmp_path / "person" / ".pyenv" / "shims"
    environ["PATH"] = os.pathsep.join([f"{shims}{os.sep}", environ["PATH"]])
    with pytest.raises(EnvironmentFailed):
        find_interpreter("3.7.4", folders, environ, None)
    assert times_run(tmp_path) == 0


def test_other_implementations_are_left_out_and_rare_builds_come_last(
    folders: CacheFolders, environ: dict[str, str], fake: Fake
) -> None:
    fake("programs", "3.7.4", implementation="pypy")
    rare = fake("person/.pyenv/versions/3.7.4t/bin", "3.7.4", flags="t")
    assert find_interpreter("3.7.4", folders, environ, None).path == str(rare)
    usual = fake("person/miniconda3/bin", "3.7.4")
    assert find_interpreter("3.7.4", folders, environ, None).path == str(usual)
    assert [f.path for f in list_interpreters(folders, environ) if f.version == "3.7.4"] == [
        str(rare),
        str(usual),
    ]


def test_an_environment_of_falajs_cache_is_no_base_for_another(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    inside = fake("cache/environments/abc/bin", "3.7.4")
    environ["PATH"] = str(inside.parent)
    with pytest.raises(EnvironmentFailed):
        find_interpreter("3.7.4", folders, environ, str(inside))


def test_a_known_interpreter_is_not_run_again_until_it_changes(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    fake("programs", "3.7.4")
    first = find_interpreter("3.7", folders, environ, None)
    assert times_run(tmp_path) == 1
    assert find_interpreter("3.7", folders, environ, None) == first
    assert times_run(tmp_path) == 1
    fake("programs", "3.7.5", implementation="cpython", flags="m")
    found = find_interpreter("3.7", folders, environ, None)
    assert found.version == "3.7.5"
    assert found.stamp != first.stamp
    assert times_run(tmp_path) == 2


def test_a_wrapper_leads_to_the_python_that_it_starts(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    real = fake("hidden", "3.7.4")
    (tmp_path / "programs").mkdir()
    wrapper = tmp_path / "programs" / "python3.7"
    wrapper.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    assert find_interpreter("3.7", folders, environ, None).path == str(real)
    # What it starts is another one now, although the wrapper is the same.
    fake("hidden", "3.7.15")
    assert find_interpreter("3.7", folders, environ, None).version == "3.7.15"
    wrapper.write_text(f'#!/bin/sh\nexec {fake("other", "3.7.8")} "$@"\n')
    assert find_interpreter("3.7", folders, environ, None).version == "3.7.8"


@pytest.mark.parametrize("does", ["exit 3", "echo 3.7.4", "echo '[1]'", "sleep 600 & sleep 600"])
def test_one_that_fails_or_hangs_is_passed_over(
    does: str,
    folders: CacheFolders,
    environ: dict[str, str],
    fake: Fake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = fake("person/.pyenv/versions/3.7.4/bin", "3.7.4")
    find_interpreter("3.7", folders, environ, None)
    bad = fake("programs", "3.7.9")
    bad.write_text(f"#!/bin/sh\necho . >> {tmp_path / 'bad'}\n{does}\n")
    monkeypatch.setattr(interpreters, "_PATIENCE", 0.3 if "sleep" in does else 10)
    for _ in range(2):
        assert find_interpreter("3.7", folders, environ, None).path == str(good)
    assert (tmp_path / "bad").read_text() == ".\n"
    # It is given another chance later: what it lacked may be there now.
    monkeypatch.setattr(interpreters, "_FAILED_FOR", 0.0)
    find_interpreter("3.7", folders, environ, None)
    assert (tmp_path / "bad").read_text() == ".\n.\n"


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"PATH": 3}', b'{"PATH": ["STAMP", ["\\u0000"]]}', b"\xff\xfe"]
)
def test_a_damaged_memory_costs_only_the_asking(
    damage: bytes, folders: CacheFolders, environ: dict[str, str], fake: Fake
) -> None:
    path = fake("programs", "3.7.4")
    first = find_interpreter("3.7", folders, environ, None)
    told = damage.replace(b"PATH", str(path).encode()).replace(b"STAMP", first.stamp.encode())
    Path(folders.interpreters).write_bytes(told)
    assert find_interpreter("3.7", folders, environ, None) == first
    assert str(path) in Path(folders.interpreters).read_text()


def test_those_who_look_at_once_leave_a_whole_memory(
    folders: CacheFolders, environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    for minor in range(7, 15):
        fake(f"person/.pyenv/versions/3.{minor}.4/bin", f"3.{minor}.4")
    found: list[str] = []

    def look(minor: int) -> None:
        found.append(find_interpreter(f"3.{minor}.4", folders, environ, None).version)

    threads = [threading.Thread(target=look, args=(minor,)) for minor in range(7, 15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"3.{minor}.4" for minor in range(7, 15))
    list_interpreters(folders, environ)
    before = times_run(tmp_path)
    assert len([f for f in list_interpreters(folders, environ) if f.version.endswith(".4")]) >= 8
    assert times_run(tmp_path) == before
    assert os.listdir(folders.root) == ["interpreters.json"]


def test_without_a_place_to_remember_it_is_found_all_the_same(
    environ: dict[str, str], fake: Fake, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    path = fake("programs", "3.7.4")
    nowhere = CacheFolders(str(tmp_path / "file" / "cache"))
    assert find_interpreter("3.7", nowhere, environ, None).path == str(path)


def test_where_none_fits_it_says_what_there_is_and_what_to_type(
    folders: CacheFolders, environ: dict[str, str], fake: Fake
) -> None:
    fake("programs", "3.7.4")
    fake("person/.pyenv/versions/3.6.9/bin", "3.6.9")
    with pytest.raises(EnvironmentFailed) as caught:
        find_interpreter("3.7.12", folders, environ, sys.executable)
    told = str(caught.value)
    assert "no Python 3.7.12" in told
    assert "{}.{}.{}".format(*sys.version_info[:3]) in told
    assert "Ask for `3.7` where 3.7.4 will do." in told
    assert "3.6.9" not in told
    assert "pyenv" in told
    assert "conda" in told
    assert "`uv python install 3.7.12`" in told
    with pytest.raises(EnvironmentFailed) as caught:
        find_interpreter("3.99", folders, environ, None)
    assert "will do" not in str(caught.value)


def test_the_home_that_the_system_knows_is_looked_into_as_well(
    fake: Fake, folders: CacheFolders, environ: dict[str, str], monkeypatch, tmp_path: Path
) -> None:
    kept = fake("known/.pyenv/versions/3.7.16/bin", "3.7.16")
    with pytest.raises(EnvironmentFailed):
        find_interpreter("3.7", folders, environ, None)
    monkeypatch.setattr(interpreter_places, "own_folders", lambda: [str(tmp_path / "known")])
    assert find_interpreter("3.7", folders, environ, None).path == str(kept)
