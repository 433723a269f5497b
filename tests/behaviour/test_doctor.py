"""`falaj doctor`: a healthy home passes, and each thing that is wrong is named with its mend."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from falaj import Run
from falaj_control.cli.main import run_tool

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


def test_a_home_that_can_not_be_written_fails(home, monkeypatch, capfd):
    # Where nobody may make a folder, whoever runs this.
    monkeypatch.setenv("FALAJ_HOME", str(Path("/proc") / home.name))
    status, found = doctor(capfd)
    assert status == 1
    assert "set FALAJ_HOME to another folder" in bad(found)["home"]
