"""@retry and @catch: how often, how long between, what is kept, whatever the failure was."""

from datetime import timedelta

import pytest

ONE = """
import os, signal, sys, time
{imports}

class F(FlowSpec):
    @step
    def start(self):
        self.before = "kept"
        self.next(self.body)

{decorators}
    @step
    def body(self):
        print("attempt", current.retry_count)
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def flow(project):
    """Return a function that runs start, a decorated body and end."""

    def run(decorators, body, *arguments, imports="", **options):
        def indented(text, by):
            return "\n".join(" " * by + line for line in text.strip("\n").split("\n"))

        source = ONE.replace("{decorators}", indented(decorators, 4)).replace("{imports}", imports)
        return project.run(source.replace("{body}", indented(body, 8)), *arguments, **options)

    return run


def attempts(task):
    """Return a task's attempts as the client shows them, by number."""
    from falaj import Task

    return [Task(task.pathspec, attempt=n) for n in range(task.current_attempt + 1)]


def test_a_step_that_works_in_the_end(flow):
    result = flow(
        "@retry(times=3, minutes_between_retries=0)",
        """
self.half = current.retry_count
if current.retry_count < 2:
    raise ValueError("not yet")
""",
    )
    task = result.run["body"].task
    assert result.run.state == "succeeded"
    assert (task.state, task.current_attempt, task.data.half) == ("succeeded", 2, 2)
    assert task.exception is None
    assert [one.state for one in attempts(task)] == ["failed", "failed", "succeeded"]
    assert [one.stdout for one in attempts(task)] == [f"attempt {n}\n" for n in range(3)]
    assert [one.data.half for one in attempts(task)] == [0, 1, 2]
    assert attempts(task)[0].exception.exception == "not yet"
    assert task.stdout == "attempt 2\n"
    assert result.data.before == "kept"


@pytest.mark.parametrize("times", [0, 1, 4])
def test_the_number_of_attempts(flow, times):
    result = flow(f"@retry(times={times}, minutes_between_retries=0)", "raise OSError", code=1)
    task = result.run["body"].task
    assert task.current_attempt == times
    assert (task.state, result.run.state) == ("failed", "failed")
    assert len(attempts(task)) == times + 1


def test_what_a_failed_attempt_changed_is_forgotten(flow):
    result = flow(
        "@retry(times=1, minutes_between_retries=0)",
        """
self.seen = hasattr(self, "left")
self.left = 1
if current.retry_count == 0:
    1 / 0
""",
    )
    assert result.data.seen is False


def test_the_wait_between_attempts_is_honoured(flow):
    result = flow(
        "@retry(times=2, seconds_between_retries=0.3, backoff=2)",
        "if current.retry_count < 2: raise ValueError",
    )
    first, second, third = attempts(result.run["body"].task)
    assert second.created_at - first.finished_at >= timedelta(seconds=0.29)
    assert third.created_at - second.finished_at >= timedelta(seconds=0.59)


def test_others_go_on_while_one_waits(project):
    result = project.run(
        """
        import os

        class F(FlowSpec):
            @step
            def start(self):
                self.items = [0, 1, 2]
                self.next(self.body, foreach="items")

            @retry(times=1, seconds_between_retries=0.5)
            @step
            def body(self):
                if self.input == 0 and current.retry_count == 0:
                    raise ValueError
                self.others = sum(os.path.exists(str(n)) for n in (1, 2))
                open(str(self.input), "w").close()
                self.next(self.join)

            @step
            def join(self, inputs):
                self.others = inputs[0].others
                self.next(self.end)

            @step
            def end(self):
                pass
        """,
        "--max-workers",
        1,
    )
    # One worker: the others ran during the wait.
    assert result.data.others == 2


