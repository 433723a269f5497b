"""Where benchmarks run: the interpreters of both sides, their flows, homes and variables."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE / ".work"
PEER_ENVIRONMENT = HERE / ".env"
FLOWS = HERE / "flows"
LIMITS = HERE / "limits.py"
# Variables that would change what is measured: no bytecode, no buffering, somebody's settings.
_DROPPED = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME")
_DROPPED_PREFIXES = ("FALAJ_", "METAFLOW_", "BENCH_")


@dataclass(frozen=True)
class Side:
    """One of the two that are compared: its name, interpreter and folder of flow files."""

    name: str
    python: str
    flows: Path

    def home(self, purpose: str) -> Path:
        """Return the folder in which one benchmark keeps its results."""
        return WORK / purpose / self.name

    def variables(self, purpose: str, **more: str) -> dict[str, str]:
        """Return the environment variables of a measured process."""
        home = self.home(purpose)
        home.mkdir(parents=True, exist_ok=True)
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in _DROPPED and not name.startswith(_DROPPED_PREFIXES)
        }
        return {
            **kept,
            "USER": "bench",
            "FALAJ_HOME": str(home),
            "METAFLOW_HOME": str(home / "configuration"),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
            **more,
        }

    def clear(self, purpose: str) -> None:
        """Remove what one benchmark has kept, and let the disk settle."""
        shutil.rmtree(self.home(purpose), ignore_errors=True)
        os.sync()


@dataclass(frozen=True)
class Sides:
    """Falaj as the running interpreter imports it, and the current Metaflow."""

    falaj: Side
    metaflow: Side


def set_up() -> Sides:
    """Make the peer's environment where it is missing or old, and both sides' flow files."""
    shutil.rmtree(WORK, ignore_errors=True)
    peer = _peer_python()
    falaj = Side("falaj", sys.executable, WORK / "flows-falaj")
    metaflow = Side("metaflow", str(peer), WORK / "flows-metaflow")
    for side in (falaj, metaflow):
        side.flows.mkdir(parents=True)
        for source in FLOWS.glob("*.py"):
            # The import line is all that differs.
            text = source.read_text().replace("from falaj import", f"from {side.name} import")
            (side.flows / source.name).write_text(text)
            if source.name == "fan.py":
                (side.flows / "fan_pandas.py").write_text("import pandas\n" + text)
    return Sides(falaj, metaflow)


def versions(sides: Sides) -> str:
    """Return one line that says what is compared."""
    ask = "import importlib.metadata as m; print(m.version('metaflow'), m.version('numpy'))"
    metaflow, numpy = subprocess.run(
        [sides.metaflow.python, "-c", ask], check=True, capture_output=True, text=True
    ).stdout.split()
    python = "{}.{}.{}".format(*sys.version_info[:3])
    return (
        f"Falaj {importlib.metadata.version('falaj')}, Metaflow {metaflow}, Python {python}, "
        f"numpy {numpy}, pandas {importlib.metadata.version('pandas')}, {os.cpu_count()} processors"
    )


def _peer_python() -> Path:
    python = PEER_ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print("Making an environment for Metaflow in", PEER_ENVIRONMENT, flush=True)
        venv.create(PEER_ENVIRONMENT, with_pip=True)
    # The same numpy and pandas on both sides: only what carries them is compared.
    same = [f"{name}=={importlib.metadata.version(name)}" for name in ("numpy", "pandas")]
    command = [str(python), "-m", "pip", "install", "--quiet", "--upgrade", "metaflow", *same]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        print("Could not look for a newer Metaflow:", done.stderr.strip()[-300:], flush=True)
    return python
