"""Resume: what is reused, what runs again, and why, after every kind of end."""

import os
import signal

import pytest

LINE = """
import os

class F(FlowSpec):
    rate = Parameter("rate", default=1)

    @step
    def start(self):
        print("start runs")
        self.made = os.urandom(8)
        self.next(self.middle)

    @step
    def middle(self):
        print("middle runs")
        self.x = self.rate * 10
        self.next(self.last)

    @step
    def last(self):
        if os.path.exists("fail"):
            raise ValueError("asked to fail")
        self.y = self.x + 1
        self.next(self.end)

    @step
    def end(self):
        print("end runs")
"""


@pytest.fixture
def failed(project):
    """Give a project whose flow has failed in its third step."""
    (project.folder / "fail").touch()
    project.fail(LINE, "--rate", 7)
    (project.folder / "fail").unlink()
    return project


def states_of(run):
    return {step.id: step.task.state for step in run}


def edit(project, old, new):
    text = project.path.read_text()
    assert old in text
    project.path.write_text(text.replace(old, new))


def test_a_failed_run_goes_on_where_it_failed(failed, everything_ended):
    result = failed.resume()
    first, run = result.run.parent["1"], result.run
    assert states_of(run) == {
        "start": "reused",
        "middle": "reused",
        "last": "succeeded",
        "end": "succeeded",
    }
    assert (run.state, run.origin_pathspec, first.state) == ("succeeded", "F/1", "failed")
    assert run.data.made == first["start"].task.data.made
    # Parameters are the origin's.
    assert (run.data.rate, run.data.y) == (7, 71)
    everything_ended(run)


def test_reused_tasks_keep_logs_artifacts_and_say_where_they_are_from(failed):
    run = failed.resume().run
    start, last = run["start"].task, run["last"].task
    assert start.stdout == "start runs\n"
    assert [line for _, line in start.loglines("stdout")] == ["start runs"]
    assert start.origin_pathspec == f"F/1/start/{run.parent['1']['start'].task.id}"
    assert start["made"].origin_pathspec == start.origin_pathspec + "/made"
    assert start.metadata_dict["origin-run-id"] == "1"
    assert (start.successful, start.finished) == (True, True)
    assert start.reason == "reused from run 1, where it succeeded"
    assert last.origin_pathspec is None
    assert last.reason.startswith("runs because it had not succeeded in run 1")
    assert run["end"].task.reason == "runs because a task before it ran again"
    shown = failed.command("logs", f"{run.id}/start")
    assert shown.out == "start runs\n"


def test_the_command_says_what_it_resumes(failed):
    result = failed.resume()
    assert "resuming run 1" in result.out
    assert "start runs" not in result.out
    assert "end runs" in result.out


def test_a_step_sees_its_origin(failed):
    edit(failed, 'print("end runs")', "self.origin = current.origin_run_id")
    assert failed.resume().data.origin == "1"


def test_two_resumes_in_a_row_continue_the_latest(failed):
    (failed.folder / "fail").touch()
    second = failed.resume(code=1).run
    (failed.folder / "fail").unlink()
    third = failed.resume().run
    assert (second.origin_pathspec, third.origin_pathspec) == ("F/1", "F/2")
    # A task that was reused already stands for the one that really ran.
    assert third["start"].task.origin_pathspec.startswith("F/1/start/")
    assert third["start"].task.stdout == "start runs\n"
    assert third.data.rate == 7
    assert third.successful


def test_a_named_run(failed):
    failed.command("run", "--rate", 3)
    run = failed.resume("--origin-run-id", 1).run
    assert (run.origin_pathspec, run.data.y) == ("F/1", 71)
    run = failed.resume("--origin-run-id", "F/2").run
    assert (run.origin_pathspec, run.data.y) == ("F/2", 31)


def test_the_latest_run_is_the_default(failed):
    failed.command("run", "--rate", 3)
    run = failed.resume().run
    assert (run.origin_pathspec, run.data.rate) == ("F/2", 3)


