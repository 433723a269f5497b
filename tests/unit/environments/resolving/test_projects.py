"""Files that say what is wanted (pyproject.toml, requirements, scripts), resolved by real uv."""

import subprocess
from pathlib import Path

import pytest

from falaj_control.environments.fitting import file_name
from falaj_control.environments.localpackages import SOURCE_KEY
from falaj_control.environments.uvtool import find_uv, uv_environ
from falaj_control.environments.values import EnvironmentFailed, Project

WINDOWS = "x86_64-pc-windows-msvc"
PYPROJECT = """
[project]
name = "mine"
version = "0.1"
requires-python = ">=3.8"
dependencies = ["six<1.17", "colorama; sys_platform == 'win32'", "tomli; python_version < '3.9'"]
[project.optional-dependencies]
fast = ["iniconfig==2.0.0"]
[dependency-groups]
dev = ["attrs"]
test = ["markupsafe==2.1.5"]
"""
PACKAGE = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


@pytest.fixture
def folder(machine) -> Path:
    (machine.root / "project").mkdir()
    return machine.root / "project"


def project(folder: Path, name: str = "pyproject.toml", **rest) -> Project:
    kind = {"pyproject.toml": "pyproject", "requirements.txt": "requirements"}.get(name, "script")
    return Project(kind, str(folder / name), **rest)


def lock(machine, folder: Path) -> None:
    command = [find_uv(machine.environ), "lock", "-q", "-p", machine.pythons("3.11").path]
    subprocess.run(command, check=True, cwd=folder, env=uv_environ(machine.environ))


@pytest.mark.parametrize("locked", [False, True])
def test_a_pyproject(machine, folder: Path, versions, locked: bool) -> None:
    (folder / "pyproject.toml").write_text(PYPROJECT)
    if locked:
        lock(machine, folder)
    before = sorted(folder.iterdir())
    request = machine.request(project=project(folder))
    got = machine.ask(request)
    assert versions(got) == {"six": "1.16.0"}
    assert got.kind == "uv"
    assert got.asked == ("project/pyproject.toml",)
    assert sorted(folder.iterdir()) == before
    assert set(versions(machine.ask(request, WINDOWS))) == {"six", "colorama"}
    older = machine.request(project=project(folder), python="3.8")
    assert set(versions(machine.ask(older))) == {"six", "tomli"}
    chosen = machine.request(project=project(folder, extras=("fast",), groups=("test",)))
    found = machine.ask(chosen)
    assert versions(found) == {"six": "1.16.0", "iniconfig": "2.0.0", "markupsafe": "2.1.5"}
    wheels = next(one for one in found.packages if one["name"] == "markupsafe")["wheels"]
    assert all("cp311" in file_name(one) and "linux" in file_name(one) for one in wheels)
    assert "marker" not in found.packages[0]


@pytest.mark.parametrize("locked", [False, True])
def test_a_project_that_is_a_package_is_installed_too(
    machine, folder: Path, make_library, versions, locked: bool
) -> None:
    make_library(machine.root / "library", "library", ["six==1.15.0"])
    (folder / "pyproject.toml").write_text(
        PYPROJECT.replace('"six<1.17"', '"library"')
        + '[tool.uv.sources]\nlibrary = { path = "../library" }\n[tool.setuptools]\npy-modules=[]\n'
        + PACKAGE
    )
    if locked:
        lock(machine, folder)
    got = machine.ask(machine.request(project=project(folder)))
    assert versions(got) == {"library": "1.2", "mine": "0.1", "six": "1.15.0"}
    paths = [one[SOURCE_KEY]["path"] for one in got.packages if SOURCE_KEY in one]
    assert paths == ["library", "project"]


def test_a_lock_of_uv_that_is_stale_is_refused(machine, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PYPROJECT)
    lock(machine, folder)
    (folder / "pyproject.toml").write_text(PYPROJECT.replace("1.17", "1.16"))
    with pytest.raises(EnvironmentFailed, match="Bring it up to date with: uv lock"):
        machine.ask(machine.request(project=project(folder)))


