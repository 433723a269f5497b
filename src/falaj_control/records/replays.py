"""What a recorded task started from: its inputs and foreach levels, to execute it once more."""

from __future__ import annotations

import json
from typing import NamedTuple

from falaj.client import connection
from falaj.client.reader import Reader
from falaj.errors import FalajNotFound
from falaj.home import Home
from falaj.model.orders import Frame, InputRef
from falaj.model.records import RunRecord, TaskRecord
from falaj.store.blobs import BlobStore
from falaj.store.manifests import load_manifest


class Replay(NamedTuple):
    """A task, its run, and what flowed into it."""

    run: RunRecord
    task: TaskRecord
    inputs: tuple[InputRef, ...]
    frames: tuple[Frame, ...]

    @property
    def pathspec(self) -> str:
        """The task's path, `FLOW/RUN/STEP/TASK`."""
        return f"{self.run.flow}/{self.run.id}/{self.task.step}/{self.task.id}"


def replay_of(home: Home, run: int, task: int) -> Replay:
    """Return what a task started from, whatever became of it.

    Raises FalajNotFound for a task that is not there, or whose inputs are not.
    """
    reader = Reader(home)
    run_record, record = reader.run(run), reader.task(run, task)
    if run_record is None or record is None:
        raise FalajNotFound(f"There is no task {task} in run {run}.")
    inputs = _inputs(reader, record)
    return Replay(run_record, record, inputs, _frames(home, record, inputs))


def _inputs(reader: Reader, task: TaskRecord) -> tuple[InputRef, ...]:
    found = {one.id: one for one in reader.tasks_by_id(task.run, task.parents)}
    inputs: list[InputRef] = []
    for parent in task.parents:
        record = found.get(parent)
        if record is None or record.manifest is None:
            raise FalajNotFound(
                f"Task {parent} of run {task.run}, which task {task.id} starts from, left nothing "
                "that is still there."
            )
        inputs.append(InputRef(record.step, record.id, record.manifest))
    return tuple(inputs)


def _frames(home: Home, task: TaskRecord, inputs: tuple[InputRef, ...]) -> tuple[Frame, ...]:
    depth = len(task.indices)
    if not depth or not inputs:
        return ()
    frames = load_manifest(BlobStore(home.store), inputs[0].manifest).frames
    if len(frames) >= depth:
        # A join lies outside of the foreach that it ends.
        return frames[:depth]
    opener = inputs[0]
    statement = "SELECT transition FROM tasks WHERE run = ? AND id = ?"
    [(transition,)] = connection.read(home.records, statement, [task.run, opener.task])
    variable, width, values = json.loads(transition)[1:4]
    return (*frames, Frame(opener.step, variable, task.indices[-1], width, values))
