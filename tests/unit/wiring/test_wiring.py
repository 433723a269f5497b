"""What the composition root decides before a run starts."""

import os
from pathlib import Path

import pytest

from falaj.errors import ParameterError, StoreUnavailable
from falaj.home import Home
from falaj.model.graph import FlowDescription
from falaj_control.ports.requests import RunRequest
from falaj_control.records.origins import OriginRun
from falaj_control.settings import Settings, read_settings
from falaj_control.wiring import resume_command, run_options, system_tags, write_run_id

FLOW = FlowDescription("F", "", "flow.py", (), (), "start", "end")


def test_a_new_run_is_recorded_with_what_was_asked_for():
    request = RunRequest(FLOW, {"a": 1}, ("retry",), 3, 10, ("t",), "ns", None, "fork")
    options = run_options(request, None)
    assert options["parameters"] == {"a": 1}
    assert options["decospecs"] == ["retry"]
    assert (options["max_workers"], options["namespace"]) == (3, "ns")


def test_a_resumed_run_keeps_its_origins_parameters_and_adds_to_its_tags_and_decorators():
    before = {"parameters": {"a": 1}, "namespace": "old", "tags": ["x"], "decospecs": ["retry"]}
    origin = OriginRun(4, "F", "failed", "p", before)
    request = RunRequest(FLOW, {"a": 2}, ("timeout",), tags=("y",), namespace="new", max_workers=2)
    options = run_options(request, origin)
    assert options["parameters"] == {"a": 1}
    assert options["namespace"] == "old"
    assert options["tags"] == ["x", "y"]
    assert options["decospecs"] == ["retry", "timeout"]
    assert options["max_workers"] == 2


def test_the_command_to_resume_is_the_one_that_was_used(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    command = resume_command("falaj", str(tmp_path / "flows" / "f.py"), 7)
    assert command == f"falaj resume {os.path.join('flows', 'f.py')} --origin-run-id 7"
    assert resume_command("python f.py", "f.py", 7) == "python f.py resume --origin-run-id 7"


def test_the_run_id_file_is_whole_or_absent(tmp_path: Path):
    write_run_id(str(tmp_path / "id"), 42)
    assert (tmp_path / "id").read_text() == "42"
    assert os.listdir(tmp_path) == ["id"]
    with pytest.raises(StoreUnavailable, match="Can't write the run id to"):
        write_run_id(str(tmp_path / "none" / "id"), 42)


def test_runs_are_tagged_with_user_and_day():
    tags = system_tags(Settings(Home("/h"), "ada"), 1_700_000_000.0)
    assert "user:ada" in tags
    assert any(tag.startswith("date:2023-11-1") for tag in tags)


def test_settings_are_read_from_the_environment(tmp_path: Path):
    environ = {
        "FALAJ_HOME": str(tmp_path),
        "FALAJ_USER": "ada",
        "FALAJ_STOP_GRACE": "2.5",
        "FALAJ_COMMIT_INTERVAL": "",
    }
    found = read_settings(environ)
    assert (found.home.root, found.user, found.stop_grace) == (str(tmp_path), "ada", 2.5)
    assert found.commit_interval == Settings(found.home, "ada").commit_interval
    with pytest.raises(ParameterError, match="FALAJ_STOP_GRACE is 'soon'"):
        read_settings({**environ, "FALAJ_STOP_GRACE": "soon"})