def test_a_successful_run_is_reused_whole(project):
    project.run(LINE)
    run = project.resume().run
    assert set(states_of(run).values()) == {"reused"}
    assert run.state == "succeeded"
    assert run.data.y == 11
    assert run.end_task.stdout == "end runs\n"


def test_from_a_named_step(project):
    project.run(LINE)
    run = project.resume("middle").run
    assert states_of(run) == {
        "start": "reused",
        "middle": "succeeded",
        "last": "succeeded",
        "end": "succeeded",
    }
    assert run["middle"].task.reason == "runs because resume was asked to start at middle"
    assert run.data.made == run.parent["1"].data.made
    run = project.resume("start").run
    assert "reused" not in states_of(run).values()


def test_a_named_step_after_the_failed_one_skips_nothing(failed):
    run = failed.resume("end").run
    assert states_of(run)["last"] == "succeeded"


def test_a_step_that_there_is_not(failed):
    result = failed.resume("midle", code=None)
    assert result.code in (1, 2)
    assert "middle" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("wanted", ["99", "abc", "G/1"])
def test_a_run_that_there_is_not(failed, wanted):
    result = failed.resume("--origin-run-id", wanted, code=None)
    assert result.code in (1, 2)
    assert "Traceback" not in result.err


def test_nothing_to_resume(project):
    project.write(LINE)
    result = project.resume(code=1)
    assert "run" in result.err
    assert "Traceback" not in result.err


def test_parameters_cannot_be_changed(failed):
    result = failed.resume("--rate", 2, code=2)
    assert "--rate" in result.err


def test_changed_code_is_used(failed):
    edit(failed, "self.y = self.x + 1", "self.y = self.x + 1000")
    edit(failed, 'print("middle runs")', 'print("middle changed")')
    run = failed.resume().run
    assert run.data.y == 1070
    # What is reused is what ran then.
    assert run["middle"].task.stdout == "middle runs\n"


def test_a_step_put_in_after_the_failure(failed):
    edit(
        failed,
        "self.y = self.x + 1\n        self.next(self.end)",
        "self.y = self.x + 1\n        self.next(self.extra)\n\n    @step\n    def extra(self):\n"
        "        self.z = self.y * 2\n        self.next(self.end)",
    )
    run = failed.resume().run
    assert run.data.z == 142
    assert states_of(run)["middle"] == "reused"


def test_a_step_put_in_before_the_failure_makes_what_leads_to_it_run(failed):
    edit(
        failed,
        "self.next(self.middle)",
        "self.next(self.extra)\n\n    @step\n    def extra(self):\n        self.z = 5\n"
        "        self.next(self.middle)",
    )
    run = failed.resume().run
    assert states_of(run)["start"] == "succeeded"
    assert "goes on differently" in run["start"].task.reason
    assert (run.data.z, run.data.y) == (5, 71)


def test_a_changed_constant_is_recorded_as_the_steps_saw_it(failed):
    edit(
        failed,
        'rate = Parameter("rate", default=1)',
        'rate = Parameter("rate", default=1)\n    limit = 5',
    )
    edit(failed, 'print("end runs")', "self.seen = self.limit")
    data = failed.resume().data
    assert (data.seen, data.limit) == (5, 5)
    edit(failed, "limit = 5", "limit = 6")
    data = failed.resume("last").data
    assert (data.seen, data.limit) == (6, 6)


def test_a_parameter_that_is_new_gets_its_default(failed):
    edit(
        failed,
        'rate = Parameter("rate", default=1)',
        'rate = Parameter("rate", default=1)\n    added = Parameter("added", default="new")',
    )
    edit(failed, 'print("end runs")', "self.seen = self.added")
    assert failed.resume().data.seen == "new"


def test_a_computed_default_is_not_computed_again(project):
    source = LINE.replace("default=1", "type=int, default=lambda context: os.getpid()")
    (project.folder / "fail").touch()
    project.fail(source)
    (project.folder / "fail").unlink()
    run = project.resume().run
    assert run.data.rate == run.parent["1"].parameters.rate
    assert run.parameters.rate == run.data.rate


