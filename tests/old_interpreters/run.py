"""Run check_falaj.py in an empty environment on every interpreter found, from folder and zip."""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src"
VERSIONS = [(3, minor) for minor in range(7, 14)]
PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"


def candidates(version: str) -> list[Path]:
    """Return every path where an interpreter of this version could be, the likeliest first."""
    home = Path.home()
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions"
    name = f"python{version}"
    # The base of a virtual environment, so that no site-packages stands beside the interpreter.
    running = Path(getattr(sys, "_base_executable", sys.executable))
    found = [
        running,
        *sorted(pyenv.glob(f"*/bin/{name}")),
        *sorted(uv.glob(f"*/bin/{name}")),
        *(Path(folder) / name for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")),
    ]
    on_path = shutil.which(name)
    return [*found, Path(on_path)] if on_path else found


def find_interpreter(version: str) -> Path | None:
    """Return the first candidate that starts and is of this version (a shim may be neither)."""
    for path in candidates(version):
        if not path.exists():
            continue
        answer = run_alone(path, "-c", PROBE)
        if answer.returncode == 0 and answer.stdout.strip() == version:
            return path
    return None


def run_alone(interpreter: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run an interpreter without site-packages, without the user's variables, elsewhere."""
    with tempfile.TemporaryDirectory() as elsewhere:
        return subprocess.run(
            [str(interpreter), "-I", "-S", *arguments],
            cwd=elsewhere,
            env={"PATH": "/usr/bin:/bin", "HOME": elsewhere, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )


def main() -> int:
    """Print a line per version; return 1 where a check failed or the running one is missing."""
    modules = sorted((SRC / "falaj").rglob("*.py"))
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        # A copy beside nothing else: falaj_control must not be importable.
        place = Path(folder, "folder")
        shutil.copytree(SRC / "falaj", place / "falaj", ignore=shutil.ignore_patterns("*.pyc"))
        archive = Path(folder, "falaj.zip")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for module in modules:
                file.write(module, module.relative_to(SRC).as_posix())
        for numbers in VERSIONS:
            version = "{}.{}".format(*numbers)
            interpreter = find_interpreter(version)
            if interpreter is None:
                running = numbers == sys.version_info[:2]
                failed = failed or running
                print(f"{version:5} not found{' although it runs this' if running else ''}")
                continue
            outcomes = []
            for form, where in (("folder", place), ("zip", archive)):
                checked = run_alone(interpreter, str(HERE / "check_falaj.py"), str(where))
                output = checked.stdout + checked.stderr
                good = checked.returncode == 0 and f"modules: {len(modules)}\n" in output
                outcomes.append(f"{form} {'passed' if good else 'FAILED'}")
                if not good:
                    failed = True
                    outcomes.append(f"\n(expected {len(modules)} modules)\n{output}")
            print(f"{version:5} {', '.join(outcomes)}   {interpreter}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
