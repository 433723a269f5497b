"""`falaj doctor`: a healthy home passes, and each thing that is wrong is named with its mend."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from falaj import Run
from falaj_control.cli.main import run_tool
from falaj_control.records.schema import MIGRATIONS, VERSION

FLOW = """
    class F(FlowSpec):
        @step
        def start(self):
            self.large = b"x" * 100_000
            self.next(self.end)

        @step
        def end(self):
            pass
"""


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def nothing_unfinished(home, monkeypatch, own_cache):
    # Other tests kill what is making an environment in the cache that they share.
    assert home.exists()
    monkeypatch.setenv("FALAJ_CACHE", own_cache)


def doctor(capfd, *arguments: str) -> tuple[int, list[dict[str, str]]]:
    capfd.readouterr()
    status = run_tool(["doctor", "--json", *arguments])
    return status, json.loads(capfd.readouterr().out)


def bad(found: list[dict[str, str]]) -> dict[str, str]:
    """Return what is not well, text and mend by subject."""
    return {
        one["subject"]: f"{one['text']} -> {one['mend']}" for one in found if one["level"] != "ok"
    }


def blob_of(home: Path, size: int) -> Path:
    return next(
        path
        for path in (home / "store" / "blobs").rglob("*")
        if path.is_file() and path.stat().st_size >= size
    )


def test_a_healthy_home_passes_before_and_after_runs(project, capfd):
    status, found = doctor(capfd)
    assert (status, "nothing has been run" in str(found)) == (0, True)
    project.run(FLOW)
    for arguments in ((), ("--deep",)):
        status, found = doctor(capfd, *arguments)
        assert (status, bad(found)) == (0, {})
        assert {"falaj", "sqlite", "limits", "home", "uv", "records", "store"} <= {
            one["subject"] for one in found
        }
    assert run_tool(["doctor"]) == 0
    told = capfd.readouterr()
    assert "ok    records: 1 run\n" in told.out
    assert "0 failed, 0 warned" in told.err


def test_a_blob_that_is_damaged_or_gone_is_found(project, capfd):
    project.run(FLOW)
    path = blob_of(project.home, 100_000)
    data = bytearray(path.read_bytes())
    data[50] ^= 1
    path.write_bytes(data)
    assert doctor(capfd)[0] == 0, "only --deep reads every blob"
    status, found = doctor(capfd, "--deep")
    assert status == 1
    assert "does not hold what its name says" in bad(found)["store"]
    path.unlink()
    status, found = doctor(capfd, "--deep")
    assert status == 1
    assert "task 1/start/1 refers to" in str(found)
    digest = Run("F/1")["end"].task._facts.record.manifest.partition(":")[2]
    (project.home / "store" / "blobs" / digest[:2] / digest[2:]).unlink()
    status, found = doctor(capfd)
    assert status == 1
    assert f"task 1/end/2 refers to sha256:{digest[:12]}..., which is not there" in str(found)


def test_damaged_records_are_told_without_a_traceback(project, capfd):
    project.run(FLOW)
    (project.home / "records.db").write_bytes(b"no database at all" * 100)
    status, found = doctor(capfd)
    assert status == 1
    assert "can't be read" in bad(found)["records"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("DROP TABLE metrics", "lacks the index metrics_by_run, the table metrics"),
        ("DROP TABLE cards", "lacks the table cards"),
        ("ALTER TABLE attempts DROP COLUMN profile", "lacks the column attempts.profile"),
        ("DROP INDEX events_by_run", "lacks the index events_by_run"),
        ("DROP TABLE logged_params; DROP TABLE runs", "the table logged_params, the table runs"),
    ],
)
def test_records_without_a_part_that_they_should_have_are_told(project, capfd, change, told):
    project.run(FLOW)
    connection = sqlite3.connect(project.home / "records.db")
    connection.executescript(change)
    connection.close()
    status, found = doctor(capfd)
    assert status == 1
    assert told in bad(found)["records"]


def test_records_that_were_only_begun_or_are_of_an_earlier_falaj_are_well(home, capfd):
    (home / "records.db").write_bytes(b"")
    status, found = doctor(capfd)
    assert (status, "nothing has been recorded yet" in str(found)) == (0, True)
    for version in range(1, VERSION):
        (home / "records.db").unlink()
        connection = sqlite3.connect(home / "records.db")
        for script in MIGRATIONS[:version]:
            connection.executescript(script)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        status, found = doctor(capfd, "--deep")
        assert (status, bad(found)) == (0, {})
        assert f"schema {version} (the next run brings it to {VERSION})" in str(found)


def test_a_home_of_any_name_is_looked_at_and_left_as_it_is(project, capfd, monkeypatch):
    odd = project.folder / "is it 100%41?a#b"
    monkeypatch.setenv("FALAJ_HOME", str(odd))
    project.run(FLOW)
    before = sorted(os.listdir(project.folder))
    status, found = doctor(capfd, "--deep")
    assert (status, bad(found)) == (0, {})
    assert "1 run'" in str(found)
    assert sorted(os.listdir(project.folder)) == before


def test_a_card_or_a_value_of_a_foreach_that_is_gone_is_found(project, capfd):
    project.run(
        """
        class F(FlowSpec):
            @card(type="blank")
            @step
            def start(self):
                from falaj.cards import Markdown

                current.card.append(Markdown("# Found"))
                self.items = [1, 2]
                self.next(self.each, foreach="items")

            @step
            def each(self):
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    connection = sqlite3.connect(project.home / "records.db")
    [(page,)] = connection.execute("SELECT html FROM cards").fetchall()
    [(going,)] = connection.execute("SELECT transition FROM tasks WHERE id = 1").fetchall()
    connection.close()
    for digest, told, deep in (
        (page, "card blank of task 1/1 (page) refers to", ()),
        (json.loads(going)[3], "task 1/each/2 refers to", ("--deep",)),
    ):
        assert doctor(capfd, *deep)[0] == 0
        name = digest.partition(":")[2]
        blob = project.home / "store" / "blobs" / name[:2] / name[2:]
        data = blob.read_bytes()
        blob.unlink()
        status, found = doctor(capfd, *deep)
        assert (status, told in str(found)) == (1, True), found
        blob.write_bytes(data)


