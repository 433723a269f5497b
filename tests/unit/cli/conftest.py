"""A flow's description, a home with fabricated records, and watchers' values."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from falaj.home import Home
from falaj.liveness import process_lease
from falaj.model.graph import (
    END,
    FOREACH,
    LINEAR,
    DecoratorSpec,
    FlowDescription,
    ParameterSpec,
    StepSpec,
)
from falaj.model.loglines import LogLine, format_line
from falaj_control.cli.flow_commands import run_flow_command
from falaj_control.ports.requests import RunRequest
from falaj_control.ports.watching import Watcher
from falaj_control.records.schema import MIGRATIONS

STARTED = 1_790_000_000.0


def parameter(name: str, kind: str, default: Any = None, **changes: Any) -> ParameterSpec:
    """Return a parameter that is not required."""
    spec = ParameterSpec(
        name=name,
        attribute=name.replace("-", "_"),
        type=kind,
        default=default,
        computed_default=False,
        required=False,
        help="",
        separator=None,
        show_default=True,
        is_text=True,
        encoding="utf-8",
        line=5,
    )
    return spec._replace(**changes)


def step(name: str, kind: str, targets: Sequence[str], **changes: Any) -> StepSpec:
    """Return a step of `flow.py`."""
    spec = StepSpec(name, kind, tuple(targets), None, False, (), "", "/somewhere/flow.py", 10)
    return spec._replace(**changes)


@pytest.fixture
def description() -> FlowDescription:
    """A flow with a foreach, a retry and a parameter of every type."""
    retry = DecoratorSpec("retry", {"times": 2, "backoff": 1.0})
    return FlowDescription(
        name="GenreStats",
        doc="\n    Counts genres.\n\n    Second paragraph.\n    ",
        file="/somewhere/flow.py",
        steps=(
            step("end", END, ()),
            step("join", LINEAR, ["end"], is_join=True),
            step("start", FOREACH, ["body"], foreach="items", doc="The start.\n\n        more"),
            step("body", LINEAR, ["join"], decorators=(retry,), doc="Body"),
        ),
        parameters=(
            parameter("alpha", "int", 3, help="How many."),
            parameter("rate", "float"),
            parameter("my-flag", "bool", True),
            parameter("data", "json", {"a": 1}),
            parameter("words", "str", ["x", "y"], separator=","),
            parameter("table", "file"),
            parameter("when", "str", computed_default=True),
        ),
        start="start",
        end="end",
    )


@pytest.fixture
def make_parameter() -> Callable[..., ParameterSpec]:
    """Return the function that makes a parameter."""
    return parameter


class FlowCommands:
    """Runs commands of a flow and keeps what was asked to start."""

    def __init__(self, description: FlowDescription, capsys: pytest.CaptureFixture[str]) -> None:
        self.description: FlowDescription | None = description
        self.problems: list[str] = []
        self.siblings: list[str] = []
        self.program = "python flow.py"
        self.interrupted: Callable[[], bool] = lambda: False
        self.requests: list[RunRequest] = []
        self.output = ""
        self.errors = ""
        self.watch: Callable[[Watcher], None] = lambda watcher: None
        self._capsys = capsys

    def __call__(self, *arguments: str) -> int:
        code = run_flow_command(
            self.description,
            self.problems,
            arguments,
            self.program,
            self._start,
            self.siblings,
            self.interrupted,
        )
        self.output, self.errors = self._capsys.readouterr()
        return code

    @property
    def request(self) -> RunRequest:
        """The one request that was started."""
        (only,) = self.requests
        return only

    def _start(self, request: RunRequest, watcher: Watcher) -> int:
        self.requests.append(request)
        self.watch(watcher)
        return 0


@pytest.fixture
def flow(description: FlowDescription, capsys: pytest.CaptureFixture[str]) -> FlowCommands:
    """The command line of `description`."""
    return FlowCommands(description, capsys)


class Records:
    """A home whose rows tests write by hand."""

    def __init__(self, root: Path) -> None:
        self.home = Home(str(root))
        root.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(
            self.home.records, isolation_level=None, check_same_thread=False
        )
        for script in MIGRATIONS:
            self._connection.executescript(script)
        self._connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    def __del__(self) -> None:
        self._connection.close()

    def insert(self, table: str, **columns: Any) -> None:
        """Insert a row."""
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        self._connection.execute(statement, list(columns.values()))

    def update(self, statement: str, *arguments: Any) -> None:
        """Change rows."""
        self._connection.execute(statement, arguments)

    def run(
        self, run: int, state: str = "succeeded", flow: str = "GenreStats", **more: Any
    ) -> None:
        """Record a run; one that is running belongs to this process unless `lease` is given."""
        graph = {"steps": [{"name": "start", "targets": ["body"]}], "end": "end"}
        columns: dict[str, Any] = {
            "id": run,
            "flow": flow,
            "state": state,
            "user": "ana",
            "script": "/somewhere/flow.py",
            "created_at": STARTED + run,
            "finished_at": None if state == "running" else STARTED + run + 75,
            "graph": json.dumps(graph),
            "options": "{}",
            "lease": json.dumps(more.pop("lease", process_lease())),
            "heard_at": time.time(),
        }
        self.insert("runs", **{**columns, **more})

    def step(self, run: int, name: str, position: int, state: str = "succeeded") -> None:
        """Record a step."""
        self.insert("steps", run=run, name=name, position=position, state=state, created_at=STARTED)

    def task(self, run: int, task: int, step: str, state: str = "succeeded", **more: Any) -> None:
        """Record a task with its attempt 0."""
        final = state not in ("running", "retrying")
        columns: dict[str, Any] = {
            "run": run,
            "id": task,
            "step": step,
            "indices": json.dumps([task]),
            "state": state,
            "reason": "",
            "parents": "",
            "manifest": "sha256:" + "0" * 64 if final else None,
            "created_at": STARTED,
            "finished_at": STARTED + 1 if final else None,
        }
        self.insert("tasks", **{**columns, **more})

    def log(self, run: int, task: int, *lines: LogLine, attempt: int = 0) -> None:
        """Append to an attempt's log."""
        path = Path(self.home.log(run, task, attempt))
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            file.write(b"".join(format_line(line) for line in lines))


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Records:
    """An empty home of this test's own."""
    for variable in list(os.environ):
        if variable.startswith(("FALAJ_", "METAFLOW_")):
            monkeypatch.delenv(variable)
    root = tmp_path / "home"
    monkeypatch.setenv("FALAJ_HOME", str(root))
    return Records(root)
