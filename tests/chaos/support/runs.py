"""Starting flows as a user does, in a place of their own, and reading what became of them."""

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import falaj
from falaj.client.access import Access
from falaj.hashing import hex_of
from falaj.model.records import RunRecord
from falaj.store.artifacts import load_artifact
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest
from falaj.store.values import load_value
from support.processes import MARK, kill_marked, wait_until_none

SOURCES = str(Path(falaj.__file__).parents[1])
INJECT = str(Path(__file__).parent / "inject")
# A run ends within this many seconds whatever was killed.
ENDS_WITHIN = 15.0
OPEN_STATES = ("running", "retrying")


class Finished(NamedTuple):
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both streams."""
        return self.out + self.err


class TaskFacts(NamedTuple):
    """A task as the records have it, with the digest of each of its artifacts."""

    state: str
    artifacts: dict[str, str]
    reason: str
    id: int


TaskKey = tuple[str, tuple[int, ...]]


class Place:
    """A folder with a home, a flow file and a ledger in which step bodies sign."""

    def __init__(self, folder: Path, source: str = "", name: str = "flow.py") -> None:
        """Use `folder`, which must exist."""
        self.folder = folder
        self.home = folder / "home"
        self.ledger = folder / "ledger"
        self.mark = uuid.uuid4().hex
        self.flow = folder / name
        if source:
            self.write(source)

    def write(self, source: str) -> None:
        """Write the flow file."""
        self.flow.write_text(textwrap.dedent(source), encoding="utf-8")

    def environment(self, **more: str | None) -> dict[str, str]:
        """Return the environment of a command; a value of None takes a variable away."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FALAJ", "CHAOS", "COV_"))}
        kept.update(
            PYTHONPATH=os.pathsep.join((INJECT, SOURCES)),
            PYTHONUTF8="1",
            FALAJ_HOME=str(self.home),
            CHAOS_LEDGER=str(self.ledger),
        )
        kept[MARK] = self.mark
        for name, value in more.items():
            kept.pop(name, None)
            if value is not None:
                kept[name] = value
        return kept

    def start(self, *arguments: str, options: dict[str, Any] | None = None, **env: str | None):
        """Start `python flow.py ARGUMENTS` and return the process; its output goes to files."""
        given: dict[str, Any] = {
            "cwd": self.folder,
            "stdin": subprocess.DEVNULL,
            "start_new_session": True,
        }
        number = uuid.uuid4().hex[:8]
        outputs = [self.folder / f"{stream}.{number}" for stream in ("out", "err")]
        given["stdout"], given["stderr"] = (open(path, "wb") for path in outputs)
        files = given["stdout"], given["stderr"]
        given.update(options or {})
        program = given.pop("program", [sys.executable, str(self.flow)])
        try:
            process = subprocess.Popen([*program, *arguments], env=self.environment(**env), **given)
        finally:
            for file in files:
                file.close()
        process.outputs = outputs  # type: ignore[attr-defined]
        return process

    def wait(self, process: Any, seconds: float = 60.0) -> Finished:
        """Wait for a process; fail with what it said where it takes longer than `seconds`."""
        try:
            status = process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_marked(self.mark)
            process.wait()
            said = self.said(process)
            raise AssertionError(f"still running after {seconds:g} s: {said}") from None
        out, err = self.said(process)
        return Finished(status, out, err)

    def said(self, process: Any) -> tuple[str, str]:
        """Return what a process has written until now."""
        out, err = (path.read_bytes().decode("utf-8", "replace") for path in process.outputs)
        return out, err

    def run(
        self,
        *arguments: str,
        options: dict[str, Any] | None = None,
        seconds: float = 60.0,
        **env: str | None,
    ) -> Finished:
        """Run `python flow.py ARGUMENTS` to its end."""
        return self.wait(self.start(*arguments, options=options, **env), seconds)

    def tool(self, *arguments: str, **env: str | None) -> Finished:
        """Run the `falaj` command."""
        program = [sys.executable, "-m", "falaj_control.cli.main"]
        return self.run(*arguments, options={"program": program}, **env)

    def no_process_left(self, seconds: float = 10.0) -> None:
        """Fail where a process of this place lives on."""
        left = wait_until_none(self.mark, seconds)
        if left:
            kill_marked(self.mark)
        assert not left, f"left running: {left}"

    @property
    def access(self) -> Access:
        """Read this home as the client does."""
        return Access(str(self.home))

    def last_run(self) -> RunRecord:
        """Return the latest run as the client sees it."""
        found = self.access.reader.runs(limit=1)
        assert found, "no run was recorded"
        return found[0]

    def tasks(self, run: int) -> dict[TaskKey, TaskFacts]:
        """Return a run's tasks; committed ones are read whole and verified on the way."""
        store = BlobStore(str(self.home / "store"))
        found: dict[TaskKey, TaskFacts] = {}
        for task in self.access.reader.tasks(run):
            digests: dict[str, str] = {}
            if task.manifest is not None:
                manifest = load_manifest(store, task.manifest)
                for frame in manifest.frames:
                    if frame.values:
                        load_value(store, frame.values, frame.index)
                for name, entry in manifest.entries.items():
                    load_artifact(store, entry, name)
                    manifest.preview(name)
                    digests[name] = entry.digest
            # A later round of a loop is told from the first by its number.
            place = (*task.indices, *([task.iteration] if task.iteration else []))
            found[task.step, place] = TaskFacts(task.state, digests, task.reason, task.id)
        return found

    def signatures(self) -> list[tuple[int, TaskKey]]:
        """Return which (run, task) bodies ran, in the order of their start."""
        if not self.ledger.exists():
            return []
        lines = self.ledger.read_text().splitlines()
        parsed = [line.split("|") for line in lines]
        return [(int(r), (s, tuple(json.loads(i)))) for r, s, i in parsed]

    def damaged_blobs(self) -> list[str]:
        """Return the blobs whose bytes are not what their name says."""
        blobs = self.home / "store" / "blobs"
        return [
            str(path)
            for path in blobs.glob("*/*")
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.parent.name + path.name
        ]

    def blob(self, digest: str) -> Path:
        """Return the file of a blob."""
        name = hex_of(digest)
        return self.home / "store" / "blobs" / name[:2] / name[2:]

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Open the records as another process would."""
        connection = sqlite3.connect(self.home / "records.db", timeout=30, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()

    def wait_for(self, path: str | Path, seconds: float = 20.0) -> str:
        """Wait until a file in this place has contents; return them."""
        file = self.folder / path
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            if file.exists() and file.stat().st_size:
                return file.read_text()
            time.sleep(0.01)
        raise AssertionError(f"{file} was not written within {seconds:g} s")


def interrupt(process: Any, number: int = signal.SIGINT) -> float:
    """Signal a launcher; return the time."""
    os.kill(process.pid, number)
    return time.monotonic()


def no_traceback_of_ours(said: str) -> None:
    """Fail where a person is shown our own frames or told of a bug."""
    assert "This is a bug in Falaj" not in said, said
    for package in ("falaj", "falaj_control"):
        assert f'File "{SOURCES}/{package}/' not in said, said


def failed_with(done: Finished, *parts: str) -> None:
    """Check that a command failed with a message that has these parts and none of our frames."""
    assert done.status == 1, done
    no_traceback_of_ours(done.said)
    for part in parts:
        assert part in done.said, f"{part!r} is not in: {done.said}"
