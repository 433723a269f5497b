"""Reading the records: what is there, what is lost, what can't be read."""

import json
import os
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path

import pytest

from falaj.client import connection
from falaj.client.reader import Reader
from falaj.errors import StoreUnavailable
from falaj.home import Home
from falaj.liveness import process_lease
from falaj.model.orders import ErrorInfo
from falaj_control.records.schema import VERSION

GONE = {**process_lease(), "pid": 999_999_999}


def dead(records, **values):
    return records.run(state="running", lease=json.dumps(GONE), **values)


def test_a_home_that_does_not_exist_is_empty(tmp_path: Path):
    reader = Reader(Home(str(tmp_path / "none")))
    assert reader.flows() == []
    assert reader.runs() == []
    assert reader.run(1) is None
    assert reader.tasks(1) == []
    assert not (tmp_path / "none").exists()


def test_records_that_are_being_made_are_empty(tmp_path: Path):
    (tmp_path / "records.db").touch()
    assert Reader(Home(str(tmp_path))).runs() == []


def test_what_was_written_is_read_back(records):
    run = records.run(tags=("mine",), origin=None, code="c")
    records.step(run, "start")
    records.task(run, 1, "start", parents="3-5,9", indices="[2, 0]", label="x=1")
    error = '["ValueError", "bad", "trace", "flow.py:3", false]'
    records.attempt(run, 1, state="failed", error=error, exit_code=-9, usage='{"seconds": 1.5}')
    reader = Reader(records.home)

    found = reader.run(run)
    assert (found.flow, found.code, found.graph["end"], found.user) == ("Stats", "c", "end", "ada")
    assert reader.tags(run).user == {"mine"}
    assert reader.tags(run).system == {"user:ada", "runtime:dev"}
    assert [step.name for step in reader.steps(run)] == ["start"]
    task = reader.task(run, 1)
    assert (task.parents, task.indices, task.label, task.origin) == (
        (3, 4, 5, 9),
        (2, 0),
        "x=1",
        None,
    )
    attempt = reader.attempts(run, 1)[0]
    assert attempt.error == ErrorInfo("ValueError", "bad", "trace", "flow.py:3", False)
    assert (attempt.exit_code, attempt.usage) == (-9, {"seconds": 1.5})


def test_runs_are_narrowed_and_newest_first(records):
    first = records.run(tags=("a",))
    second = records.run(tags=("a", "b"), state="failed")
    other = records.run("Other", user="bob")
    reader = Reader(records.home)

    def ids(**conditions):
        return [run.id for run in reader.runs(**conditions)]

    assert ids() == [other, second, first]
    assert ids(flow="Stats") == [second, first]
    assert ids(tags=["a"]) == [second, first]
    assert ids(tags=["a", "b"]) == [second]
    assert ids(stored_states=["succeeded"]) == [other, first]
    assert ids(before=other, limit=1) == [second]
    assert [flow.name for flow in reader.flows()] == ["Other", "Stats"]
    assert [flow.name for flow in reader.flows("user:ada")] == ["Stats"]
    assert reader.flow("Stats", "b").runs == 1


def test_what_a_dead_process_left_running_is_lost(records):
    run = dead(records)
    records.step(run, "start", "running")
    records.step(run, "end", "not_reached")
    records.task(run, 1, "start", "running")
    records.task(run, 2, "train", "retrying")
    records.task(run, 3, "train", "succeeded")
    records.attempt(run, 1, state="running")
    reader = Reader(records.home)

    found = reader.run(run)
    assert found.state == "lost"
    assert "999999999" in found.reason
    assert "last heard of at" in found.reason
    assert found.finished_at == found.heard_at
    assert [step.state for step in reader.steps(run)] == ["lost", "not_reached"]
    assert [task.state for task in reader.tasks(run)] == ["lost", "lost", "succeeded"]
    assert reader.task(run, 1).finished_at is not None
    assert reader.attempts(run)[0].state == "lost"

    assert reader.run(run, raw=True).state == "running"
    assert [task.state for task in reader.tasks(run, raw=True)] == [
        "running",
        "retrying",
        "succeeded",
    ]
    assert reader.attempts(run, raw=True)[0].state == "running"


def test_a_live_process_is_running(records):
    run = records.run(state="running")
    records.task(run, 1, "start", "running")
    reader = Reader(records.home)
    assert reader.run(run).state == "running"
    assert reader.task(run, 1).state == "running"


def test_silence_tells_of_another_machine(records):
    run = records.run(
        state="running", lease=json.dumps({"host": "elsewhere", "pid": 1}), heard_at=1000.0
    )
    assert Reader(records.home, lambda: 1010.0).run(run).state == "running"
    assert Reader(records.home, lambda: 1020.0).run(run).state == "lost"


