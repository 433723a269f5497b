"""Random flows, run for real, leave what a sequential interpreter says, whoever comes first."""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest
from blocks import (
    CAUGHT,
    CAUGHT_VALUE,
    DOOMED,
    RETRIED,
    Expected,
    fates_of,
    flows,
    full_source,
    tasks_in,
)
from hypothesis import HealthCheck, Phase, assume, given, settings

import falaj
from falaj import namespace
from falaj.errors import ExceptionWrapper
from falaj.model import states

REAL = settings(
    max_examples=8,
    deadline=None,
    database=None,
    # A real run takes too long to be shrunk; the failing flow's source is printed instead.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Give the runs of this module one home, which the client here reads too."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(path))
        namespace(None)
        yield path
        falaj.default_namespace()


def command(folder, *arguments, salt=""):
    return subprocess.run(
        [sys.executable, "flow.py", *map(str, arguments), "--run-id-file", "run-id"],
        cwd=folder,
        env={**os.environ, "SALT": salt},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )


def left_by(task):
    """Return a task's artifacts in the form of the interpreter's."""
    found = {}
    for artifact in task:
        value = artifact.data
        found[artifact.id] = CAUGHT_VALUE if isinstance(value, ExceptionWrapper) else value
    return found


def tasks_by_key(run):
    found = {}
    for step in run:
        for task in step:
            record = task._facts.record
            key = (step.id, record.indices, record.iteration)
            assert key not in found, f"{key} ran twice"
            found[key] = task
    return found


def check_whole(flow, run):
    expected, fates = Expected(flow), fates_of(flow)
    tasks = tasks_by_key(run)
    assert set(tasks) == set(expected.artifacts), set(tasks) ^ set(expected.artifacts)
    keys = {task.id: key for key, task in tasks.items()}
    for key, task in tasks.items():
        assert left_by(task) == expected.artifacts[key], (
            key,
            left_by(task),
            expected.artifacts[key],
        )
        assert task.successful
        if task.state != states.REUSED:
            assert (task.state == "tolerated") == (fates[key[0]] == CAUGHT), key
        if fates[key[0]] == RETRIED:
            assert task.current_attempt >= 1
        parents = tuple(keys[str(one)] for one in task._facts.record.parents)
        assert parents == expected.inputs[key]
    caught = any(fates[step] == CAUGHT for step, _, _ in tasks)
    taken = {step for step, _, _ in tasks}
    for record in run._access.reader.steps(int(run.id)):
        if record.name not in taken:
            assert record.state == states.NOT_REACHED
            assert record.reason.startswith("the condition `k_")
    assert run.state == ("tolerated" if caught else "succeeded")


@pytest.mark.parametrize("workers", [1, 2, 16])
@REAL
@given(flow=flows())
def test_a_random_flow_leaves_what_the_interpreter_says(home, workers, flow):
    assume(tasks_in(flow.sequence()) <= 60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = full_source(flow)
        (folder / "flow.py").write_text(source)
        salt = uuid.uuid4().hex
        done = command(folder, "run", "--max-workers", workers, salt=salt)
        note = f"{source}\nSALT={salt} --max-workers {workers}\n{done.stdout}{done.stderr}"
        assert done.returncode == 0, note
        try:
            check_whole(flow, falaj.Run(f"F/{(folder / 'run-id').read_text()}"))
        except AssertionError as error:
            raise AssertionError(note) from error


@pytest.mark.parametrize("workers", [1, 16])
@REAL
@given(flow=flows(depth=2, with_doom=True))
def test_a_flow_that_fails_is_finished_by_resume(home, workers, flow):
    doomed = {name for name, fate in fates_of(flow).items() if fate == DOOMED}
    expected = Expected(flow)
    # A way that is not chosen never comes to its doom.
    assume(doomed & {key[0] for key in expected.artifacts})
    assume(tasks_in(flow.sequence()) <= 40)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = full_source(flow)
        (folder / "flow.py").write_text(source)
        salt = uuid.uuid4().hex
        done = command(folder, "run", "--max-workers", workers, salt=salt)
        note = f"{source}\nSALT={salt} --max-workers {workers}\n{done.stdout}{done.stderr}"
        try:
            assert done.returncode == 1
            failed = falaj.Run(f"F/{(folder / 'run-id').read_text()}")
            succeeded = check_failed(failed, doomed, expected)
            (folder / "mended").touch()
            done = command(folder, "resume", "--max-workers", workers, salt=salt)
            note += done.stdout + done.stderr
            assert done.returncode == 0
            resumed = falaj.Run(f"F/{(folder / 'run-id').read_text()}")
            check_whole(flow, resumed)
            reused = {k for k, t in tasks_by_key(resumed).items() if t.state == states.REUSED}
            # What had succeeded had all that it needs behind it, so all of it is reused.
            assert reused == succeeded
        except AssertionError as error:
            raise AssertionError(note) from error


def check_failed(run, doomed, expected):
    """Assert that a failed run tells the truth; return the tasks that succeeded."""
    assert run.state == "failed"
    tasks = tasks_by_key(run)
    assert set(tasks) <= set(expected.artifacts)
    failed = [key for key, task in tasks.items() if task.state == "failed"]
    assert failed
    assert {key[0] for key in failed} <= doomed
    succeeded = set()
    for key, task in tasks.items():
        assert task.state in states.TASK_FINAL
        if task.successful:
            succeeded.add(key)
            assert left_by(task) == expected.artifacts[key], (
                key,
                left_by(task),
                expected.artifacts[key],
            )
        else:
            assert task.reason
    causes = {int(tasks[key].id) for key in failed}
    assert run._facts.record.cause in causes
    for record in run._access.reader.steps(int(run.id)):
        assert record.state in (*states.TASK_FINAL, states.NOT_REACHED)
        if record.state == states.NOT_REACHED:
            passed = record.reason.startswith("the condition `k_")
            assert passed or record.cause in causes
    return succeeded
