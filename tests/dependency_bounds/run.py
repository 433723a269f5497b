"""Install Falaj with the lowest and with the newest dependencies it allows, and use it.

Usage: run.py [INTERPRETER …], by default the interpreter that runs this.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples" / "hello" / "flow.py"
PINNED = """
from falaj import FlowSpec, pypi, step

class PinnedFlow(FlowSpec):
    @pypi(packages={"six": "1.16.0"})
    @step
    def start(self):
        import six
        self.version = six.__version__
        self.next(self.end)

    @step
    def end(self):
        print("six", self.version)

PinnedFlow()
"""
_OURS = ("click", "rich", "uv", "tomli")
LOWEST = re.compile(r"^(?P<name>[\w-]+).*>=(?P<version>[\d.]+)")


def lowest_pins() -> list[str]:
    """Return the installed Falaj's run-time requirements, each pinned to its lower bound."""
    pins = []
    for requirement in requires("falaj") or []:
        if "extra ==" in requirement:
            continue
        bound = LOWEST.match(requirement)
        if bound is None:
            sys.exit(f"The requirement {requirement!r} has no lower bound.")
        pins.append(f"{bound['name']}=={bound['version']}")
    return pins


def checked(*command: object, **options: object) -> str:
    """Run a command, return what it printed, and end this script with its output if it fails."""
    finished = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=600,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    if finished.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{finished.stdout}\nFAILED")
    return finished.stdout


def try_out(interpreter: str, wheel: Path, pins: list[str], folder: Path) -> str:
    """Install the wheel with these pins, use it, and return the versions that were installed."""
    checked(interpreter, "-m", "venv", folder / "venv")
    python, falaj = folder / "venv/bin/python", folder / "venv/bin/falaj"
    checked(python, "-m", "pip", "install", "--quiet", wheel, *pins)
    home = folder / "home"
    home.mkdir()
    # A deprecation in the newest release is a break in the next.
    env = {
        **os.environ,
        "FALAJ_HOME": str(home),
        "PATH": f"{falaj.parent}:{os.environ['PATH']}",
        "FALAJ_CACHE": str(folder / "cache"),
        "PYTHONWARNINGS": "error::DeprecationWarning",
    }
    said = checked(python, HELLO, "run", "--run-id-file", folder / "id", cwd=folder, env=env)
    assert "Hello, world!" in said, said
    said = checked(falaj, "--help", cwd=folder, env=env)
    assert "Usage" in said, said
    said = checked(falaj, "runs", cwd=folder, env=env)
    assert "HelloFlow" in said, said
    flow = folder / "pinned.py"
    flow.write_text(PINNED)
    checked(falaj, "lock", flow, cwd=folder, env=env)
    said = checked(falaj, "run", flow, "--locked", cwd=folder, env=env)
    assert "six 1.16.0" in said, said
    frozen = checked(python, "-m", "pip", "freeze")
    return ", ".join(line for line in frozen.splitlines() if line.startswith(_OURS))


def main() -> None:
    """Try both bounds on each interpreter; any failure ends the script."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checked(
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--wheel-dir", folder, ROOT),
        )
        (wheel,) = folder.glob("falaj-*.whl")
        for number, interpreter in enumerate(sys.argv[1:] or [sys.executable]):
            for bound, pins in (("lowest", lowest_pins()), ("newest", [])):
                place = folder / f"{bound}-{number}"
                place.mkdir()
                print(f"{bound}: {try_out(interpreter, wheel, pins, place)} on {interpreter}")


if __name__ == "__main__":
    main()