def test_records_of_a_newer_falaj_are_told(project, capfd):
    project.run(FLOW)
    connection = sqlite3.connect(project.home / "records.db")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    assert "pip install --upgrade falaj" in bad(doctor(capfd)[1])["records"]


def test_a_run_whose_process_was_killed_is_named(project, capfd, until):
    project.write(
        """
        from pathlib import Path
        import time

        class F(FlowSpec):
            @step
            def start(self):
                Path("held").touch()
                time.sleep(60)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    process = project.start("run")
    until((project.folder / "held").exists)
    assert bad(doctor(capfd)[1]) == {}
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # Control has a group of its own and ends by itself once it is alone.
    until(lambda: "runs" in bad(doctor(capfd)[1]) or Run("F/1").state == "lost")
    assert doctor(capfd)[0] == 0, "what can be gone on from is no failure"


def test_too_few_files_are_told(home):
    assert not list(home.iterdir())
    code = "from falaj_control.cli.main import run_tool; run_tool(['doctor', '--json'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        encoding="utf-8",
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 4096)),
    )
    assert "ulimit -n 4096" in bad(json.loads(done.stdout))["limits"]


def test_what_killed_writers_left_is_told_and_gc_removes_it(project, capfd):
    project.run(FLOW)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = project.home / "store" / "tmp" / f"{ended.pid}-1-1"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    assert "falaj gc" in bad(doctor(capfd)[1])["store"]
    assert run_tool(["gc"]) == 0
    assert bad(doctor(capfd)[1]) == {}


@pytest.mark.parametrize("place", ["/proc/{}", "{}/a file/home"])
def test_a_home_that_can_not_be_written_fails(home, monkeypatch, capfd, place):
    # Where nobody may make a folder, whoever runs this.
    (home / "a file").touch()
    name = home.name if place.startswith("/proc") else str(home)
    monkeypatch.setenv("FALAJ_HOME", place.format(name))
    status, found = doctor(capfd)
    assert status == 1
    assert "set FALAJ_HOME to another folder" in bad(found)["home"]
