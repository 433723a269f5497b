"""Records written by hand, row by row, as the engine would leave them."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj import client
from falaj.home import Home
from falaj.liveness import process_lease
from falaj.model.graph import END, FOREACH, LINEAR, ParameterSpec, StepSpec
from falaj.model.loglines import LogLine, format_line
from falaj.store.artifacts import save
from falaj.store.blobs import BlobStore
from falaj.store.manifests import save_manifest
from falaj_control.records.schema import MIGRATIONS, VERSION

BEGAN = 1_700_000_000.0
STEPS = {"start": ["train"], "train": ["join"], "join": ["end"], "end": []}
ANY = ParameterSpec("", "", "int", 0, False, False, "", None, True, True, "utf-8", 1)
KINDS = {"start": FOREACH, "train": LINEAR, "join": LINEAR, "end": END}


class Records:
    """The records and store of one home; every method commits."""

    def __init__(self, root: Path) -> None:
        root.mkdir(exist_ok=True)
        self.home = Home(str(root))
        self.store = BlobStore(self.home.store)
        self.connection = sqlite3.connect(
            self.home.records, isolation_level=None, check_same_thread=False
        )
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        for script in MIGRATIONS:
            self.connection.executescript(script)
        self.connection.execute(f"PRAGMA user_version = {VERSION}")

    def __del__(self) -> None:
        self.connection.close()

    def insert(self, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"
        return int(self.connection.execute(statement, list(values.values())).lastrowid or 0)

    def run(
        self,
        flow: str = "Stats",
        state: str = "succeeded",
        user: str = "ada",
        tags: tuple[str, ...] = (),
        parameters: tuple[str, ...] = (),
        **values: Any,
    ) -> int:
        graph = {
            "start": "start",
            "end": "end",
            "name": flow,
            "doc": "",
            "file": "/nowhere/flow.py",
            "siblings": [],
            "steps": [
                StepSpec(
                    name, KINDS[name], (*after,), None, name == "join", (), "", "", 1
                )._asdict()
                for name, after in STEPS.items()
            ],
            "parameters": [{**ANY._asdict(), "attribute": name} for name in parameters],
        }
        row: dict[str, Any] = {
            "reason": "",
            "script": "/nowhere/flow.py",
            "created_at": BEGAN,
            "finished_at": None if state == "running" else BEGAN + 60,
            "graph": json.dumps(graph),
            "options": "{}",
            "lease": json.dumps(process_lease()),
            "heard_at": BEGAN + 30,
            **values,
        }
        run = self.insert("runs", flow=flow, state=state, user=user, **row)
        for tag, system in [(f"user:{user}", 1), ("runtime:dev", 1), *((tag, 0) for tag in tags)]:
            self.insert("run_tags", run=run, tag=tag, system=system)
        return run

    def step(self, run: int, name: str, state: str = "succeeded", **values: Any) -> None:
        reached = state != "not_reached"
        row = {
            "created_at": BEGAN + list(STEPS).index(name) if reached else None,
            "finished_at": BEGAN + 50 if reached and state != "running" else None,
            **values,
        }
        position = list(STEPS).index(name)
        self.insert("steps", run=run, name=name, position=position, state=state, **row)

    def task(
        self,
        run: int,
        task: int,
        step: str,
        state: str = "succeeded",
        artifacts: dict[str, Any] | None = None,
        **values: Any,
    ) -> None:
        manifest = None if artifacts is None else self.manifest(**artifacts)
        if manifest is None and state in ("succeeded", "reused", "tolerated"):
            manifest = self.manifest()
        row = {
            "indices": json.dumps([task] if step == "train" else []),
            "reason": "",
            "parents": "",
            "manifest": manifest,
            "created_at": BEGAN + task,
            "finished_at": None if state in ("running", "retrying") else BEGAN + task + 1,
            **values,
        }
        self.insert("tasks", run=run, id=task, step=step, state=state, **row)

    def attempt(
        self, run: int, task: int, number: int = 0, state: str = "succeeded", **values: Any
    ) -> None:
        row = {
            "started_at": BEGAN + task + number,
            "finished_at": None if state == "running" else BEGAN + task + number + 1,
            **values,
        }
        self.insert("attempts", run=run, task=task, number=number, state=state, **row)

    def log(self, run: int, task: int, *lines: LogLine, attempt: int = 0) -> None:
        path = Path(self.home.log(run, task, attempt))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.writelines(format_line(line) for line in lines)

    def environment(self, **description: Any) -> str:
        """Store the description of an environment."""
        whole = {
            "kind": "pypi",
            "python": {"version": "3.7.16", "implementation": "cpython", "executable": "/p"},
            "platform": "x86_64-unknown-linux-gnu",
            "packages": [
                {"name": "numpy", "version": "1.17"},
                {"name": "pandas", "version": "0.24.2"},
            ],
            "lock": {"asked": ["Pandas==0.24.2"]},
            **description,
        }
        return self.store.put(json.dumps(whole).encode())

    def manifest(self, **artifacts: Any) -> str:
        def refuse(name: str, value: Any, error: Exception) -> Exception:
            return AssertionError(f"{name} of {value!r} can't be stored: {error}")

        entries = save(self.store, artifacts, lambda *_: None, refuse)
        return save_manifest(self.store, None, {}, entries, ())

    def finished_run(self, width: int = 3, **values: Any) -> int:
        """A fan-out of `width` tasks between start and join, all succeeded."""
        run = self.run(**values)
        for name in STEPS:
            self.step(run, name)
        body = list(range(2, width + 2))
        self.task(run, 1, "start", artifacts={"items": list(range(width))})
        self.attempt(run, 1)
        for task in body:
            self.task(run, task, "train", artifacts={"x": task * 10, "_hidden": 1}, parents="1")
            self.attempt(run, task)
        self.task(run, width + 2, "join", artifacts={"total": 7}, parents=f"2-{width + 1}")
        self.attempt(run, width + 2)
        self.task(
            run, width + 3, "end", artifacts={"total": 7, "model": {"a": 1}}, parents=str(width + 2)
        )
        self.attempt(run, width + 3)
        return run


@pytest.fixture
def records(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    """Records with nothing in them, seen by a user called ada."""
    monkeypatch.setenv("FALAJ_USER", "ada")
    client.default_namespace()
    made = Records(home)
    yield made
    made.connection.close()


@pytest.fixture
def two_homes(records: Records, tmp_path: Path) -> Iterator[tuple[Records, Records]]:
    """The home of `records` and another one."""
    other = Records(tmp_path / "other")
    yield records, other
    other.connection.close()
