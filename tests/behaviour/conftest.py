"""Flows as a user writes and runs them: a folder with a flow file, real processes, the client."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from falaj import Falaj, Run, Task, default_namespace, namespace
from falaj.model import states

HEADER = "from falaj import *\n"
FOOTER = '\nif __name__ == "__main__":\n    F()\n'


@dataclass(frozen=True)
class Result:
    """A finished command: its exit status and what it printed."""

    code: int
    out: str
    err: str

    @property
    def run(self) -> Run:
        """The newest run in the home."""
        found = [flow.latest_run for flow in Falaj()]
        return max((run for run in found if run is not None), key=lambda run: int(run.id))

    @property
    def data(self) -> Any:
        """The end step's artifacts of the newest run."""
        return self.run.data


class Project:
    """A folder with a flow file, and the commands that a user types there."""

    def __init__(self, folder: Path, home: Path, run_flow: Callable[..., Any]) -> None:
        self.folder, self.home = folder, home
        self.path = folder / "flow.py"
        self._run_flow = run_flow
        self._started: list[subprocess.Popen[str]] = []

    def write(self, source: str, name: str = "flow.py") -> Path:
        """Write a flow file; one without its own main guard gets the header and the footer."""
        text = textwrap.dedent(source).strip("\n")
        if name == "flow.py" and "__main__" not in text:
            text = HEADER + text + FOOTER
        path = self.folder / name
        before = path.stat().st_mtime if path.exists() else None
        path.write_text(text, encoding="utf-8")
        if before is not None and path.stat().st_mtime < before + 1:
            # Python takes a module that is changed within a second, to its size, for the same.
            os.utime(path, (before + 1, before + 1))
        return path

    def line_of(self, part: str) -> int:
        """Return the number of the first line of the flow file that holds `part`."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return next(number for number, line in enumerate(lines, 1) if part in line)

    def command(self, *arguments: object, code: int | None = 0, **options: Any) -> Result:
        """Run `python flow.py ARGUMENTS…`; `code` is the exit status that is expected."""
        done = self._run_flow(self.path, *arguments, **options)
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    def run(self, source: str, *arguments: object, code: int | None = 0, **options: Any) -> Result:
        """Write the flow file and `run` it."""
        self.write(source)
        return self.command("run", *arguments, code=code, **options)

    def fail(self, source: str, *arguments: object, **options: Any) -> Result:
        """Write the flow file and `run` it; it has to end with exit status 1."""
        return self.run(source, *arguments, code=1, **options)

    def resume(self, *arguments: object, code: int | None = 0, **options: Any) -> Result:
        """Run `resume`."""
        return self.command("resume", *arguments, code=code, **options)

    def start(
        self, *arguments: object, env: dict[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        """Start `python flow.py ARGUMENTS…` without waiting for it."""
        process = subprocess.Popen(
            [sys.executable, str(self.path), *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.communicate()


@pytest.fixture
def project(tmp_path: Path, home: Path, run_flow: Callable[..., Any]) -> Iterator[Project]:
    """Give this test a folder, a home and the commands; its client sees every namespace."""
    namespace(None)
    made = Project(tmp_path, home, run_flow)
    yield made
    made.close()
    default_namespace()


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Return a function that waits until a condition holds and returns what it gave."""

    def wait(condition: Callable[[], Any], seconds: float = 60) -> Any:
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            found = condition()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("the condition never came true")

    return wait


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    """Return a function that says whether a process runs (a zombie does not)."""

    def alive(pid: int) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] not in ("Z", "X")

    return alive


@pytest.fixture
def tasks_of() -> Callable[..., list[Task]]:
    """Return a function that gives the tasks of a step, oldest first."""

    def tasks(run: Run, step: str) -> list[Task]:
        return list(run[step])[::-1]

    return tasks


@pytest.fixture
def everything_ended() -> Callable[[Run], None]:
    """Return a function that asserts that a run, its steps and tasks are in a final state."""

    def check(run: Run) -> None:
        assert run.finished
        assert run.state in states.RUN_FINAL
        for record in run._access.reader.steps(int(run.id)):
            assert record.state in (*states.TASK_FINAL, states.NOT_REACHED), record
            if record.state in (states.CANCELLED, states.NOT_REACHED) and not run.successful:
                assert record.reason, record
        for step in run:
            for task in step:
                assert task.state in states.TASK_FINAL, task
                if not task.successful:
                    assert task.reason, task

    return check
