"""`logs scrub`: what was printed is gone for good."""

import os

import pytest

from falaj import Run

FLOW = """
import sys

class F(FlowSpec):
    @retry(times=1, seconds_between_retries=0)
    @step
    def start(self):
        print("secret out", current.retry_count)
        print("secret err", current.retry_count, file=sys.stderr)
        if current.retry_count == 0:
            raise ValueError("again")
        self.items = [1, 2, 3]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        print("secret", self.input)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        import os
        if os.path.exists("fail"):
            raise ValueError("at the end")
"""


@pytest.fixture
def left(project):
    """Return a function that says whether any file of the home's logs holds a text."""

    def holds(text):
        files = [path for path in (project.home / "logs").rglob("*") if path.is_file()]
        return any(text.encode() in path.read_bytes() for path in files)

    return holds


def test_both_streams_of_the_latest_try(project, left):
    project.run(FLOW)
    task = Run("F/1")["start"].task
    assert "1 log scrubbed." in project.command("logs", "scrub", "1/start/1").out
    assert task.stdout == "[REDACTED task stdout]\n"
    assert task.stderr == "[REDACTED task stderr]\n"
    assert left("secret out 0")
    project.command("logs", "scrub", "1/start", "--all")
    assert not left("secret out")
    assert not left("secret err")
    assert left("secret 1")


def test_one_stream_or_one_try(project):
    project.run(FLOW)
    task = Run("F/1")["start"].task
    project.command("logs", "scrub", "1/start/1", "--stderr")
    assert (task.stdout, task.stderr) == ("secret out 1\n", "[REDACTED task stderr]\n")
    project.command("logs", "scrub", "F/1/start/1", "--stdout", "--attempt", 0)
    shown = project.command("logs", "show", "1/start/1", "--attempt", 0).out
    assert "secret out" not in shown
    assert "secret err 0" in shown
    assert (
        "has no attempt 5"
        in project.command("logs", "scrub", "1/start/1", "--attempt", 5, code=1).err
    )


def test_one_try_of_a_step_or_of_a_run(project):
    project.run(FLOW)
    task = Run("F/1")["start"].task
    for path, count in (("1/start", "1 log"), ("1", "4 logs")):
        refused = project.command("logs", "scrub", path, "--attempt", 2, code=1)
        assert f"No task of F/{path} has an attempt 2." in refused.err
        done = project.command("logs", "scrub", path, "--attempt", 0)
        assert done.out == f"{count} scrubbed.\n"
    assert task.stdout == "secret out 1\n"
    shown = project.command("logs", "show", "1/start", "--attempt", 0).out
    assert "secret" not in shown
    assert "REDACTED" in shown
    assert "No task of F/1 has" in project.command("logs", "1", "--attempt", 10**300, code=1).err


def test_a_task_that_printed_nothing_has_no_log(project):
    project.run(FLOW)
    assert "0 logs scrubbed." in project.command("logs", "scrub", "1/end").out


def test_both_streams_by_name(project, left):
    project.run(FLOW)
    project.command("logs", "scrub", "1/start/1", "--stdout", "--stderr", "--all")
    assert not left("secret out")
    assert not left("secret err")


def test_all_tasks_of_a_step_and_of_a_run_twice(project, left):
    project.run(FLOW)
    assert "3 logs scrubbed." in project.command("logs", "scrub", "1/work").out
    assert [task.stdout for task in Run("F/1")["work"]] == ["[REDACTED task stdout]\n"] * 3
    for _ in range(2):
        project.command("logs", "scrub", "1", "--all")
    assert not left("secret")
    assert not list((project.home / "logs").rglob("*.part"))


def test_reused_tasks_share_the_log_of_their_origin(project, left):
    (project.folder / "fail").touch()
    project.fail(FLOW)
    (project.folder / "fail").unlink()
    project.resume()
    project.command("logs", "scrub", "2/work")
    assert not left("secret 1")
    assert [task.stdout for task in Run("F/1")["work"]] == ["[REDACTED task stdout]\n"] * 3


def test_what_was_there_is_overwritten_where_it_lay(project):
    project.run(FLOW)
    [path] = [p for p in (project.home / "logs" / "1").iterdir() if p.name == "1.1.log"]
    other = project.home / "the same file"
    os.link(path, other)
    project.command("logs", "scrub", "1/start/1")
    assert b"secret" not in other.read_bytes()


def test_a_task_that_has_not_ended(project, until):
    project.write(
        """
        import os, time

        class F(FlowSpec):
            @step
            def start(self):
                print("secret", flush=True)
                while not os.path.exists("go"):
                    time.sleep(0.01)
                print("after", flush=True)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    process = project.start("run")
    from falaj import Falaj

    until(lambda: [flow.latest_run for flow in Falaj()])
    until(lambda: Run("F/1")["start"].task.stdout if list(Run("F/1")) else "")
    refused = project.command("logs", "scrub", "1/start", code=1)
    assert "no task that has ended" in refused.err
    assert "--include-not-done" in refused.err
    project.command("logs", "scrub", "1/start", "--include-not-done")
    (project.folder / "go").touch()
    assert process.wait(60) == 0
    assert Run("F/1")["start"].task.stdout == "[REDACTED task stdout]\nafter\n"
