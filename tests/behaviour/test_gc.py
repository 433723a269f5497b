"""`falaj gc`: what goes, what stays, and that whatever stays is whole."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from falaj import Falaj, Flow, Run
from falaj.errors import FalajNotFound
from falaj.home import Home
from falaj.liveness import process_lease
from falaj.store.blobs import BlobStore
from falaj_control.cli.main import run_tool
from falaj_control.housekeeping.deleting import TABLES
from falaj_control.records.database import open_records
from falaj_control.settings import read_settings

FLOW = """
    import os


    class F(FlowSpec):
        salt = Parameter("salt", default="none")

        @step
        def start(self):
            self.large = self.salt.encode() * 50_000
            self.small = {"salt": self.salt}
            self.items = list(range(3))
            print("started", self.salt)
            self.next(self.each, foreach="items")

        @step
        def each(self):
            self.mine = (self.salt, self.input)
            self.next(self.join)

        @step
        def join(self, inputs):
            self.merge_artifacts(inputs, exclude=["mine"])
            if os.environ.get("FAIL"):
                raise LookupError("as asked")
            self.next(self.end)

        @step
        def end(self):
            self.done = True
"""


@pytest.fixture
def no_grace(home, monkeypatch):
    monkeypatch.setenv("FALAJ_GC_GRACE", "0")
    return home


def gc(*arguments: object) -> int:
    return run_tool(["gc", *map(str, arguments)])


def everything(run: Run) -> dict[str, object]:
    """Read all that a run has left, as a person could."""
    found: dict[str, object] = {"code": run.code.flowspec if run.code is not None else None}
    for step in run:
        for task in step:
            found[f"{task.pathspec} log"] = task.stdout
            found[f"{task.pathspec} attempts"] = task.current_attempt
            for artifact in task:
                found[artifact.pathspec] = artifact.data
    return found


def blobs(home: Path) -> set[str]:
    folder = home / "store" / "blobs"
    return {path.name for path in folder.rglob("*") if path.is_file()} if folder.exists() else set()


def ids() -> list[int]:
    return sorted(int(run.id) for flow in Falaj() for run in flow)


@pytest.mark.usefixtures("no_grace")
def test_old_runs_go_with_logs_and_artifacts_and_others_stay_whole(project, capfd):
    project.write(FLOW)
    for salt in ("a", "b", "c"):
        project.command("run", "--salt", salt)
    kept = everything(Run("F/3"))
    before = blobs(project.home)
    assert gc("--keep-last", 1, "--yes") == 0
    told = capfd.readouterr()
    assert "2 runs deleted" in told.err
    assert "Run 3 stays: it is among the latest of its flow." in told.err
    assert ids() == [3]
    assert everything(Run("F/3")) == kept
    assert blobs(project.home) < before
    assert os.listdir(project.home / "logs") == ["3"]
    with pytest.raises(FalajNotFound):
        Run("F/1")
    # What is needed is all that is left: a second collection finds nothing.
    assert gc("--json") == 0
    assert json.loads(capfd.readouterr().out)["blobs"] == 0
    assert gc("--keep-last", 0, "--yes") == 0
    assert ids() == []
    assert blobs(project.home) == set()
    assert project.command("run").run.successful


@pytest.mark.usefixtures("no_grace")
def test_a_dry_run_deletes_nothing_and_nobody_is_asked_in_a_pipe(project, capfd):
    project.run(FLOW)
    before = everything(Run("F/1")), blobs(project.home)
    assert gc("--status", "succeeded", "--dry-run") == 0
    assert "1 run would be deleted, and" in capfd.readouterr().err
    assert gc("--status", "succeeded") == 1
    told = capfd.readouterr()
    assert "Say --yes to delete" in told.err
    assert "succeeded" in told.out
    assert (everything(Run("F/1")), blobs(project.home)) == before


@pytest.mark.usefixtures("no_grace")
def test_a_dry_run_counts_a_lost_run_and_leaves_it_as_it_is(project, capfd):
    project.run(FLOW)
    connection = open_records(Home(str(project.home)))
    gone = json.dumps({**process_lease(), "pid": 999_999_999})
    connection.execute("UPDATE runs SET state = 'running', finished_at = NULL, lease = ?", (gone,))
    half = project.home / "store" / "tmp" / "999999999-1-1"
    half.parent.mkdir(exist_ok=True)
    half.write_bytes(b"half")

    def recorded() -> object:
        return connection.execute("SELECT state, finished_at, fence FROM runs").fetchall()

    before = recorded()
    assert gc("--status", "lost", "--dry-run", "--json") == 0
    would = json.loads(capfd.readouterr().out)
    # Nobody is there to say yes.
    assert gc("--status", "lost") == 1
    capfd.readouterr()
    assert recorded() == before
    assert half.exists()
    assert gc("--status", "lost", "--yes", "--json") == 0
    did = json.loads(capfd.readouterr().out)
    assert did["runs"] == would["runs"] == [1]
    assert did["blobs"] == would["blobs"] > 0
    assert recorded() == []
    assert not half.exists()
    connection.close()


@pytest.mark.usefixtures("no_grace")
def test_no_other_run_goes_than_a_person_has_agreed_to(project):
    project.run(FLOW)
    project.command("run")
    ours, theirs = os.openpty()
    program = [sys.executable, "-m", "falaj_control.cli.main", "gc", "--keep-last", "1"]
    process = subprocess.Popen(program, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = b""
    while b"Delete 1 run with logs and artifacts?" not in said:
        said += os.read(ours, 4096)
    # Now the policy would have the second run go as well.
    project.command("run")
    os.write(ours, b"y\n")
    try:
        while more := os.read(ours, 4096):
            said += more
    except OSError:
        # The other side is closed.
        pass
    os.close(ours)
    assert process.wait(60) == 0, said
    assert ids() == [2, 3]


@pytest.mark.usefixtures("no_grace")
def test_what_a_kept_run_was_resumed_from_stays(project, capfd):
    project.fail(FLOW, "--salt", "x", env={"FAIL": "1"})
    project.resume()
    project.command("run", "--salt", "y")
    kept = everything(Run("F/2"))
    assert "started x" in str(kept)
    assert gc("--older-than", "0s", "--keep-last", 2, "--yes", "--json") == 0
    done = json.loads(capfd.readouterr().out)
    assert (done["runs"], done["stays"]["1"]) == ([], "run 2 was resumed from it")
    assert everything(Run("F/2")) == kept
    # Once what was resumed may go, its origin may too.
    assert gc("--older-than", "0s", "--keep-last", 1, "--yes") == 0
    assert ids() == [3]


@pytest.mark.usefixtures("no_grace")
def test_without_a_condition_only_space_is_freed(project, capfd):
    project.run(FLOW)
    store = BlobStore(str(project.home / "store"))
    stray = store.put(b"written by a task that was killed")
    (project.home / "logs" / "77").mkdir(parents=True)
    assert gc() == 0
    assert "0 runs deleted" in capfd.readouterr().err
    assert not store.exists(stray)
    assert not (project.home / "logs" / "77").exists()
    assert everything(Run("F/1"))


def test_what_was_just_stored_stays_whatever_refers_to_it(project, capfd):
    project.run(FLOW)
    stray = BlobStore(str(project.home / "store")).put(b"about to be recorded")
    assert gc("--keep-last", 0, "--yes", "--json") == 0
    done = json.loads(capfd.readouterr().out)
    assert (done["runs"], done["blobs"]) == ([1], 0)
    assert stray.partition(":")[2][2:] in blobs(project.home)


@pytest.mark.usefixtures("no_grace")
def test_a_run_under_way_keeps_what_it_has_stored(project, until):
    project.write(
        """
        from pathlib import Path
        import time


        class F(FlowSpec):
            @step
            def start(self):
                self.large = b"x" * 100_000
                self.next(self.hold)

            @step
            def hold(self):
                Path("held").touch()
                while not Path("go").exists():
                    time.sleep(0.01)
                assert len(self.large) == 100_000
                self.next(self.end)

            @step
            def end(self):
                assert len(self.large) == 100_000
        """
    )
    process = project.start("run")
    until((project.folder / "held").exists)
    for _ in range(3):
        assert gc("--older-than", "0s", "--yes") == 0
    (project.folder / "go").touch()
    assert process.wait(60) == 0, process.communicate()[0]
    assert Flow("F").latest_run.successful


def test_a_second_collection_at_the_same_time_is_refused(project, capfd):
    import fcntl

    with open(project.home / "gc.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert gc("--dry-run") == 1
    assert "Another collection is at work" in capfd.readouterr().err


@pytest.mark.parametrize("place", ["/proc/{}", "{}/a file/home"])
def test_a_home_that_can_not_be_written_is_told(home, monkeypatch, capfd, place):
    (home / "a file").touch()
    name = home.name if place.startswith("/proc") else str(home)
    monkeypatch.setenv("FALAJ_HOME", place.format(name))
    assert gc() == 1
    assert "Can't use the Falaj home:" in capfd.readouterr().err


@pytest.mark.usefixtures("no_grace")
def test_what_can_not_be_read_is_told_and_then_nothing_goes(project, capfd):
    project.run(FLOW)
    store = BlobStore(str(project.home / "store"))
    stray = store.put(b"written by a task that was killed")
    manifest = Run("F/1")["end"].task._facts.record.manifest
    # A disk that gives back nothing of a file is hard to come by; a folder can't be read either.
    os.unlink(store.path(manifest))
    os.mkdir(store.path(manifest))
    assert gc() == 1
    told = capfd.readouterr().err
    assert f"Can't read {store.path(manifest)}: Is a directory." in told
    assert store.exists(stray)


@pytest.mark.parametrize("age", ["30", "x", "-1d", "1y", ""])
def test_an_age_that_is_none_is_told(project, age, capfd):
    assert gc("--older-than", age) == 2
    assert "is no age; write 90s, 45m, 12h, 30d or 2w." in capfd.readouterr().err


@pytest.mark.usefixtures("no_grace")
def test_every_table_of_a_run_is_emptied(project):
    settings = read_settings()
    connection = open_records(settings.home)
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        if not name.startswith("sqlite_")
    ]
    of_runs = {
        table
        for table in tables
        if "run" in [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    }
    connection.close()
    assert of_runs == set(TABLES)


def test_a_resume_whose_origin_has_just_gone_says_so(project):
    from falaj_control.records.happenings import NewRun
    from falaj_control.records.recorder import Recorder

    recorder = Recorder(read_settings().home)
    new = NewRun("F", "ada", "f.py", 1.0, 41, {}, {}, {}, (), (), ())
    with pytest.raises(FalajNotFound, match="Run 41 has just been deleted"):
        recorder.create_run(new)
    recorder.close()


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("no_grace")
def test_whatever_was_run_resumed_and_collected_before_what_stays_is_whole(project):
    """Random histories with kills: every run that is left can be read, and no stray is left."""
    project.write(FLOW)
    chance = random.Random(int.from_bytes(os.urandom(4), "little"))
    left: dict[int, dict[str, object]] = {}
    history: list[str] = []
    for _ in range(14):
        what = chance.choice(("run", "fail", "resume", "gc", "gc", "killed gc"))
        history.append(what)
        if what in ("run", "fail"):
            env = {"FAIL": "1"} if what == "fail" else {}
            salt = chance.choice("abc")
            project.command("run", "--salt", salt, code=None, env=env)
        elif what == "resume":
            project.resume(code=None)
        elif what == "gc":
            policy = chance.choice(
                (
                    ["--keep-last", 2],
                    ["--status", "failed"],
                    ["--older-than", "0s", "--keep-last", 1],
                    [],
                )
            )
            assert gc(*policy, "--yes") == 0
        else:
            command = [sys.executable, "-m", "falaj_control.cli.main", "gc", "--keep-last", "1"]
            process = subprocess.Popen([*command, "--yes"], stderr=subprocess.DEVNULL)
            time.sleep(chance.uniform(0.0, 0.35))
            process.send_signal(signal.SIGKILL)
            process.wait()
        now = ids()
        for number in now:
            read = everything(Run(f"F/{number}"))
            assert left.setdefault(number, read) == read, history
    assert gc("--yes") == 0
    for number in ids():
        assert everything(Run(f"F/{number}")) == left[number], history
    assert gc("--keep-last", 0, "--yes") == 0
    assert blobs(project.home) == set(), history
    assert not list((project.home / "store" / "trash").glob("*")), history


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_home_that_can_not_be_used_is_told(tmp_path, monkeypatch, capsys, options):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "file"))
    assert gc(*options) == 1
    assert "Can't use the Falaj home" in capsys.readouterr().err
