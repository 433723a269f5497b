"""Metrics and parameters that steps log: kept at once, read live, compared over runs."""

import json
import math
import os
import signal

import pytest

from falaj import Falaj, Flow, Task
from falaj.client.lookup import ChildNotFound
from falaj_control.cli.main import run_tool

SIMPLE = """
class F(FlowSpec):
    rate = Parameter("rate", default=0.5)

    @step
    def start(self):
        for number in range(3):
            current.log_metric("loss", 1 / (number + 1), step=number)
        current.log_metrics({"auc": self.rate, "n": 7, "on": True}, step=9)
        current.log_param("optimizer", "adam")
        current.log_params({"layers": [1, 2], "rate": "fast", "what": object})
        self.next(self.end)

    @step
    def end(self):
        self.score = self.rate * 10
"""


def test_what_is_logged_is_read_back(project):
    run = project.run(SIMPLE).run
    assert list(run.metrics) == ["auc", "loss", "n", "on"]
    loss = run.metrics["loss"]
    assert loss.values == [1.0, 0.5, 1 / 3]
    assert loss.steps == [0, 1, 2]
    assert (loss.last, loss.min, loss.max, len(loss)) == (1 / 3, 1 / 3, 1.0, 3)
    assert loss.times == sorted(loss.times)
    assert run.created_at <= loss.times[0] <= loss.times[-1] <= run.finished_at
    point = loss.points[1]
    assert (point.step, point.value, point.attempt) == (1, 0.5, 0)
    assert Task(point.task) == run["start"].task
    assert run.metrics["on"].values == [1.0]
    assert run.metrics["auc"].steps == [9]
    assert run.logged_params == {
        "layers": [1, 2],
        "optimizer": "adam",
        "rate": "fast",
        "what": "<class 'object'>",
    }
    assert run["start"].task.logged_params == run.logged_params
    assert run["end"].metrics == {}
    assert run["end"].task.logged_params == {}
    with pytest.raises(ChildNotFound, match="Did you mean 'loss'"):
        run.metrics["los"]


def test_what_is_no_finite_number_comes_back_as_it_was(project):
    run = project.run(
        """
class F(FlowSpec):
    @step
    def start(self):
        for value in (float("inf"), float("nan"), float("-inf"), 3.0, float("nan")):
            current.log_metric("m", value)
        current.log_metric("only", float("nan"))
        current.log_param("p", {"a": float("inf")})
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    ).run
    series = run.metrics["m"]
    assert str(series.values) == "[inf, nan, -inf, 3.0, nan]"
    assert (series.min, series.max) == (-math.inf, math.inf)
    assert math.isnan(series.last)
    summary = run.metrics.summaries()
    assert (summary["m"].least, summary["m"].most) == (-math.inf, math.inf)
    assert math.isnan(summary["m"].last)
    assert all(math.isnan(value) for value in summary["only"][1:2] + summary["only"][3:])
    assert math.isnan(run.metrics["only"].max)
    assert run.logged_params == {"p": {"a": math.inf}}


def test_a_step_that_is_killed_keeps_what_it_has_logged(project):
    result = project.fail(
        """
import os

class F(FlowSpec):
    @step
    def start(self):
        for number in range(5000):
            current.log_metric("loss", number, step=number)
        current.log_param("big", list(range(3000)))
        os.kill(os.getpid(), 9)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    )
    task = result.run["start"].task
    assert task.metrics["loss"].steps == list(range(5000))
    assert task.logged_params == {"big": list(range(3000))}


