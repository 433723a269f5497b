"""@timeout, @environment and @resources."""

from pathlib import Path

import pytest

ONE = """
import ctypes, os, re, signal, subprocess, sys, threading, time
from falaj.errors import TimeoutException

class F(FlowSpec):
{decorators}
    @step
    def start(self):
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""
QUICK = {"FALAJ_TIMEOUT_GRACE": "0.3"}


@pytest.fixture
def flow(project):
    """Return a function that runs a decorated start and end."""

    def run(decorators, body, *arguments, **options):
        def indented(text, by):
            return "\n".join(" " * by + line for line in text.strip("\n").split("\n"))

        source = ONE.replace("{decorators}", indented(decorators, 4))
        return project.run(source.replace("{body}", indented(body, 8)), *arguments, **options)

    return run


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_timeout_is_an_exception_in_the_step(flow, project, isolation):
    result = flow("@timeout(seconds=0.3)", "time.sleep(600)", "--isolation", isolation, code=1)
    exception = result.run["start"].task.exception
    assert exception.type == "TimeoutException"
    assert "0.3 seconds" in exception.exception
    assert exception.location == f"{project.path}:{project.line_of('sleep(600)')}"


def test_a_timeout_can_be_caught_in_the_step(flow):
    data = flow(
        "@timeout(seconds=0.3)",
        """
try:
    time.sleep(600)
except TimeoutException as error:
    self.text = str(error)
""",
    ).data
    assert "0.3 seconds" in data.text


def test_a_timeout_is_subject_to_retry_and_catch(flow):
    result = flow(
        "@timeout(seconds=0.2)\n@retry(times=1, minutes_between_retries=0)\n@catch(var='failure')",
        "time.sleep(600)",
    )
    assert result.data.failure.type == "TimeoutException"
    assert result.run["start"].task.current_attempt == 1
    assert result.run.state == "tolerated"


def test_a_step_within_its_time(flow):
    assert flow("@timeout(minutes=1, seconds=30)", "self.x = 1").data.x == 1


STUBBORN = {
    "libc pause with all signals blocked": """
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
ctypes.PyDLL(None).pause()
""",
    "libc sleep without the GIL": """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
libc = ctypes.CDLL(None)
while True:
    try:
        libc.sleep(600)
    except BaseException:
        pass
""",
    "a regular expression": """
re.match(r"(a+)+$", "a" * 60 + "b")
""",
    "a handler that swallows it": """
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass
""",
    "a stopped process": """
os.kill(os.getpid(), signal.SIGSTOP)
""",
}


@pytest.mark.parametrize("way", STUBBORN)
def test_a_timeout_ends_what_does_not_listen(flow, is_alive, project, way):
    result = flow(
        "@timeout(seconds=0.2)",
        'Path = open("pid", "w"); Path.write(str(os.getpid())); Path.close()' + STUBBORN[way],
        code=1,
        env=QUICK,
    )
    task = result.run["start"].task
    assert task.exception.type == "TimeoutException"
    assert task.finished
    assert not is_alive(int((project.folder / "pid").read_text()))


def test_catch_after_a_timeout_that_was_enforced(flow):
    result = flow(
        "@timeout(seconds=0.2)\n@catch(var='failure')",
        STUBBORN["libc pause with all signals blocked"],
        env=QUICK,
    )
    assert result.run.state == "tolerated"
    assert "timeout" in result.data.failure.exception


def test_a_timeout_ends_grandchildren_also_those_of_another_session(flow, is_alive, project, until):
    result = flow(
        "@timeout(seconds=1)",
        """
child = "import os, time; open('pids', 'a').write('%d\\\\n' % os.getpid()); time.sleep(600)"
nest = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
subprocess.Popen([sys.executable, "-c", nest, child])
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
while True:
    try:
        ctypes.CDLL(None).sleep(600)
    except BaseException:
        pass
""",
        code=1,
        env=QUICK,
    )
    assert result.run["start"].task.finished
    pids = [int(pid) for pid in (project.folder / "pids").read_text().split()]
    assert len(pids) == 2
    until(lambda: not any(map(is_alive, pids)), seconds=10)


def test_a_timeout_does_not_outlive_the_step_body(flow):
    # The thread that the step left is waited for; it is not the body's time.
    data = flow("@timeout(seconds=5)", "self.x = 1\nsignal.alarm(0)").data
    assert data.x == 1


ENVIRONMENT = """
import os

AT_IMPORT = os.environ.get("FLOW_SETTING", "unset")

class F(FlowSpec):
    @step
    def start(self):
        self.seen = [AT_IMPORT, os.environ.get("FLOW_SETTING")]
        self.next(self.a, self.b)

    @environment(vars={"FLOW_SETTING": "a", "NUMBER": 5, "FLAG": True, "EMPTY": ""})
    @step
    def a(self):
        self.mine = [AT_IMPORT] + [os.environ.get(n) for n in ("FLOW_SETTING", "NUMBER", "FLAG",
            "EMPTY")]
        self.child = os.popen("echo $FLOW_SETTING").read().strip()
        self.next(self.join)

    @environment(vars={"FLOW_SETTING": "b"})
    @step
    def b(self):
        self.mine = [AT_IMPORT, os.environ.get("FLOW_SETTING"), os.environ.get("NUMBER")]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["seen"])
        self.a, self.child, self.b = inputs.a.mine, inputs.a.child, inputs.b.mine
        self.after = os.environ.get("FLOW_SETTING")
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_environment_variables_are_there_when_the_flow_is_imported(project, isolation):
    source = ENVIRONMENT.replace("self.a, self.child, self.b", "self.of_a, self.child, self.of_b")
    data = project.run(source, "--isolation", isolation, env={"FLOW_SETTING": "outside"}).data
    assert data.seen == ["outside", "outside"]
    assert data.of_a == ["a", "a", "5", "True", ""]
    assert data.child == "a"
    assert data.of_b == ["b", "b", None]
    assert data.after == "outside"