def test_decorators_from_outside_are_carried_and_may_be_joined(project):
    source = LINE.replace(
        "raise ValueError", "self.count = current.retry_count\n            raise ValueError"
    )
    (project.folder / "fail").touch()
    project.fail(source, "--with", "retry:times=2,minutes_between_retries=0")
    assert project.resume(code=1).run["last"].task.current_attempt == 2
    run = project.resume("--with", "catch:var=failure").run
    assert run["last"].task.current_attempt == 2
    assert run["last"].task.data.failure.type == "ValueError"
    assert run.state == "tolerated"


@pytest.mark.parametrize("shaped", ["", "    config = Config('c', default_value={})\n"])
def test_a_decorator_given_to_a_resume_counts_more_than_the_earlier_one_and_stays(project, shaped):
    (project.folder / "fail").touch()
    patient = "retry:minutes_between_retries=0,times="
    source = LINE.replace("    rate =", shaped + "    rate =")
    run = project.fail(source, "--with", patient + "0").run
    assert run["last"].task.current_attempt == 0
    run = project.resume("--with", patient + "2", code=1).run
    assert run["last"].task.current_attempt == 2
    assert project.resume(code=1).run["last"].task.current_attempt == 2


def test_tags_are_carried_and_may_be_joined(project):
    (project.folder / "fail").touch()
    project.fail(LINE, "--tag", "first")
    (project.folder / "fail").unlink()
    assert project.resume("--tag", "second").run.user_tags == {"first", "second"}


FOREACH = """
import os

class F(FlowSpec):
    @step
    def start(self):
        self.items = [os.urandom(4) for _ in range(6)]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        print("body", self.index)
        if self.index in (2, 4) and os.path.exists("fail%d" % self.index):
            raise ValueError(self.index)
        self.mine = (self.index, self.input)
        self.next(self.after)

    @step
    def after(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.mine for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_foreach_that_was_done_in_part(project, tasks_of):
    for index in (2, 4):
        (project.folder / f"fail{index}").touch()
    first = project.fail(FOREACH, "--max-workers", 1).run
    (project.folder / "fail2").unlink()
    second = project.resume("--max-workers", 1, code=1).run
    (project.folder / "fail4").unlink()
    third = project.resume().run
    done = ["reused", "reused", "succeeded", "succeeded"]
    assert [task.state for task in tasks_of(second, "body")][:5] == [*done, "failed"]
    reused = ["reused"] * 4 + ["succeeded"] * 2
    assert [task.state for task in tasks_of(third, "body")] == reused
    bodies = tasks_of(third, "body")
    assert [task.stdout for task in bodies] == [f"body {n}\n" for n in range(6)]
    # Each task's origin is the run in which it really ran.
    origins = [task.origin_pathspec and task.origin_pathspec.split("/")[1] for task in bodies]
    assert origins == ["1", "1", "2", "2", None, None]
    values = first["start"].task.data.items
    assert third.data.all == list(enumerate(values))


def test_a_join_runs_again_when_one_of_its_inputs_did(project, tasks_of):
    (project.folder / "fail4").touch()
    project.fail(FOREACH, "--max-workers", 1)
    (project.folder / "fail4").unlink()
    run = project.resume().run
    assert run["join"].task.state == "succeeded"
    assert run["join"].task.reason == "runs because a task before it ran again"


def test_a_tolerated_failure_is_reused_as_such(project):
    (project.folder / "fail").touch()
    project.fail(
        """
        import os

        class F(FlowSpec):
            @catch(var="failure")
            @step
            def start(self):
                raise ValueError("tolerated")
                self.next(self.end)

            @step
            def end(self):
                if os.path.exists("fail"):
                    raise ValueError
        """
    )
    (project.folder / "fail").unlink()
    run = project.resume().run
    assert run["start"].task.state == "reused"
    assert run.data.failure.exception == "tolerated"
    # The failure stays visible as what it is.
    assert run.state == "tolerated"


def test_retried_tasks_keep_the_logs_of_the_attempt_that_worked(project):
    (project.folder / "fail").touch()
    project.fail(
        """
        import os

        class F(FlowSpec):
            @retry(times=1, minutes_between_retries=0)
            @step
            def start(self):
                print("try", current.retry_count)
                if current.retry_count == 0:
                    raise ValueError
                self.next(self.end)

            @step
            def end(self):
                if os.path.exists("fail"):
                    raise ValueError
        """
    )
    (project.folder / "fail").unlink()
    task = project.resume().run["start"].task
    assert (task.state, task.stdout, task.current_attempt) == ("reused", "try 1\n", 1)


SLOW = """
import os, time