def test_the_last_attempt_counts_and_the_others_are_kept(project):
    run = project.run(
        """
class F(FlowSpec):
    @retry(times=1, minutes_between_retries=0)
    @step
    def start(self):
        current.log_metric("loss", 10 + current.retry_count)
        if current.retry_count == 0:
            current.log_metric("early", 1)
            current.log_param("try", "first")
            raise ValueError("again")
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    ).run
    assert list(run.metrics) == ["loss"]
    assert run.metrics["loss"].values == [11.0]
    assert run.logged_params == {}
    path = run["start"].task.pathspec
    first = Task(path, attempt=0)
    assert first.metrics["loss"].values == [10.0]
    assert list(first.metrics) == ["early", "loss"]
    assert first.logged_params == {"try": "first"}
    assert Task(path, attempt=1).metrics["loss"].values == [11.0]


def test_a_resumed_run_shows_the_metrics_of_the_tasks_that_it_reuses(project, tmp_path):
    source = """
import os

class F(FlowSpec):
    @step
    def start(self):
        self.items = [3, 1, 2]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        current.log_metric("cost", self.input)
        current.log_param("kind", "worker")
        self.next(self.join)

    @step
    def join(self, inputs):
        current.log_metric("joined", 1)
        if os.path.exists("fail"):
            raise ValueError("not yet")
        self.next(self.end)

    @step
    def end(self):
        current.log_metric("cost", 9)
"""
    (tmp_path / "fail").touch()
    project.fail(source)
    project.resume(code=1)
    (tmp_path / "fail").unlink()
    run = project.resume().run
    assert run.id == "3"
    assert sorted(run.metrics["cost"].values) == [1.0, 2.0, 3.0, 9.0]
    assert run.metrics["cost"].last == 9.0
    assert run.metrics["joined"].values == [1.0]
    assert sorted(run["work"].metrics["cost"].values) == [1.0, 2.0, 3.0]
    assert {point.task.rpartition("/")[0] for point in run["work"].metrics["cost"]} == {"F/3/work"}
    for task in run["work"]:
        assert len(task.metrics["cost"]) == 1
        assert task.logged_params == {"kind": "worker"}
    row = Flow("F").table()[0]
    assert (row["id"], row["cost"], row["joined"], row["kind"]) == (3, 9.0, 1.0, "worker")


def test_metrics_are_there_while_the_run_goes_on(project, tmp_path, until):
    project.write(
        """
import os, time

class F(FlowSpec):
    @step
    def start(self):
        current.log_metric("loss", 0.25)
        while not os.path.exists("go"):
            time.sleep(0.01)
        current.log_metric("loss", 0.125)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    )
    process = project.start("run")
    until(lambda: "F" in Falaj())
    run = Flow("F").latest_run
    until(lambda: "loss" in run.metrics)
    assert not run.finished
    assert run.metrics["loss"].values == [0.25]
    assert run["start"].task.profile is None
    (tmp_path / "go").touch()
    process.wait(60)
    assert run.metrics["loss"].values == [0.25, 0.125]


def test_many_processes_of_one_step_log_at_once_and_nothing_is_lost(project):
    run = project.run(
        """
import os

class F(FlowSpec):
    @step
    def start(self):
        children = []
        for child in range(4):
            pid = os.fork()
            if pid == 0:
                for number in range(2500):
                    current.log_metric(f"child{child}", number)
                os._exit(0)
            children.append(pid)
        current.log_metrics({f"many/{number}": number for number in range(300)})
        for pid in children:
            os.waitpid(pid, 0)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    ).run
    assert len(run.metrics) == 304
    for child in range(4):
        assert run.metrics[f"child{child}"].values == list(range(2500))
    assert run.metrics["many/299"].last == 299


def test_logging_with_a_fresh_interpreter(project):
    run = project.run(SIMPLE, "--isolation", "spawn").run
    assert run.metrics["loss"].steps == [0, 1, 2]
    assert run.logged_params["optimizer"] == "adam"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("current.log_metric('loss', 'low')", "has to be a number, not 'low'"),
        ("current.log_metric('loss', None)", "has to be a number, not None"),
        ("current.log_metric('loss', [1.0])", "has to be a number, not [1.0]"),
        ("current.log_metric('', 1)", "1 to 250 printable characters"),
        ("current.log_metric(3, 1)", "has to be text, not 3"),
        ("current.log_metric('loss', 1, step=0.5)", "whole number, not 0.5"),
        ("current.log_metrics([1])", "A dict of names and values is needed"),
        ("current.log_param('a\\nb', 1)", "printable characters"),
        ("current.log_param('a', 'x' * (1 << 21))", "Assign it to self instead"),
    ],
)
def test_what_cannot_be_kept_fails_at_the_line_that_logged_it(project, call, said):
    result = project.fail(
        f"""
class F(FlowSpec):
    @step
    def start(self):
        {call}
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    )
    assert said in result.err
    assert f"flow.py:{project.line_of('current.log')}" in result.err
    assert "runtime/logged.py" not in result.err
    assert result.run.metrics == {}


