"""The command that changes and lists the tags of runs."""

import json
import os
import subprocess
import sys

import pytest

from falaj import Flow

FLOW = """
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def two_runs(project):
    project.run(FLOW, "--tag", "first")
    project.command("run", "--tag", "second")
    return project


def tool(project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "falaj_control.cli.main", "tag", *arguments]
    return subprocess.run(command, cwd=project.folder, capture_output=True, text=True)


def test_tags_are_added_and_removed(two_runs):
    done = two_runs.command("tag", "add", "--run-id", 1, "good", "checked")
    assert done.out == "Tags of F/1: checked, first, good\n"
    done = two_runs.command("tag", "remove", "--run-id", "F/1", "first", "never there")
    assert done.out == "Tags of F/1: checked, good\n"


@pytest.mark.parametrize("tag", ["", "x" * 501, b"\xff"])
def test_a_run_begins_with_no_tag_that_could_not_be_added(two_runs, tag):
    tag = os.fsdecode(tag)
    refused = two_runs.command("run", "--tag", "fine", "--tag", tag, code=2)
    assert "Error: Invalid value for '--tag'" in refused.err
    assert two_runs.command("tag", "add", "--run-id", 1, tag, code=1).err
    assert len(Flow("F")) == 2


def test_tags_are_replaced_by_two_names_or_by_options(two_runs):
    done = two_runs.command("tag", "replace", "--run-id", 2, "second", "latest")
    assert done.out == "Tags of F/2: latest\n"
    done = two_runs.command(
        "tag", "replace", "--run-id", 2, "--remove", "latest", "--add", "a", "--add", "b"
    )
    assert done.out == "Tags of F/2: a, b\n"
    for wrong in ([], ["only one"], ["a", "b", "--add", "c"]):
        refused = two_runs.command("tag", "replace", "--run-id", 2, *wrong, code=None)
        assert refused.code != 0
        assert "Name the old tag and the new one" in refused.err
    assert two_runs.command("tag", "list", "--run-id", 2, "--hide-system-tags").out == "a\nb\n"


def test_tags_are_listed_of_the_latest_run_or_of_all(two_runs):
    latest = two_runs.command("tag", "list").out.splitlines()
    assert "second" in latest
    assert "first" not in latest
    assert any(tag.startswith("user:") for tag in latest)
    assert two_runs.command("tag", "list", "--all", "--hide-system-tags").out == "first\nsecond\n"
    by_run = two_runs.command("tag", "list", "--group-by-run", "--hide-system-tags").out
    assert by_run.split() == ["RUN", "TAGS", "F/2", "second", "F/1", "first"]
    by_tag = two_runs.command("tag", "list", "--group-by-tag", "--hide-system-tags").out
    assert by_tag.split() == ["TAG", "RUNS", "first", "F/1", "second", "F/2"]
    found = json.loads(two_runs.command("tag", "list", "--my-runs", "--json").out)
    assert set(found) == {"F/1", "F/2"}


def test_a_run_of_another_namespace_is_changed_only_when_asked(two_runs):
    two_runs.command("run", env={"FALAJ_USER": "somebody"})
    refused = two_runs.command("tag", "add", "--run-id", 3, "mine", code=None)
    assert refused.code == 1
    assert "namespace" in refused.err
    done = two_runs.command("tag", "add", "--namespace=", "--run-id", 3, "mine")
    assert done.out == "Tags of F/3: mine\n"


def test_tags_of_others_are_listed_by_name_and_with_all(two_runs):
    two_runs.command("run", "--tag", "theirs", env={"FALAJ_USER": "somebody"})

    def listed(*words):
        return two_runs.command("tag", "list", "--hide-system-tags", *words).out.split()

    assert listed() == ["second"]
    assert listed("--all") == ["first", "second", "theirs"]
    assert listed("--my-runs") == ["first", "second"]
    assert listed("--run-id", 3) == listed("3") == listed("F/3", "--flat") == ["theirs"]
    assert listed("--all", "--namespace", "user:somebody") == ["theirs"]
    refused = two_runs.command("tag", "list", "3", "--run-id", 2, code=2)
    assert "Name the run once" in refused.err


def test_system_tags_and_runs_that_are_not_there_are_told(two_runs):
    user = next(t for t in two_runs.command("tag", "list").out.split() if t.startswith("user:"))
    refused = two_runs.command("tag", "remove", "--run-id", 1, user, code=1)
    assert "System tags can't be removed" in refused.err
    refused = two_runs.command("tag", "add", "--run-id", 99, "x", code=1)
    assert "There is no run 99 of F" in refused.err


def test_the_tool_takes_the_run_with_its_flow(two_runs):
    assert tool(two_runs, "add", "--run-id", "F/1", "good").stdout == "Tags of F/1: first, good\n"
    listed = tool(two_runs, "list", "--run-id", "F/1", "--hide-system-tags")
    assert listed.stdout == "first\ngood\n"
    refused = tool(two_runs, "add", "--run-id", "1", "good")
    assert refused.returncode != 0
    assert "GenreStats/1" in refused.stderr
    assert "Name a run" in tool(two_runs, "list").stderr
