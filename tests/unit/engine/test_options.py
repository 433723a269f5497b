"""What a run is told: asked for, kept from the run that it resumes, or set in the environment."""

import os
from pathlib import Path

import pytest

from falaj.errors import ParameterError, StoreUnavailable
from falaj.model.graph import FlowDescription
from falaj_control.engine.attributes import write_run_id
from falaj_control.engine.options import (
    resume_command,
    settle_options,
    system_tags,
)
from falaj_control.ports.requests import MAX_WORKERS, RunRequest
from falaj_control.settings import Settings, read_settings

FLOW = FlowDescription("F", "", "flow.py", (), (), "start", "end")


def test_a_new_run_is_recorded_with_what_was_asked_for():
    request = RunRequest(FLOW, {"a": 1}, ("retry",), 3, 10, ("t",), "ns", None, "fork")
    options = settle_options(request, {})
    assert options.parameters == {"a": 1}
    assert options.decospecs == ("retry",)
    assert (options.max_workers, options.namespace, options.isolation) == (3, "ns", "fork")
    assert settle_options(RunRequest(FLOW), {}).max_workers == MAX_WORKERS


def test_a_resumed_run_keeps_its_origins_parameters_and_adds_to_its_tags_and_decorators():
    first = RunRequest(FLOW, {"a": 1}, ("retry",), 5, 10, ("x",), "old", None, "spawn")
    before = settle_options(first, {})._asdict()
    request = RunRequest(FLOW, {}, ("timeout",), tags=("y", "x"), namespace="new", max_workers=2)
    options = settle_options(request, before)
    assert options.parameters == {"a": 1}
    assert options.namespace == "old"
    assert options.tags == ("x", "y")
    assert options.decospecs == ("retry", "timeout")
    assert (options.max_workers, options.max_log_bytes, options.isolation) == (2, 10, "spawn")


def test_a_resumed_run_keeps_the_kind_of_environment_and_what_travels_into_it():
    assert settle_options(RunRequest(FLOW), {}).environment is None
    first = RunRequest(FLOW, environment="pypi", includes=("a", "b"))
    before = settle_options(first, {})._asdict()
    options = settle_options(RunRequest(FLOW, includes=("b", "c")), before)
    assert (options.environment, options.includes) == ("pypi", ("a", "b", "c"))
    assert settle_options(RunRequest(FLOW, environment="local"), before).environment == "local"
    # A run that was recorded before there were any.
    assert settle_options(RunRequest(FLOW), {"max_workers": 3}).includes == ()


def test_look_ups_see_the_users_own_runs_unless_told_otherwise():
    def seen(namespace):
        return settle_options(RunRequest(FLOW, namespace=namespace), {}).seen_namespace("ada")

    assert (seen(None), seen("user:bob"), seen("")) == ("user:ada", "user:bob", None)


def test_the_command_to_resume_is_the_one_that_was_used(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    command = resume_command("falaj", str(tmp_path / "flows" / "f.py"), 7)
    assert command == f"falaj resume {os.path.join('flows', 'f.py')} --origin-run-id 7"
    assert resume_command("python f.py", "f.py", 7) == "python f.py resume --origin-run-id 7"


def test_the_run_id_file_is_whole_or_absent(tmp_path: Path):
    write_run_id(str(tmp_path / "id"), 42)
    assert (tmp_path / "id").read_text() == "42"
    assert os.listdir(tmp_path) == ["id"]
    with pytest.raises(StoreUnavailable, match="Can't write "):
        write_run_id(str(tmp_path / "none" / "id"), 42)


def test_runs_are_tagged_with_user_and_day():
    tags = system_tags("ada", 1_700_000_000.0)
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
    assert found.commit_interval == Settings(found.home, "ada", "/nowhere").commit_interval
    for wrong in ("soon", "nan", "inf", "-1"):
        with pytest.raises(ParameterError, match=f"FALAJ_STOP_GRACE is '{wrong}'"):
            read_settings({**environ, "FALAJ_STOP_GRACE": wrong})
    with pytest.raises(ParameterError, match="taken for lost"):
        read_settings({**environ, "FALAJ_LEASE_INTERVAL": "60"})