DEATHS = {
    "SIGKILL": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGSEGV": "import ctypes; ctypes.string_at(0)",
    "SIGABRT": "os.abort()",
    "exit status 3": "os._exit(3)",
    "exit status 0": "os._exit(0)",
}


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
@pytest.mark.parametrize("death", DEATHS)
def test_a_process_that_dies_is_tried_again(flow, death, isolation):
    result = flow(
        "@retry(times=1, minutes_between_retries=0)",
        f"if current.retry_count == 0:\n    {DEATHS[death]}\nself.x = 1",
        "--isolation",
        isolation,
    )
    task = result.run["body"].task
    first, second = attempts(task)
    assert (first.state, second.state, result.data.x) == ("lost", "succeeded", 1)
    assert death in first.reason
    assert first.stdout == "attempt 0\n"


@pytest.mark.parametrize("death", DEATHS)
def test_a_death_without_retry_fails_the_run_and_says_how(flow, death):
    result = flow("", DEATHS[death], code=1)
    task = result.run["body"].task
    assert task.state in ("failed", "lost")
    assert death in task.exception.exception
    assert death in result.err
    assert task.stdout == "attempt 0\n"


def test_catch_without_a_failure(flow):
    result = flow("@catch(var='failure')", "self.x = 1")
    assert (result.data.failure, result.data.x) == (None, 1)
    assert (result.run.state, result.run["body"].task.state) == ("succeeded", "succeeded")
    assert not hasattr(result.data, "_catch_exception")


def test_catch_keeps_the_exception_and_goes_on(flow, project):
    result = flow("@catch(var='failure')", "self.half = 1\nraise KeyError('lost key')")
    failure = result.data.failure
    assert type(failure).__name__ == "ExceptionWrapper"
    assert failure.exception == "'lost key'"
    assert failure.type.endswith("KeyError")
    assert f'flow.py", line {project.line_of("lost key")}' in failure.stacktrace
    assert "/falaj/" not in failure.stacktrace
    assert (result.data.half, result.data.before) == (1, "kept")
    task = result.run["body"].task
    assert (task.state, task.successful, task.exception) == ("tolerated", True, None)
    assert (result.run.state, result.run.successful) == ("tolerated", True)
    assert "tolerated" in result.out
    assert "KeyError" in task.stderr
    assert task["_catch_exception"].data == failure


def test_catch_may_keep_quiet(flow):
    result = flow("@catch(var='failure', print_exception=False)", "raise KeyError('lost key')")
    assert result.run["body"].task.stderr == ""


def test_catch_comes_after_the_last_retry(flow):
    result = flow(
        "@catch(var='failure')\n@retry(times=2, minutes_between_retries=0)",
        "raise ValueError(current.retry_count)",
    )
    task = result.run["body"].task
    assert result.data.failure.exception == "2"
    assert [one.state for one in attempts(task)] == ["failed", "failed", "tolerated"]
    assert result.run.state == "tolerated"


def test_catch_of_a_retry_that_works_is_none(flow):
    result = flow(
        "@retry(times=2, minutes_between_retries=0)\n@catch(var='failure')",
        "if current.retry_count == 0: raise ValueError",
    )
    assert (result.data.failure, result.run.state) == (None, "succeeded")


@pytest.mark.parametrize("retries", [0, 1])
def test_catch_after_a_process_that_died(flow, retries):
    result = flow(
        f"@catch(var='failure')\n@retry(times={retries}, minutes_between_retries=0)",
        "self.lost = 1\nos.kill(os.getpid(), signal.SIGKILL)",
    )
    assert result.run.state == "tolerated"
    assert result.data.failure.type.endswith("FailureHandledByCatch")
    assert "SIGKILL" in result.data.failure.exception
    assert result.data.before == "kept"
    assert "lost" not in result.data
    # What the process printed before it died is not lost with it.
    from falaj import Task

    task = result.run["body"].task
    assert Task(task.pathspec, attempt=retries).stdout == f"attempt {retries}\n"