def test_exclude_newer_beside_a_lock_of_uv_is_refused(machine, folder: Path) -> None:
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "uv.lock").write_text("")
    with pytest.raises(EnvironmentFailed, match="exclude-newer in .tool.uv"):
        machine.ask(machine.request(project=project(folder), exclude_newer="2024-01-01"))


@pytest.mark.parametrize("locked", [False, True])
def test_a_python_that_the_project_refuses(machine, folder: Path, locked: bool) -> None:
    (folder / "pyproject.toml").write_text(PYPROJECT + PACKAGE)
    if locked:
        lock(machine, folder)
    with pytest.raises(EnvironmentFailed, match="Choose another Python") as failed:
        machine.ask(machine.request(project=project(folder), python="3.7"))
    assert ">=3.8" in str(failed.value)


def test_a_pyproject_of_groups_alone(machine, folder: Path, versions) -> None:
    (folder / "pyproject.toml").write_text('[dependency-groups]\ntest = ["six==1.16.0"]\n')
    request = machine.request(project=project(folder, groups=("test",)))
    assert versions(machine.ask(request)) == {"six": "1.16.0"}
    assert machine.ask(machine.request(project=project(folder))).packages == ()


def test_requirements_with_includes_and_constraints(machine, folder: Path, versions) -> None:
    (folder / "more").mkdir()
    (folder / "requirements.txt").write_text("-r more/base.txt\n-c bound.txt\npandas==0.24.2\n")
    (folder / "more" / "base.txt").write_text("tomli\n")
    (folder / "bound.txt").write_text("tomli==2.0.1\n")
    request = machine.request(project=project(folder, "requirements.txt"), python="3.7")
    found = versions(machine.ask(request))
    # The release of pandas is one whose own metadata uv refuses.
    assert (found["tomli"], found["pandas"]) == ("2.0.1", "0.24.2")


def test_hashes_of_a_requirements_file_are_obeyed(machine, folder: Path) -> None:
    wheel = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"
    (folder / "requirements.txt").write_text("-r base.txt\n")
    (folder / "base.txt").write_text(f"six==1.16.0 \\\n    --hash=sha256:{wheel}  # wheel\n")
    request = machine.request(project=project(folder, "requirements.txt"))
    (package,) = machine.ask(request).packages
    assert [one["hashes"]["sha256"] for one in package["wheels"]] == [wheel]
    assert "sdist" not in package
    (folder / "base.txt").write_text(f"six==1.16.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(EnvironmentFailed, match="None of the hashes that are given for six"):
        machine.ask(request)


def test_index_lines_of_a_requirements_file(machine, folder: Path, make_index, versions) -> None:
    index = make_index("bob:s3cr3t")
    index.offer("tinyapp", "1.0")
    (folder / "requirements.txt").write_text(
        "--index-url http://bob:${INDEX_PASSWORD}@" + index.host + "/simple\ntinyapp\n"
    )
    request = machine.request(project=project(folder, "requirements.txt"))
    assert versions(machine.ask(request, INDEX_PASSWORD="s3cr3t")) == {"tinyapp": "1.0"}
    with pytest.raises(EnvironmentFailed, match="INDEX_PASSWORD, which is not set"):
        machine.ask(request)


@pytest.mark.parametrize("locked", [False, True])
def test_a_script(machine, folder: Path, versions, locked: bool) -> None:
    script = folder / "flow.py"
    script.write_text(
        '# /// script\n# requires-python = ">=3.8"\n'
        '# dependencies = ["six<1.17", "colorama; sys_platform == \'win32\'"]\n# ///\n'
    )
    if locked:
        command = [find_uv(machine.environ), "lock", "-q", "--script", str(script)]
        subprocess.run(command, check=True, env=uv_environ(machine.environ))
    before = sorted(folder.iterdir())
    request = machine.request(project=project(folder, "flow.py"))
    assert versions(machine.ask(request)) == {"six": "1.16.0"}
    assert set(versions(machine.ask(request, WINDOWS))) == {"six", "colorama"}
    assert sorted(folder.iterdir()) == before
    with pytest.raises(EnvironmentFailed, match="Choose another Python"):
        machine.ask(machine.request(project=project(folder, "flow.py"), python="3.7"))