class F(FlowSpec):
    rate = Parameter("rate", default=1)

    @step
    def start(self):
        self.made = os.urandom(8)
        self.next(self.a, self.b)

    @step
    def a(self):
        self.mine = os.urandom(8)
        self.next(self.join)

    @step
    def b(self):
        open("a-pid", "w").write(str(os.getpid()))
        while not os.path.exists("go"):
            time.sleep(0.01)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mine = inputs.a.mine
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def control_of(run):
    """Return the process id of the control process, from the lease that it holds."""
    return int(run._facts.record.lease["pid"])


@pytest.mark.parametrize("victim", ["control", "launcher", "task"])
def test_a_killed_run_can_be_resumed(project, until, is_alive, everything_ended, victim):
    from falaj import Flow

    project.write(SLOW)
    process = project.start("run", "--rate", 9)
    until(lambda: (project.folder / "a-pid").exists() and (project.folder / "a-pid").read_text())
    task = int((project.folder / "a-pid").read_text())
    run = Flow("F").latest_run
    until(lambda: "a" in run and run["a"].task.state == "succeeded")
    control = control_of(run)
    os.kill({"control": control, "launcher": process.pid, "task": task}[victim], signal.SIGKILL)
    process.communicate(timeout=30)
    until(lambda: not any(map(is_alive, (control, task, process.pid))), seconds=15)
    (project.folder / "go").touch()
    result = project.resume()
    first = result.run.parent[run.id]
    everything_ended(first)
    assert first.state == ("failed" if victim == "task" else "lost")
    resumed = result.run
    assert resumed.origin_pathspec == first.pathspec
    assert {name: resumed[name].task.state for name in ("start", "a", "b")} == {
        "start": "reused",
        "a": "reused",
        "b": "succeeded",
    }
    assert resumed.data.mine == first["a"].task.data.mine
    assert (resumed.data.made, resumed.data.rate) == (first["start"].task.data.made, 9)


def test_a_run_that_still_runs_cannot_be_resumed(project, until):
    project.write(SLOW)
    process = project.start("run")
    until((project.folder / "a-pid").exists)
    result = project.resume(code=None)
    assert result.code in (1, 2)
    assert "still running" in result.err
    (project.folder / "go").touch()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_lost_run_is_seen_as_lost_before_anyone_resumes(project, until, everything_ended):
    from falaj import Flow

    project.write(SLOW)
    process = project.start("run")
    until((project.folder / "a-pid").exists)
    run = Flow("F").latest_run
    until(lambda: "b" in run)
    os.kill(control_of(run), signal.SIGKILL)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "resume" in output
    seen = Flow("F").latest_run
    assert (seen.state, seen.finished, seen.successful) == ("lost", True, False)
    assert seen["b"].task.state == "lost"
    everything_ended(seen)


def test_the_origin_stays_as_it_was(failed):
    from falaj import Run

    before = [(task.pathspec, task.state, task.stdout) for step in Run("F/1") for task in step]
    failed.resume()
    after = [(task.pathspec, task.state, task.stdout) for step in Run("F/1") for task in step]
    assert before == after


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_wide_foreach_resumed_whole(project, tasks_of, isolation):
    source = FOREACH.replace("range(6)", "range(60)")
    project.run(source)
    run = project.resume("--isolation", isolation).run
    assert len(tasks_of(run, "body")) == 60
    assert {task.state for task in tasks_of(run, "body")} == {"reused"}
    assert len(run.data.all) == 60