def test_origins_are_followed_to_the_task_that_ran(records):
    first, second, third = (records.run() for _ in range(3))
    records.task(first, 1, "start")
    records.task(second, 5, "start", "reused", origin_run=first, origin_task=1)
    records.task(third, 9, "start", "reused", origin_run=second, origin_task=5)
    reader = Reader(records.home)
    source = reader.origin_of(reader.task(third, 9))
    assert (source.run, source.id) == (first, 1)

    records.connection.execute("DELETE FROM tasks WHERE run = ?", [first])
    source = reader.origin_of(reader.task(third, 9))
    assert (source.run, source.id) == (second, 5)


def test_many_tasks_by_id(records):
    run = records.run()
    records.connection.execute("BEGIN")
    for task in range(1, 1203):
        records.task(run, task, "train", manifest="m")
    records.connection.execute("COMMIT")
    reader = Reader(records.home)
    wanted = tuple(range(1, 1203, 2))
    assert [task.id for task in reader.tasks_by_id(run, wanted)] == list(wanted)
    assert reader.count_tasks(run, "train") == 1202


def test_reading_goes_on_beside_a_writer(records):
    run = records.run()
    records.connection.execute("BEGIN IMMEDIATE")
    records.connection.execute("UPDATE runs SET reason = 'new'")
    reader = Reader(records.home)
    assert reader.run(run).reason == ""
    records.connection.execute("COMMIT")
    assert reader.run(run).reason == "new"


def test_what_is_no_database_is_said_so(tmp_path: Path):
    (tmp_path / "records.db").write_bytes(b"not a database, and longer than a header" * 50)
    with pytest.raises(StoreUnavailable, match="damaged or not a Falaj database"):
        Reader(Home(str(tmp_path))).runs()


def test_another_programs_database_is_said_so(tmp_path: Path):
    database = sqlite3.connect(tmp_path / "records.db")
    database.execute("CREATE TABLE t (x)")
    database.close()
    with pytest.raises(StoreUnavailable, match="not one of Falaj's records"):
        Reader(Home(str(tmp_path))).runs()


def test_a_newer_schema_is_said_so(records):
    records.connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="newer Falaj"):
        Reader(records.home).runs()


def test_a_row_that_is_damaged_is_said_so(records):
    records.run(graph="{")
    with pytest.raises(StoreUnavailable, match="a row can't be read"):
        Reader(records.home).runs()


def test_the_known_version_is_the_written_one():
    assert connection.KNOWN_VERSION == VERSION


# The threads that pytest-timeout and xdist keep are no concern of the child.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_folder_that_can_not_be_written_is_read(records):
    run = records.run()
    records.connection.execute("PRAGMA journal_mode = DELETE")
    records.connection.execute("PRAGMA journal_mode = WAL")
    records.connection.close()
    # The test's own folder lies where only its owner may go.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        root = os.path.join(folder, "home")
        shutil.copytree(records.home.root, root)
        os.chmod(root, 0o555)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                # Root may write everywhere, so the child becomes somebody else.
                if os.geteuid() == 0:
                    os.setgid(65534)
                    os.setuid(65534)
                assert not os.access(root, os.W_OK)
                code = 0 if Reader(Home(root)).run(run) is not None else 2
            finally:
                os._exit(code)
        status = os.waitpid(child, 0)[1]
        os.chmod(root, 0o755)
    assert status == 0


def test_records_that_were_made_anew_are_opened_anew(records, tmp_path: Path):
    reader = Reader(records.home)
    records.run()
    assert len(reader.runs()) == 1
    for path in Path(records.home.root).glob("records.db*"):
        path.unlink()
    assert reader.runs() == []


def test_each_thread_has_its_own_connection(records):
    records.run()
    reader = Reader(records.home)
    assert len(reader.runs()) == 1
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(reader.runs()))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1, 1, 1, 1]


def test_many_homes_take_few_open_files(records, tmp_path):
    records.run()
    homes = [tmp_path / str(number) for number in range(40)]
    for folder in homes:
        shutil.copytree(records.home.root, folder)
    before = len(os.listdir("/proc/self/fd"))
    for folder in homes * 2:
        assert len(Reader(Home(str(folder))).runs()) == 1

    # The records, their log and its index, of as many homes as are kept at once.
    assert len(os.listdir("/proc/self/fd")) < before + 40


# The threads that pytest-timeout and xdist keep are no concern of the child.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_leaves_no_connection_behind(records):
    records.run()
    reader = Reader(records.home)
    assert len(reader.runs()) == 1
    assert connection._kept.by_path
    child = os.fork()
    if child == 0:
        inherited = bool(connection._kept.by_path)
        os._exit(10 + len(reader.runs()) if not inherited else 1)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 11
    assert len(reader.runs()) == 1
