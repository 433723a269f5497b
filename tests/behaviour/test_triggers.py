"""Runs that other runs start, as `--trigger` stands for it: what steps and the client see."""

import pytest

from falaj import Flow, MetaflowEvent
from falaj.errors import FalajNotFound
from falaj_control.cli.main import run_tool

HEADER = "from falaj import *\n"
FOOTER = '\nif __name__ == "__main__":\n    {name}()\n'
UPSTREAM = """
class {name}(FlowSpec):
    fails = Parameter("fails", default=False)

    @step
    def start(self):
        self.next(self.{end})

    @step{mark}
    def {end}(self):
        self.value = 40
        assert not self.fails
"""
FLOW = """
@trigger_on_finish(flows=["Up", "Other"])
class F(FlowSpec):
    @step
    def start(self):
        self.there = "trigger" in current
        self.trigger = current.trigger
        self.value = current.trigger.run.data.value
        self.names = [event.name for event in current.trigger]
        self.known = [name in current.trigger for name in ("Up", "metaflow.Up.end", "Nothing")]
        self.next(self.end)

    @step
    def end(self):
        self.again = current.trigger["Up"].id
"""


def write(project, name, end="end"):
    mark = "" if end == "end" else "(end=True)"
    source = UPSTREAM.format(name=name, end=end, mark=mark)
    project.write(HEADER + source + FOOTER.format(name=name), f"{name.lower()}.py")


@pytest.fixture
def upstream(project, run_flow):
    """Return a function that runs the upstream flow `name` and returns its run."""

    def run(name="Up", *arguments, **options):
        write(project, name, **options)
        done = run_flow(project.folder / f"{name.lower()}.py", "run", *arguments)
        assert done.returncode == (1 if arguments else 0), done.stderr
        return Flow(name).latest_run

    return run


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_run_knows_what_started_it(project, upstream, isolation):
    run = upstream()
    project.write(FLOW)
    result = project.command("--trigger", f"Up/{run.id}", "run", "--isolation", isolation)
    assert result.data.there
    assert result.data.value == 40
    assert result.data.names == ["metaflow.Up.end"]
    assert result.data.known == [True, True, False]
    assert result.data.again == run.id
    trigger = result.run.trigger
    assert trigger.event == MetaflowEvent(
        "metaflow.Up.end", run.end_task.pathspec, run.finished_at.replace(tzinfo=None), "run"
    )
    assert trigger.run == run == trigger["Up"]
    assert trigger.runs == [run]
    assert result.data.trigger.run == run
    with pytest.raises(KeyError):
        _ = trigger["Nothing"]


def test_several_runs_come_the_latest_first(project, upstream):
    first, second = upstream(), upstream("Other", end="last")
    project.write(FLOW.replace("trigger.run.data", 'trigger["Up"].data'))
    result = project.command(
        "--trigger", f"Up/{first.id}", "--trigger", f"Other/{second.id}", "run"
    )
    assert result.data.names == ["metaflow.Other.last", "metaflow.Other.end", "metaflow.Up.end"]
    assert [run.pathspec for run in result.run.trigger.runs] == [second.pathspec, first.pathspec]
    assert result.run.trigger.run == second
    assert len(result.run.trigger.events) == 3


def test_a_run_that_a_person_starts_has_no_trigger(project, upstream):
    done = project.run(
        """
        @trigger_on_finish(flow="Up")
        class F(FlowSpec):
            @step
            def start(self):
                self.there = ("trigger" in current, current.get("trigger", "none"))
        """
    )
    assert done.data.there == (False, "none")
    assert done.run.trigger is None
    assert upstream().trigger is None


def test_resume_keeps_the_trigger(project, upstream):
    run = upstream()
    project.write(FLOW)
    project.command("--trigger", f"Up/{run.id}", "run")
    resumed = project.resume("start")
    assert resumed.data.again == run.id
    assert resumed.run.trigger.run == run


def test_events_are_known_by_name_when_their_run_is_gone(project, upstream):
    run = upstream()
    project.write(FLOW)
    done = project.command("--trigger", f"Up/{run.id}", "run")
    assert run_tool(["gc", "--flow", "Up", "--yes"]) == 0
    trigger = done.run.trigger
    assert trigger["metaflow.Up.end"] == trigger.event
    assert ("Up" in trigger, "Nothing" in trigger) == (True, False)
    with pytest.raises(FalajNotFound):
        _ = trigger.run


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Up", "names no run"),
        ("Up/1/start", "names no run"),
        ("/1", "names no run"),
        ("Else/1", "the flow waits for `Up` and `Other`, not for `Else`"),
        ("Up/1", "has not succeeded (failed)"),
    ],
)
def test_a_trigger_has_to_be_a_run_that_the_flow_waits_for(project, upstream, path, text):
    upstream("Up", "--fails", "True")
    project.write(FLOW)
    refused = project.command("--trigger", path, "run", code=2)
    assert text in refused.err


def test_a_run_that_is_not_there_is_told(project, upstream):
    upstream()
    project.write(FLOW)
    assert "There is no run 99 of Up" in project.command("--trigger", "Up/99", "run", code=1).err


def test_a_flow_that_waits_for_no_flow_takes_no_trigger(project, upstream):
    run = upstream()
    project.write(FLOW.replace('@trigger_on_finish(flows=["Up", "Other"])\n', ""))
    refused = project.command("--trigger", f"Up/{run.id}", "run", code=2)
    assert "--trigger is for flows with @trigger_on_finish" in refused.err


def test_what_a_function_names_is_taken_on_trust(project, upstream):
    run = upstream()
    project.write(FLOW.replace('flows=["Up", "Other"]', "flow=lambda context: 'Up'"))
    done = project.command("run", env={"FALAJ_TRIGGER": f"Up/{run.id}"})
    assert done.data.again == run.id


def test_a_step_of_a_flow_with_everything_looks_at_its_graph(project):
    data = project.run(
        """
        class Base(FlowSpec):
            cfg = Config("cfg", default_value={"event": "e", "mode": "x"})

        @trigger(event={"name": Base.cfg.event, "parameters": {"alpha": "field"}})
        class F(Base):
            alpha = Parameter("alpha", default=1)

            @step
            def start(self):
                self.cases = self._graph["start"].switch_cases
                self.kind = "x"
                self.next({self.cfg.mode: self.a, "y": self.end}, condition="kind")

            @step
            def a(self):
                self.next(self.end)

            @step
            def end(self):
                pass
        """,
        "--with",
        "retry",
    ).data
    assert data.cases == {"config:cfg.mode": "a", "y": "end"}
