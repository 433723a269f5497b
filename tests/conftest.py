"""What every test may ask for: a home of its own, and a way to run a flow as a user does."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from falaj import current

# For the helpers that several folders of tests share.
sys.path.insert(0, str(Path(__file__).parent))
# For tests that call uv themselves, as Falaj does: by the certificates of this machine.
os.environ.setdefault("UV_SYSTEM_CERTS", "1")

RunFlow = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def no_task_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test that executes an order in this very process make it a task for the next one."""
    monkeypatch.setitem(current.__dict__, "_task", None)
    for variable in ("FALAJ_HOME", "FALAJ_TASK"):
        # Set in any case, so that it is put back to what it was, absent or not. A home that a
        # wider fixture has chosen stays.
        before = os.environ.get(variable)
        monkeypatch.setenv(variable, before or "")
        if before is None:
            monkeypatch.delenv(variable)


@pytest.fixture
def home(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Give this test an empty Falaj home; the client in this process reads it too."""
    for variable in list(os.environ):
        if variable.startswith(("FALAJ_", "METAFLOW_")):
            monkeypatch.delenv(variable)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("FALAJ_HOME", str(folder))
    # One for all tests of a session, so that equal environments are built once.
    cache = tmp_path_factory.getbasetemp().parent / "falaj-cache"
    monkeypatch.setenv("FALAJ_CACHE", str(cache))
    # The namespace belongs to the process: neither take another test's nor leave one behind.
    monkeypatch.setattr("falaj.client.namespaces._current", [])
    return folder


@pytest.fixture
def run_flow(home: Path, tmp_path: Path) -> RunFlow:
    """Return a function that runs `python FLOW ARGUMENTS…` and returns the finished process.

    The first argument is the path of a flow file, or its source, which is dedented and written to
    flow.py in the test's folder. `env` adds variables, `timeout` is in seconds.
    """

    def run(
        source_or_path: str | Path,
        *arguments: object,
        env: dict[str, str] | None = None,
        timeout: float = 60,
    ) -> "subprocess.CompletedProcess[str]":
        path = source_or_path
        if isinstance(source_or_path, str) and "\n" in source_or_path:
            path = tmp_path / "flow.py"
            path.write_text(textwrap.dedent(source_or_path), encoding="utf-8")
        return subprocess.run(
            [sys.executable, str(path), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )

    return run
