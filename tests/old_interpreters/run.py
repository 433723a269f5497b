"""Run falaj's own tests on every interpreter from 3.7 on that is found, with Falaj from its zip.

In an empty environment all modules are imported and the tests of this folder run. In one that
holds pytest alone the unit tests run that need nothing but falaj.
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uv
from selection import TOOLS, copy_tests, left_out

from falaj_control.environments.folders import CacheFolders
from falaj_control.environments.interpreters import find_interpreter
from falaj_control.environments.values import EnvironmentFailed, FoundInterpreter
from falaj_control.packaging.ourselves import falaj_zip

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src"
VERSIONS = [f"3.{minor}" for minor in range(7, 14)]
RUNNING = "{}.{}".format(*sys.version_info[:2])
MODULES = len(list((SRC / "falaj").rglob("*.py")))
AT_ONCE = os.cpu_count() or 1


class Environment:
    """A virtual environment in `folder`, and how its Python is run: without our variables."""

    def __init__(self, folder: Path, base: FoundInterpreter) -> None:
        self.folder = folder
        self.python = str(folder / "bin" / "python")
        self.site = folder / "lib" / f"python{base.minor}" / "site-packages"
        self._uv("venv", "--python", base.path, str(folder))

    def install(self, *packages: str) -> None:
        self._uv("pip", "install", "--python", self.python, *packages)

    def run(self, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
        home = self.folder.parent / f"home-{self.folder.name}"
        home.mkdir(exist_ok=True)
        return subprocess.run(
            [self.python, "-I", *arguments],
            cwd=cwd,
            env={"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=300,
            check=False,
        )

    def _uv(self, *arguments: str) -> None:
        command = [uv.find_uv_bin(), *arguments, "--quiet", "--no-config"]
        environ = {"UV_SYSTEM_CERTS": "1", **os.environ}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EnvironmentFailed(done.stderr)


def check(version: str, place: Path) -> tuple[bool, str]:
    """Return whether `version` passed, and a line about it with what a failed check printed."""
    folders = CacheFolders(str(place / "cache"))
    try:
        base = find_interpreter(version, folders, os.environ, sys.executable)
    except EnvironmentFailed:
        mine = version == RUNNING
        return not mine, f"not found{' although it runs this' if mine else ''}"
    archive = falaj_zip(folders.code, base.path, base.version)
    empty = Environment(place / f"empty-{version}", base)
    bare = empty.run("-S", str(HERE / "check_falaj.py"), archive, cwd=place)
    good = bare.returncode == 0 and f"modules: {MODULES}\n" in bare.stdout
    told = f"empty environment {'passed' if good else 'FAILED'}"
    if not good:
        told += f"\n(expected {MODULES} modules)\n{bare.stdout}{bare.stderr}"
    with_pytest = Environment(place / f"pytest-{version}", base)
    with_pytest.install(*TOOLS)
    # On the path of every Python that a test starts, too.
    (with_pytest.site / "falaj.pth").write_text(f"{archive}\n{place / 'tests' / 'data'}\n")
    skipped = left_out(version)
    options = [f"--deselect={test}" for test in skipped]
    temporary = f"--basetemp={place / f'temporary-{version}'}"
    tests = with_pytest.run(
        "-m", "pytest", "-q", "--tb=short", temporary, *options, "tests", cwd=place / "tests"
    )
    counts = re.search(r"\d+ passed", tests.stdout)
    passed = tests.returncode == 0 and counts is not None
    told += f", unit tests {counts[0] if passed and counts else 'FAILED'}"
    told += f" ({len(skipped)} left out)" if skipped else ""
    return good and passed, told if passed else f"{told}\n{tests.stdout}{tests.stderr}"


def main() -> int:
    """Print a line per version; return 1 where a check failed or the running one is missing."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        place = Path(folder)
        files = copy_tests(place / "tests")
        ini = "[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\ntimeout = 120\n"
        (place / "tests" / "pytest.ini").write_text(ini)
        print(f"{MODULES} modules, {files} files of unit tests", flush=True)
        failed = False
        outcomes = pool.map(lambda version: check(version, place), VERSIONS)
        for version, (passed, told) in zip(VERSIONS, outcomes, strict=True):
            print(f"{version:5} {told}", flush=True)
            failed = failed or not passed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
