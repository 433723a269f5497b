"""What a failure looks like: the user's traceback first, one way on, everything ended."""

import signal

import pytest

ONE = """
import os, sys, threading
{imports}

class F(FlowSpec):
    @step
    def start(self):
        self.before = 1
        self.next(self.body)

    @step
    def body(self):
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def fail(project, everything_ended):
    """Return a function that runs a body that has to fail."""

    def run(body, *arguments, imports="", **options):
        indented = "\n".join(" " * 8 + line for line in body.strip("\n").split("\n"))
        source = ONE.replace("{body}", indented).replace("{imports}", imports)
        result = project.fail(source, *arguments, **options)
        everything_ended(result.run)
        return result

    return run


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_the_users_traceback_comes_first_and_ours_never(fail, project, isolation):
    result = fail(
        "helper(0)",
        "--isolation",
        isolation,
        imports="def helper(n):\n    return 1 / n",
    )
    lines = result.err.splitlines()
    # After the line that says what is executed.
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[2].strip() == (
        f'File "{project.path}", line {project.line_of("helper(0)")}, in body'
    )
    assert lines[3].strip() == "helper(0)"
    assert "ZeroDivisionError: division by zero" in lines
    assert "/falaj/" not in result.err
    assert "falaj_control" not in result.err
    run = result.run.id
    assert f"resume --origin-run-id {run}" in lines[-1]
    assert "body" in lines[-2]
    exception = result.run["body"].task.exception
    assert (exception.type, exception.exception) == ("ZeroDivisionError", "division by zero")
    assert exception.location == f"{project.path}:{project.line_of('return 1 / n')}"


def test_the_command_that_is_printed_resumes(fail, project):
    result = fail("1 / 0")
    command = result.err.splitlines()[-1].partition(": ")[2].split()
    assert command[1].endswith("flow.py")
    text = project.path.read_text().replace("1 / 0", "pass")
    project.path.write_text(text)
    assert project.command(*command[2:]).run.successful


def test_causes_and_chains_are_shown(fail):
    result = fail(
        """
try:
    {}["absent"]
except KeyError as error:
    raise RuntimeError("while looking") from error
