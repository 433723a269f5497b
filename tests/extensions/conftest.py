"""Packages with extensions, really installed beside Falaj in virtual environments of their own."""

import fcntl
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj_control.environments.uvtool import find_uv

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
HEADER = "from falaj import *\n"
FOOTER = '\nif __name__ == "__main__":\n    F()\n'


def _uv(*arguments: object) -> None:
    command = [find_uv(os.environ), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _environment(shared: Path, name: str, packages: list[Path]) -> Path:
    """Return the interpreter of an environment, made once for all workers of a session."""
    folder = shared / f"extensions-{name}"
    with open(shared / f"extensions-{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            _uv("venv", "-q", "-p", sys.executable, folder)
            # uv takes what it has built of a folder before, unless it is told to look again.
            fresh = [f"--refresh-package=falaj-{one.name}" for one in packages]
            _uv("pip", "install", "-q", "-p", folder, *fresh, "-e", REPOSITORY, *packages)
            (folder / "made").touch()
    return folder / "bin" / "python"


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of this session's, which all of its workers have."""
    folder = tmp_path_factory.getbasetemp()
    # A worker has a folder in the session's; without workers what is above outlives the session.
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture
def installed(shared: Path) -> Path:
    """Return the interpreter of an environment with Falaj and the sample package."""
    return _environment(shared, "sample", [HERE / "sample"])


@pytest.fixture
def installed_badly(shared: Path) -> Path:
    """Return the interpreter of an environment with packages that can't be used, too."""
    return _environment(shared, "all", [HERE / one for one in ("sample", "broken", "rival")])


@pytest.fixture
def make_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes an environment with Falaj and packages, for one test."""
    folder = tmp_path_factory.mktemp("environments")
    return lambda name, *packages: _environment(folder, name, list(packages))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def with_python(home: Path, tmp_path: Path) -> Run:
    """Return a function that runs an interpreter of an environment in the test's folder."""

    def run(
        python: Path, *arguments: object, code: int = 0, env: dict[str, str] | None = None
    ) -> Any:
        done = subprocess.run(
            [str(python), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def flow(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes the body of a flow's file and returns its path."""

    def write(source: str) -> Path:
        path = tmp_path / "flow.py"
        path.write_text(HEADER + textwrap.dedent(source) + FOOTER, encoding="utf-8")
        return path

    return write
