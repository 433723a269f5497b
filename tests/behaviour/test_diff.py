"""`falaj diff`: what differs between two runs or two tasks, section by section."""

import json

import pytest

from falaj import Run
from falaj_control.cli.main import run_tool

FLOW = """
    import os
    import helper


    class F(FlowSpec):
        size = Parameter("size", default=2)
        who = Parameter("who", default="ada")

        @step
        def start(self):
            self.items = list(range(self.size))
            self.same = {"always": "equal"}
            self.next(self.each, foreach="items")

        @step
        def each(self):
            self.value = self.input * int(os.environ.get("FACTOR", "1"))
            self.next(self.join)

        @step
        def join(self, inputs):
            self.total = sum(part.value for part in inputs)
            self.next(self.end)

        @step
        def end(self):
            if os.environ.get("FAIL"):
                raise LookupError("as asked")
"""


def diff(capfd, *arguments: str) -> tuple[int, list[dict[str, object]]]:
    capfd.readouterr()
    status = run_tool(["diff", "--json", *arguments])
    return status, json.loads(capfd.readouterr().out)


def changes(found: list[dict[str, object]], section: str) -> dict[object, tuple[object, object]]:
    return {
        one["what"]: (one["before"], one["after"]) for one in found if one["section"] == section
    }


@pytest.fixture
def flow(project):
    (project.folder / "helper.py").write_text("LEVEL = 1\n", encoding="utf-8")
    project.write(FLOW)
    return project


def test_equal_runs_differ_in_nothing_but_time(flow, capfd):
    for _ in range(2):
        flow.command("run")
    status, found = diff(capfd, "1", "F/2", "--exit-code")
    assert (status, {one["section"] for one in found} - {"durations"}) == (0, set())
    assert run_tool(["diff", "1", "2", "--only", "code,artifacts"]) == 0
    assert "Nothing differs." in capfd.readouterr().err


def test_each_section_tells_what_changed(flow, capfd):
    flow.command("run")
    (flow.folder / "helper.py").write_text("LEVEL = 2\n", encoding="utf-8")
    (flow.folder / "flow.py").write_text(
        (flow.folder / "flow.py").read_text().replace("sum(", "1000 + sum("), encoding="utf-8"
    )
    more = {"FACTOR": "5", "FAIL": "1"}
    flow.command("run", "--size", "3", code=1, env=more)
    status, found = diff(capfd, "1", "2", "--exit-code")
    assert status == 1
    outcome = changes(found, "outcome")["run"]
    assert outcome[0] == "succeeded"
    assert "LookupError: as asked" in str(outcome[1])
    assert changes(found, "parameters") == {"size": ("2", "3")}
    assert set(changes(found, "code")) == {"flow.py", "helper.py"}
    lines = next(one["lines"] for one in found if one["what"] == "helper.py")
    assert lines[-2:] == ["-LEVEL = 1", "+LEVEL = 2"]
    artifacts = changes(found, "artifacts")
    assert artifacts["start.items"] == ("[0, 1]", "[0, 1, 2]")
    assert artifacts["each"] == ("2 tasks", "3 tasks")
    assert artifacts["each[1].value"] == ("1", "5")
    assert artifacts["join.total"] == ("1", "1015")
    assert not [what for what in artifacts if "same" in str(what)]
    told = run_tool(["diff", "1", "2", "--only", "parameters,code"])
    out = capfd.readouterr().out
    assert told == 0
    assert out.startswith("parameters\n  size: 2 -> 3\ncode\n")
    assert "    +LEVEL = 2\n" in out


def test_two_tasks_are_compared_too(flow, capfd):
    flow.command("run", env={"FACTOR": "7"})
    first, second = sorted(int(task.id) for task in Run("F/1")["each"])
    _, found = diff(capfd, f"1/each/{first}", f"F/1/each/{second}", "--only", "artifacts")
    assert changes(found, "artifacts") == {"value": ("0", "7")}


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("1", "1/start"), 1, "1 is a run and 1/start is a step. Name two runs or two tasks."),
        (("1", "7"), 1, "no run 7"),
        (("1", "1", "--only", "cod"), 2, "there is no 'cod' (did you mean `code`?)"),
        (("1",), 2, "Missing argument"),
    ],
)
def test_what_can_not_be_compared_is_told(flow, capfd, arguments, status, told):
    flow.command("run")
    assert run_tool(["diff", *arguments]) == status
    assert told in capfd.readouterr().err


def test_differences_of_a_wide_foreach_are_told_once(flow, capfd):
    for factor in ("1", "2"):
        flow.command("run", "--size", "30", env={"FACTOR": factor})
    _, found = diff(capfd, "1", "2", "--only", "artifacts")
    assert changes(found, "artifacts") == {
        "each[1].value (and 28 more of 30 tasks)": ("1", "2"),
        "join.total": ("435", "870"),
    }


def test_metrics_are_compared_by_their_last_values(project, capfd):
    project.write("""
        import os

        class F(FlowSpec):
            @step
            def start(self):
                for value in map(float, os.environ["LOSS"].split()):
                    current.log_metric("loss", value)
                current.log_metrics({"same": 1, "none": float("nan")})
                if "MORE" in os.environ:
                    current.log_metric("more", 0.1)
                self.next(self.end)

            @step
            def end(self):
                pass
    """)
    project.command("run", env={"LOSS": "3 0.25"})
    project.command("run", env={"LOSS": "9 0.125", "MORE": "1"})
    status, found = diff(capfd, "1", "2", "--only", "metrics", "--exit-code")
    assert status == 1
    assert changes(found, "metrics") == {"loss": ("0.25", "0.125"), "more": ("-", "0.1")}
    # What is reused has logged what it logged.
    project.resume(env={"LOSS": "0"})
    _, found = diff(capfd, "2", "3", "--only", "metrics")
    assert found == []


def test_rounds_of_a_loop_are_told_apart(project, capfd):
    project.write("""
        import os

        class F(FlowSpec):
            @step
            def start(self):
                self.round = 0
                self.next(self.around)

            @step
            def around(self):
                self.round += 1
                self.value = self.round * (2 if os.environ.get("AT") == str(self.round) else 1)
                self.again = self.round < int(os.environ.get("ROUNDS", "3"))
                self.next({True: self.around, False: self.end}, condition="again")

            @step
            def end(self):
                pass
    """)
    project.command("run")
    project.command("run", env={"AT": "2"})
    project.command("run", env={"ROUNDS": "4"})
    _, found = diff(capfd, "1", "2", "--only", "artifacts")
    assert changes(found, "artifacts") == {"around[1].value": ("2", "4")}
    _, found = diff(capfd, "1", "3", "--only", "artifacts")
    assert changes(found, "artifacts")["around"] == ("3 tasks", "4 tasks")