"""
    )
    assert "KeyError: 'absent'" in result.err
    assert "direct cause" in result.err
    assert "RuntimeError: while looking" in result.err
    assert "/falaj/" not in result.err


@pytest.mark.parametrize(
    ("body", "kind", "says"),
    [
        ("sys.exit(3)", "StepExit", "sys.exit(3)"),
        ("sys.exit()", "StepExit", "sys.exit()"),
        ("sys.exit('a reason')", "StepExit", "a reason"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise GeneratorExit('odd')", "GeneratorExit", "odd"),
        ("raise Odd('own base')", "Odd", "own base"),
        ("os._exit(9)", "TaskProcessDied", "exit status 9"),
    ],
)
def test_other_ways_to_leave_a_step(fail, body, kind, says):
    result = fail(body, imports="class Odd(BaseException):\n    pass")
    exception = result.run["body"].task.exception
    assert exception.type.endswith(kind)
    assert says in exception.exception
    assert says in result.err
    assert "/falaj/" not in result.err
    # A process that left by itself could keep nothing.
    assert kind == "TaskProcessDied" or result.run["body"].task.data.before == 1


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("'\\udc80 lone'", "\\udc80 lone"),
        ("'größe 🐫'", "größe 🐫"),
        ("'null \\0 byte'", "null \0 byte"),
        ("b'bytes'", "b'bytes'"),
        ("'two\\nlines'", "two\nlines"),
        ("''", ""),
    ],
)
def test_messages_of_every_kind(fail, value, shown):
    result = fail(f"raise ValueError({value})")
    assert result.run["body"].task.exception.exception == shown


def test_a_huge_message(fail):
    result = fail("raise ValueError('x' * 5_000_000)")
    exception = result.run["body"].task.exception
    assert exception.type == "ValueError"
    assert exception.exception.startswith("xxx")
    assert "resume --origin-run-id" in result.err


def test_a_very_deep_recursion(fail):
    result = fail("dive()", imports="def dive():\n    dive()")
    assert result.run["body"].task.exception.type == "RecursionError"
    assert len(result.err) < 100_000


@pytest.mark.parametrize(
    "made",
    [
        "class Bad(Exception):\n    def __init__(self):\n        self.lock = threading.Lock()",
        "class Bad(Exception):\n    def __str__(self):\n        raise ValueError('no text')",
        "class Bad(Exception):\n    def __repr__(self):\n        1 / 0\n    __str__ = __repr__",
        "class Bad(Exception):\n    def __reduce__(self):\n        1 / 0",
    ],
)
def test_an_exception_that_cannot_be_pickled_or_shown(fail, made):
    result = fail("raise Bad()", imports=made)
    assert result.run["body"].task.exception.type.endswith("Bad")
    assert "Bad" in result.err
    assert "/falaj/" not in result.err


def test_an_exception_group(fail):
    result = fail("raise ExceptionGroup('several', [ValueError(1), KeyError('k')])")
    assert "several" in result.run["body"].task.exception.exception
    assert "KeyError: 'k'" in result.err
    assert "/falaj/" not in result.err


def test_a_syntax_error_in_what_a_step_compiles(fail):
    result = fail("compile('a b', 'made.py', 'exec')")
    assert "SyntaxError" in result.err


WRONG_NEXT = """
class F(FlowSpec):
    @step
    def start(self):
        {before}
        self.next(self.a)

    @step
    def a(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_self_next_that_was_not_reached(project, everything_ended):
    result = project.fail(WRONG_NEXT.replace("{before}", "return"))
    exception = result.run["start"].task.exception
    assert exception.type == "InvalidNextException"
    assert "self.next()" in exception.exception
    assert "start" in exception.exception
    everything_ended(result.run)


@pytest.mark.parametrize(
    "before",
    ["getattr(self, 'next')(self.end); return", "n = self.next; n(self.end); return"],
)
def test_another_transition_than_the_source_says(project, before):
    result = project.fail(WRONG_NEXT.replace("{before}", before))
    exception = result.run["start"].task.exception
    assert exception.type == "InvalidNextException"
    assert "self.end" in exception.exception
    assert "self.a" in exception.exception


def test_self_next_called_twice(project):
    result = project.fail(WRONG_NEXT.replace("{before}", "n = self.next; n(self.a)"))
    assert "second time" in result.run["start"].task.exception.exception


def test_a_flow_that_does_not_pass_the_checks_starts_nothing(project):
    result = project.fail(WRONG_NEXT.replace("{before}", "pass").replace("self.a)", "self.aa)"))
    assert "aa" in result.err
    assert "Did you mean" in result.err or "`a`" in result.err
    assert f"flow.py:{project.line_of('self.aa')}" in result.err
    assert not (project.home / "logs").exists()


def test_an_error_while_the_flow_is_imported(project):
    result = project.run("import nowhere_at_all\n\nclass F(FlowSpec):\n    pass", code=1)
    assert "nowhere_at_all" in result.err
    assert "/falaj/" not in result.err


BRANCHES = """
import os, signal, subprocess, sys, time

class F(FlowSpec):
    @step
    def start(self):
        self.next(self.bad, self.slow, self.good)

    @step
    def bad(self):
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not (os.path.exists("pids") and os.path.exists("good")):
            time.sleep(0.005)
        raise ValueError("bad luck")
        self.next(self.join)

    @step
    def slow(self):
        {stubborn}
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open("pids.new", "w") as file:
            file.write("%d %d" % (os.getpid(), child.pid))
        os.rename("pids.new", "pids")
        time.sleep(600)
        self.next(self.join)

    @step
    def good(self):
        self.x = 1
        open("good", "w").close()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.mark.parametrize(
    "stubborn", ["pass", "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))"]
)
@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_what_else_runs_is_stopped_and_says_why(
    project, everything_ended, is_alive, until, stubborn, isolation
):
    result = project.fail(BRANCHES.replace("{stubborn}", stubborn), "--isolation", isolation)
    run = result.run
    pids = [int(pid) for pid in (project.folder / "pids").read_text().split()]
    until(lambda: not any(map(is_alive, pids)), seconds=10)
    everything_ended(run)
    bad, slow, good = (run[name].task for name in ("bad", "slow", "good"))
    assert (run.state, bad.state, slow.state) == ("failed", "failed", "cancelled")
    assert good.state in ("succeeded", "cancelled")
    assert "bad luck" in run.reason
    assert "bad" in slow.reason
    assert slow._facts.record.cause == int(bad.id) == run._facts.record.cause
    assert {step.id for step in run} == {"start", "bad", "slow", "good"}
    steps = {record.name: record for record in run._access.reader.steps(int(run.id))}
    assert steps["join"].state == steps["end"].state == "not_reached"
    assert steps["join"].cause == int(bad.id)
    assert "bad luck" in result.err


def test_tasks_that_were_ready_end_as_not_started(project, everything_ended, tasks_of):
    result = project.fail(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.items = range(10)
                self.next(self.body, foreach="items")

            @step
            def body(self):
                if self.input == 3:
                    raise ValueError("the third")
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass
        """,
        "--max-workers",
        1,
    )
    everything_ended(result.run)
    states = [task.state for task in tasks_of(result.run, "body")]
    assert states == ["succeeded"] * 3 + ["failed"] + ["cancelled"] * 6
    assert "body[3]" in result.run.reason
    last = tasks_of(result.run, "body")[-1]
    assert "not started" in last.reason
    assert last.exception is not None


def test_the_failing_tasks_value_is_named(project):
    result = project.fail(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.cities = ["Muscat", "Nizwa"]
                self.next(self.body, foreach="cities")

            @step
            def body(self):
                if self.input == "Nizwa":
                    raise ValueError("no water")
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert "cities=Nizwa" in result.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_person_stops_a_run(project, everything_ended, is_alive, until, number):
    project.write(BRANCHES.replace("{stubborn}", "pass").replace("raise ValueError", "str"))
    # Nobody writes `good` but the step itself; `bad` then goes on to the join, which waits.
    process = project.start("run")
    until((project.folder / "pids").exists)
    process.send_signal(number)
    output = process.communicate(timeout=30)[0]
    assert process.returncode == 130
    from falaj import Flow

    run = Flow("F").latest_run
    assert run.state == "cancelled"
    everything_ended(run)
    assert number.name in run.reason
    assert "resume" in output
    pids = [int(pid) for pid in (project.folder / "pids").read_text().split()]
    until(lambda: not any(map(is_alive, pids)), seconds=10)


def test_quiet_shows_the_failure_alone(fail):
    result = fail("print('chatter'); 1 / 0", "--quiet")
    assert "chatter" not in result.out
    assert "ZeroDivisionError" in result.err


def test_values_of_the_failing_line_are_shown_on_request(fail):
    body = """
class Bad:
    def __repr__(self):
        raise RuntimeError("no repr")
self.rates = {"a": 1}
key, bad, long = "b", Bad(), "x" * 10_000
print(self.rates[key], bad, long, self.absent)
"""
    shown = fail(body, "--show-values").err
    assert "Values on that line:\n    self.rates = {'a': 1}\n    key = 'b'\n" in shown
    assert "long = 'xxx" in shown
    assert "x" * 200 not in shown
    assert "no repr" not in shown
    assert "self.absent" not in shown.partition("Values on that line:")[2]
    assert "Values on that line" not in fail(body).err