def test_logging_where_no_step_runs_is_refused(project):
    result = project.fail(
        """
def default(context):
    current.log_metric("loss", 1)
    return 1

class F(FlowSpec):
    alpha = Parameter("alpha", default=default)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    )
    assert "current.log_metric is not set: no step is running here" in result.err


def test_the_best_of_a_sweep_is_one_line(project):
    project.write(SIMPLE)
    for rate in (0.2, 0.9, 0.4):
        project.command("run", "--rate", rate, "--tag", "sweep", "--tag", f"r{rate}")
    assert Flow("F").table("sweep").best("auc").id == "2"
    table = Flow("F").table(artifacts=["score"], metrics="max")
    assert table.columns == [
        *("id", "state", "created_at", "duration", "user", "tags"),
        *("rate", "layers", "optimizer", "logged.rate", "what", "auc", "loss", "n", "on", "score"),
    ]
    assert [row["rate"] for row in table] == [0.4, 0.9, 0.2]
    assert {row["logged.rate"] for row in table} == {"fast"}
    assert [row["loss"] for row in table] == [1.0] * 3
    assert [row["score"] for row in table.sort("score")] == [2.0, 4.0, 9.0]
    assert table[0]["tags"] == ["r0.4", "sweep"]
    assert [row["id"] for row in Flow("F").table("r0.2")] == [1]
    assert len(Flow("F").table(limit=2)) == 2
    assert len(Flow("F").table(state="failed")) == 0


def test_a_run_whose_control_is_killed_keeps_what_was_recorded(project, until):
    project.write(
        """
import time

class F(FlowSpec):
    @step
    def start(self):
        current.log_metric("loss", 0.25)
        time.sleep(600)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    )
    process = project.start("run")
    until(lambda: "F" in Falaj())
    run = Flow("F").latest_run
    until(lambda: "loss" in run.metrics)
    lease = run._facts.record.lease
    os.kill(lease["pid"], signal.SIGKILL)
    process.wait(60)
    until(lambda: run.state == "lost")
    assert run.metrics["loss"].values == [0.25]
    row = Flow("F").table(state="lost")[0]
    assert (row["state"], row["loss"]) == ("lost", 0.25)


def test_metrics_are_json_for_programs(project, capsys):
    project.run(
        """
class F(FlowSpec):
    @step
    def start(self):
        current.log_metric("loss", float("nan"))
        current.log_metric("auc", 0.75)
        current.log_param("kind", {"a": 1})
        self.next(self.end)

    @step
    def end(self):
        pass
"""
    )
    assert run_tool(["metrics", "F/1/start", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["auc"]["last"] == 0.75
    assert told["metrics"]["loss"]["last"] == "nan"
    assert told["params"] == {"kind": {"a": 1}}
    assert run_tool(["metrics", "1"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["METRIC", "POINTS", "LAST", "MIN", "MAX"]
    assert out.splitlines()[1].split() == ["auc", "1", "0.75", "0.75", "0.75"]
    assert run_tool(["metrics", "1/end"]) == 0
    assert capsys.readouterr().err == "Nothing was logged there.\n"
    assert run_tool(["runs", "--metric", "auc", "--metric", "none"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "0.75"
    assert run_tool(["runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["metrics"] == {"auc": 0.75, "loss": "nan"}