def test_environment_and_a_foreach_share_one_host(project):
    data = project.run(
        """
        import os

        open("imports", "a").write(os.environ.get("SPECIAL", "no") + " ")

        class F(FlowSpec):
            @step
            def start(self):
                self.items = range(4)
                self.next(self.body, foreach="items")

            @environment(vars={"SPECIAL": "yes"})
            @step
            def body(self):
                self.seen = os.environ["SPECIAL"]
                self.next(self.join)

            @step
            def join(self, inputs):
                self.all = [one.seen for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    ).data
    assert data.all == ["yes"] * 4
    assert (project.folder / "imports").read_text().split() == ["no", "yes"]


def test_an_import_that_fails_under_the_variables_is_the_users_error(project):
    result = project.fail(
        """
        import os

        if os.environ.get("BREAK"):
            raise RuntimeError("not with BREAK")

        class F(FlowSpec):
            @environment(vars={"BREAK": "1"})
            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert "not with BREAK" in result.err
    assert result.run["start"].task.state == "failed"


def test_environment_from_outside(flow):
    data = flow("", "self.x = os.environ['SET']", "--with", 'environment:vars={"SET": "x"}').data
    assert data.x == "x"


RESOURCES = """
import time

class F(FlowSpec):
    @step
    def start(self):
        self.items = range({width})
        self.next(self.body, foreach="items")

    @resources({asked})
    @step
    def body(self):
        began = time.monotonic()
        time.sleep(0.05)
        self.interval = (began, time.monotonic())
        self.next(self.join)

    @step
    def join(self, inputs):
        self.intervals = [one.interval for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def most_at_once(intervals):
    """Return how many of the intervals overlap at most."""
    edges = sorted([(began, 1) for began, _ in intervals] + [(ended, -1) for _, ended in intervals])
    most = now = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most


@pytest.mark.parametrize(
    ("asked", "env", "bound"),
    [
        ("cpu=2", {"FALAJ_LOCAL_CPU": "4"}, 2),
        ("cpu=1", {"FALAJ_LOCAL_CPU": "1"}, 1),
        ("cpu=0.5", {"FALAJ_LOCAL_CPU": "1"}, 2),
        ("memory=400", {"FALAJ_LOCAL_MEMORY": "1000"}, 2),
        ("gpu=1", {"FALAJ_LOCAL_GPU": "1"}, 1),
    ],
)
def test_resources_bound_how_many_run_at_once(project, asked, env, bound):
    source = RESOURCES.replace("{width}", "7").replace("{asked}", asked)
    intervals = project.run(source, env=env).data.intervals
    assert len(intervals) == 7
    assert most_at_once(intervals) <= bound


def test_resources_let_as_many_run_at_once_as_fit(project):
    data = project.run(
        """
        import os, time

        class F(FlowSpec):
            @step
            def start(self):
                self.items = range(3)
                self.next(self.body, foreach="items")

            @resources(cpu=1)
            @step
            def body(self):
                open("here%d" % self.index, "w").close()
                limit = time.monotonic() + 20
                while time.monotonic() < limit and not all(
                    os.path.exists("here%d" % n) for n in range(3)
                ):
                    time.sleep(0.005)
                self.met = time.monotonic() < limit
                self.next(self.join)

            @step
            def join(self, inputs):
                self.met = [one.met for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """,
        env={"FALAJ_LOCAL_CPU": "3"},
    ).data
    assert data.met == [True] * 3


def test_steps_that_ask_for_nothing_pass_those_that_wait(project):
    data = project.run(
        """
        import os, time

        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.big, self.bigger, self.small)

            @resources(cpu=2)
            @step
            def big(self):
                limit = time.monotonic() + 20
                while not os.path.exists("small") and time.monotonic() < limit:
                    time.sleep(0.005)
                self.met = os.path.exists("small")
                self.next(self.join)

            @resources(cpu=2)
            @step
            def bigger(self):
                self.met = True
                self.next(self.join)

            @step
            def small(self):
                open("small", "w").close()
                self.met = True
                self.next(self.join)

            @step
            def join(self, inputs):
                self.met = [one.met for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """,
        env={"FALAJ_LOCAL_CPU": "2"},
    ).data
    assert data.met == [True] * 3


@pytest.mark.parametrize(
    ("asked", "unit"),
    [
        ("cpu=100000", "processors"),
        ("memory=10**12", "MB of memory"),
        ("gpu=1000", "GPUs"),
        ("disk=10**12", "MB of disk"),
    ],
)
def test_a_request_that_this_machine_cannot_meet(project, asked, unit):
    result = project.fail(RESOURCES.replace("{width}", "2").replace("{asked}", asked))
    assert unit in result.err
    assert "body" in result.err
    assert "flow.py:" in result.err
    assert "Traceback" not in result.err
    assert not Path(project.home / "logs").exists()


def test_resources_from_outside_that_cannot_be_met(flow):
    result = flow("", "pass", "--with", "resources:cpu=100000", code=1)
    assert "processors" in result.err


def test_max_workers_bounds_what_runs_at_once(project):
    source = RESOURCES.replace("{width}", "6").replace("{asked}", "cpu=1")
    intervals = project.run(source, "--max-workers", 2, env={"FALAJ_LOCAL_CPU": "9"}).data.intervals
    assert most_at_once(intervals) <= 2