def test_catch_of_a_process_that_died_in_a_join(project):
    result = project.run(
        """
        import os

        class F(FlowSpec):
            @step
            def start(self):
                self.items = [1, 2]
                self.next(self.body, foreach="items")

            @step
            def body(self):
                self.next(self.join)

            @catch(var="failure")
            @step
            def join(self, inputs):
                os.kill(os.getpid(), 9)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert "SIGKILL" in result.data.failure.exception


def test_catch_on_every_task_of_a_foreach_keeps_one_place_per_item(project, tasks_of):
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.items = range(5)
                self.next(self.body, foreach="items")

            @catch(var="failure", print_exception=False)
            @step
            def body(self):
                if self.input % 2:
                    raise ValueError(self.input)
                self.ok = self.input
                self.next(self.join)

            @step
            def join(self, inputs):
                self.all = [one.failure.exception if one.failure else one.ok for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert result.data.all == [0, "1", 2, "3", 4]
    assert result.run.state == "tolerated"
    states = [task.state for task in tasks_of(result.run, "body")]
    assert states == ["succeeded", "tolerated", "succeeded", "tolerated", "succeeded"]
    assert "2 failures were tolerated" in result.out


def test_catch_of_an_artifact_that_cannot_be_pickled(flow):
    result = flow("@catch(var='failure')", "self.bad = lambda: 1\nself.good = 1")
    assert result.data.failure.type.endswith("UnpicklableArtifactException")
    assert (result.data.good, "bad" in result.data) == (1, False)


def test_catch_of_sys_exit(flow):
    result = flow("@catch(var='failure')", "sys.exit('enough')")
    assert "enough" in result.data.failure.exception


def test_catch_on_the_end_step(project):
    result = project.run(
        """
        class F(FlowSpec):
            @catch(var="failure")
            @step
            def only(self):
                1 / 0
        """
    )
    assert result.run.state == "tolerated"
    assert result.data.failure.type == "ZeroDivisionError"


def test_catch_on_the_opener_of_a_foreach_is_refused(project):
    result = project.fail(
        """
        class F(FlowSpec):
            @catch
            @step
            def start(self):
                self.items = [1]
                self.next(self.body, foreach="items")

            @step
            def body(self):
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert "catch" in result.err
    assert "start" in result.err


def test_catch_on_a_branching_step_goes_into_all_branches(project):
    result = project.run(
        """
        class F(FlowSpec):
            @catch(var="failure")
            @step
            def start(self):
                raise ValueError("in start")
                self.next(self.a, self.b)

            @step
            def a(self):
                self.next(self.join)

            @step
            def b(self):
                self.next(self.join)

            @step
            def join(self, inputs):
                self.seen = [one.failure.exception for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert result.data.seen == ["in start", "in start"]


def test_retry_from_outside(flow):
    body = "if current.retry_count < 4: raise ValueError"
    outside = "retry:times=4,minutes_between_retries=0"
    result = flow("", body, "--with", outside)
    assert result.run["body"].task.current_attempt == 4
    # The step's own decorator holds.
    result = flow("@retry(times=1, minutes_between_retries=0)", body, "--with", outside, code=1)
    assert result.run["body"].task.current_attempt == 1


def test_catch_from_outside(flow):
    result = flow("", "raise ValueError", "--with", "catch:var=failure")
    assert result.run.state == "tolerated"
    assert result.data.failure is None  # `end` itself was fine, and has the same decorator.
    assert result.run["body"].task.data.failure.type == "ValueError"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("retri", "retry"),
        ("retry:time=4", "times"),
        ("retry:times=many", "times"),
        ("timeout", "duration"),
    ],
)
def test_a_wrong_decorator_from_outside(flow, spec, says):
    result = flow("", "pass", "--with", spec, code=None)
    assert result.code in (1, 2)
    assert says in result.err
    assert "Traceback" not in result.err


def test_a_new_attempt_starts_from_a_fresh_process(flow):
    result = flow(
        "@retry(times=1, minutes_between_retries=0)",
        """
SEEN.append(os.getpid())
self.count = len(SEEN)
if current.retry_count == 0:
    raise ValueError
""",
        imports="SEEN = []",
    )
    assert result.data.count == 1
