"""Flows of a project: the branch that a run belongs to, and what `current` and tags tell of it."""

import json

import pytest

FLOW = """
@project(name="shop")
class F(FlowSpec):
    @step
    def start(self):
        names = "project_name branch_name project_flow_name is_user_branch is_production".split()
        self.seen = [current.get(name) for name in names]
        self.there = [name in current for name in [*names, "trigger", "origin_run_id", "run"]]
        self.event = namespaced_event_name("ready")()
        self.next(self.end)

    @step
    def end(self):
        self.last = current.get("branch_name")
"""
PLAIN = FLOW.replace('@project(name="shop")\n', "")


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("top", "environ", "branch"),
    [
        ([], {}, "user.ada"),
        (["--branch", "x"], {}, "test.x"),
        (["--production"], {}, "prod"),
        (["--branch", "x", "--production"], {}, "prod.x"),
        ([], {"FALAJ_BRANCH": "y"}, "test.y"),
        (["--branch", "x"], {"FALAJ_BRANCH": "y", "FALAJ_FLOW_PRODUCTION": "1"}, "prod.x"),
    ],
)
def test_a_run_belongs_to_a_branch(project, isolation, top, environ, branch):
    project.write(FLOW)
    result = project.command(
        *top, "run", "--isolation", isolation, env={"FALAJ_USER": "ada", **environ}
    )
    is_user, is_production = branch.startswith("user"), branch.startswith("prod")
    assert result.data.seen == ["shop", branch, f"shop.{branch}.F", is_user, is_production]
    assert result.data.there == [True] * 5 + [False, False, True]
    assert result.data.last == branch
    assert result.data.event == f"mfns.shop.{branch}.ready"
    assert {"project:shop", f"project_branch:{branch}"} <= result.run.system_tags
    assert f"Project: shop, branch: {branch}" in result.out


def test_resume_keeps_the_branch(project):
    project.write(FLOW)
    project.command("--branch", "x", "run", env={"FALAJ_USER": "ada"})
    result = project.resume("end", env={"FALAJ_USER": "bob"})
    assert result.data.last == "test.x"
    assert "project_branch:test.x" in result.run.system_tags
    assert project.command("--production", "resume", "end").data.last == "prod"


def test_a_flow_without_a_project_takes_no_branch(project):
    project.write(PLAIN)
    for top in (["--branch", "x"], ["--production"]):
        refused = project.command(*top, "run", code=2)
        assert f"{top[0]} is for flows with @project" in refused.err
    # A variable may be meant for other flows.
    result = project.command("run", env={"FALAJ_BRANCH": "x", "FALAJ_PRODUCTION": "1"})
    assert result.data.seen == [None] * 5
    assert result.data.event == "mfns.ready"
    assert not any(tag.startswith("project") for tag in result.run.system_tags)


def test_a_branch_has_a_plain_name(project):
    project.write(FLOW)
    refused = project.command("--branch", "My branch", "run", code=2)
    assert "lower-case letters, digits and `_`" in refused.err


def test_a_branch_that_contradicts_the_decorator_is_refused(project):
    project.write(FLOW.replace('name="shop"', 'name="shop", branch="x"'))
    refused = project.command("--branch", "y", "run", code=1)
    assert f"flow.py:{project.line_of('@project')}: --branch y contradicts" in refused.err
    assert "Traceback" not in refused.err


def test_show_and_output_raw_tell_what_starts_the_flow(project):
    project.write(
        '@trigger_on_finish(flow="Up")\n'
        '@trigger(event={"name": "new", "parameters": lambda context: {}})\n'
        '@schedule(cron="0 6 * * 1-5", timezone="Europe/Helsinki")\n' + FLOW
    )
    shown = project.command("show").out
    assert "@trigger_on_finish(flow='Up')" in shown
    assert "@schedule(cron='0 6 * * 1-5', timezone='Europe/Helsinki')" in shown
    assert "'deploy_time': '<lambda>'" in shown
    raw = json.loads(project.command("output-raw", "--json").out)
    found = {one["name"]: one["attributes"] for one in raw["decorators"]}
    assert found["trigger_on_finish"]["flow"] == "Up"
    assert found["project"] == {"name": "shop", "branch": None, "production": None}
    assert project.command("run").run.successful


def test_a_wrong_schedule_is_told_where_it_stands(project):
    project.write('@schedule(cron="0 25 * * *")\n' + FLOW)
    refused = project.command("check", code=1)
    assert "flow.py:2: @schedule: `cron` can't be '0 25 * * *': the hour is '25'" in refused.err
