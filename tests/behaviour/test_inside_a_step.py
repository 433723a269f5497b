"""What a step can ask and do: `current`, the client, random numbers, threads, exit handlers."""

import os

import pytest

ONE = """
import atexit, os, random, sys, threading, time
{imports}

class F(FlowSpec):
    alpha = Parameter("alpha", default=1)
    unit = "kg"

    @step
    def start(self):
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def inside(project):
    """Return a function that runs a body in a step."""

    def run(body, *arguments, imports="", **options):
        indented = "\n".join(" " * 8 + line for line in body.strip("\n").split("\n"))
        source = ONE.replace("{body}", indented).replace("{imports}", imports)
        return project.run(source, *arguments, **options)

    return run


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_current_knows_the_task(inside, isolation):
    result = inside(
        """
self.names = {name: current.get(name) for name in ("flow_name", "run_id", "step_name", "task_id",
    "pathspec", "retry_count", "origin_run_id", "namespace", "username", "is_running_flow")}
self.there = ("run_id" in current, "card" in current, current.get("card", "none"))
self.parameters = list(current.parameter_names)
self.tags = sorted(current.tags)
try:
    current.nothing
except AttributeError as error:
    self.text = str(error)
try:
    current.run_id = 5
except AttributeError:
    self.fixed = True
""",
        "--tag",
        "t1",
        "--isolation",
        isolation,
        env={"FALAJ_USER": "ada"},
    )
    task = result.run["start"].task
    assert result.data.names == {
        "flow_name": "F",
        "run_id": result.run.id,
        "step_name": "start",
        "task_id": task.id,
        "pathspec": task.pathspec,
        "retry_count": 0,
        "origin_run_id": None,
        "namespace": "user:ada",
        "username": "ada",
        "is_running_flow": True,
    }
    assert result.data.there == (True, False, "none")
    assert result.data.parameters == ["alpha"]
    assert "t1" in result.data.tags
    assert "nothing" in result.data.text
    assert result.data.fixed is True


def test_current_outside_of_a_flow():
    from falaj import current

    assert current.is_running_flow is False
    with pytest.raises(AttributeError, match="no flow is running"):
        _ = current.run_id
    with pytest.raises(RuntimeError, match="not available"):
        _ = current.graph
    names = ("is_running_flow", "tempdir", "graph", "run_id", "run", "trigger", "project_name")
    assert [name in current for name in names] == [True, True] + [False] * 5
    assert (current.get("graph", "none"), current.get("run_id", 5)) == ("none", 5)
    assert {"run_id", "task", "is_running_flow", "log_metric"} <= {*dir(current)}
    assert os.path.isdir(current.tempdir)


def test_current_tells_the_graph(inside):
    graph = inside(
        """
self.graph, self.again = current.graph, current.graph_info
self.there = [name in current for name in ("graph", "graph_info", "run", "origin_run_id", "tags")]
"""
    ).data
    assert graph.graph == graph.again
    assert graph.graph["graph_structure"] == ["start", "end"]
    assert graph.graph["steps"]["start"]["next"] == ["end"]
    assert graph.graph["constants"] == [{"name": "unit", "type": "str"}]
    assert {"name": "alpha", "type": "Parameter"} in graph.graph["parameters"]
    assert [graph.graph[name] for name in ("start_step", "end_step", "file")] == [
        "start",
        "end",
        "flow.py",
    ]
    assert graph.there == [True, True, True, False, True]


def test_the_client_reads_the_running_run_and_earlier_ones(inside):
    body = """
self.mine = current.run.pathspec
self.state = (current.run.state, current.run.finished, current.task.state)
earlier = [run for run in Flow("F") if run.id != current.run_id]
self.earlier = [(run.id, run.data.mine) for run in earlier if run.successful]
self.latest = getattr(Flow("F").latest_successful_run, "id", None)
"""
    first = inside(body)
    assert first.data.mine == first.run.pathspec
    assert first.data.state == ("running", False, "running")
    assert (first.data.earlier, first.data.latest) == ([], None)
    second = inside(body)
    assert second.data.earlier == [("1", "F/1")]
    assert second.data.latest == "1"


def test_a_step_finds_itself_by_its_path(project):
    done = project.run(
        """
        from falaj import Step, Task
        from falaj.errors import FalajNotFound

        class F(FlowSpec):
            @step
            def start(self):
                run = Task(current.pathspec).parent.parent
                run.add_tag("seen")
                self.found = [run.pathspec, Step("F/1/start").pathspec, "seen" in run.user_tags]
                self.next(self.other)

            @step
            def other(self):
                found = Step("F/%s/other" % current.run_id).task
                self.same = found.pathspec == current.pathspec
                self.next(self.end)

            @step
            def end(self):
                try:
                    Task("F/1/end/99")
                except FalajNotFound:
                    self.missing = True
        """
    )
    assert done.data.found == ["F/1", "F/1/start", True]
    assert (done.data.same, done.data.missing) == (True, True)


def test_a_step_knows_its_own_run_in_any_namespace(inside):
    body = """
mine = (current.run, current.task)
namespace("user:cleo")
self.seen = [one.pathspec for one in (*mine, current.run, current.task)]
self.sibling = current.run["start"].task.id == current.task_id
"""
    done = inside(body, "--namespace", "user:bob", env={"FALAJ_USER": "ada"})
    task = done.run["start"].task.pathspec
    assert done.data.seen == [done.run.pathspec, task] * 2
    assert done.data.sibling is True


def test_a_step_reads_what_the_steps_before_it_left_through_the_client(project):
    data = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                print("said before")
                self.x = 5
                self.next(self.end)

            @step
            def end(self):
                before = Run("F/" + current.run_id)["start"].task
                self.seen = (before.data.x, before.stdout, before.successful)
        """
    ).data
    assert data.seen == (5, "said before\n", True)


def test_namespaces_and_tags(inside):
    from falaj import Flow, Run, get_namespace, namespace
    from falaj.errors import FalajNamespaceMismatch

    env = {"FALAJ_USER": "ada"}
    run = inside("self.seen = get_namespace()", "--tag", "one", "--tag", "zwei ß", env=env).run
    assert run.data.seen == "user:ada"
    assert run.user_tags == {"one", "zwei ß"}
    assert "user:ada" in run.system_tags
    body = "self.seen = (get_namespace(), current.namespace)"
    other = inside(body, "--namespace", "user:bob", env=env).run
    assert other.data.seen == ("user:bob", "user:bob")
    assert "user:ada" in other.system_tags
    free = inside(body, "--namespace=", env=env).run
    assert free.data.seen == (None, None)
    assert [one.id for one in Flow("F").runs("one")] == [run.id]
    namespace("user:ada")
    assert len(list(Flow("F"))) == 3
    namespace("user:bob")
    assert get_namespace() == "user:bob"
    with pytest.raises(FalajNamespaceMismatch):
        Run(run.pathspec)
    namespace(None)


def test_the_run_id_file_is_there_before_the_first_task(inside, project):
    path = project.folder / "the id"
    result = inside("self.seen = open('the id').read()", "--run-id-file", path)
    assert path.read_text() == result.data.seen == result.run.id


def test_seeds_differ_between_tasks(project):
    source = """
    import random
    import numpy

    random.seed(7)
    numpy.random.seed(7)

    class F(FlowSpec):
        @step
        def start(self):
            self.items = range(6)
            self.next(self.body, foreach="items")

        @step
        def body(self):
            self.own = (random.random(), float(numpy.random.random()))
            random.seed(3)
            self.seeded = random.random()
            self.next(self.join)

        @step
        def join(self, inputs):
            self.own = [one.own for one in inputs]
            self.seeded = {one.seeded for one in inputs}
            self.next(self.end)

        @step
        def end(self):
            pass
    """
    data = project.run(source).data
    assert len({one for one, _ in data.own}) == 6
    assert len({other for _, other in data.own}) == 6
    assert len(data.seeded) == 1


FEATURES = """
import collections, os

TABLE = {n: n * n for n in range(10)}

class Point:
    def __init__(self, x):
        self.x = x

class F(FlowSpec):
    alpha = Parameter("alpha", default=2)
    CONSTANT = (1, 2)

    @step
    def start(self):
        self.items = ["a", "b"]
        self.point = Point(3)
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.out = (self.index, self.input * self.alpha, TABLE[self.index + 2], self.point.x)
        self.where = (__name__, os.path.basename(__file__), Point.__module__)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.all = [one.out for one in inputs]
        self.merge_artifacts(inputs, include=["where"])
        self.counted = collections.Counter("aab")
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_spawn_and_fork_leave_the_same(project):
    seen = []
    for isolation in ("fork", "spawn"):
        data = project.run(FEATURES, "--isolation", isolation, "--alpha", 3).data
        seen.append((data.all, data.counted, data.CONSTANT, data.alpha, data.where))
    assert seen[0] == seen[1]
    assert seen[0][0] == [(0, "aaa", 4, 3), (1, "bbb", 9, 3)]
    assert seen[0][4] == ("__main__", "flow.py", "__main__")


THREADS = """
import queue
waiting = queue.Queue()
lock = threading.Lock()
done = threading.Event()

def work():
    while True:
        with lock:
            time.sleep(0.001)

threading.Thread(target=work, daemon=True, name="busy").start()
"""


@pytest.mark.parametrize("isolation", ["auto", "spawn"])
def test_a_thread_started_at_import_hangs_nothing(inside, isolation):
    result = inside(
        "self.x = lock.acquire(timeout=30)", "--isolation", isolation, imports=THREADS, timeout=90
    )
    assert result.data.x is True
    if isolation == "auto":
        # It says what it does and why.
        assert "busy" in result.out


def test_a_thread_started_at_import_under_fork(inside):
    result = inside("self.x = 1", "--isolation", "fork", imports=THREADS, timeout=90)
    assert result.data.x == 1


def test_threads_of_a_step_are_waited_for(inside, project):
    inside(
        """
def late():
    time.sleep(0.2)
    open("late", "w").close()
    print("from the thread")
threading.Thread(target=late).start()
"""
    )
    assert (project.folder / "late").exists()


def test_a_step_may_be_the_first_to_import_threads(project):
    # Nothing that this flow imports has done so.
    data = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                import concurrent.futures

                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    self.x = list(pool.map(abs, [-1, 2]))
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    ).data
    assert data.x == [1, 2]


def test_what_a_thread_prints_late_is_in_the_log(inside):
    result = inside(
        "threading.Thread(target=lambda: (time.sleep(0.1), print('late words'))).start()"
    )
    assert result.run["start"].task.stdout == "late words\n"


def test_exit_handlers_of_a_step_run_and_those_of_the_import_do_not(inside, project):
    imports = "atexit.register(lambda: open('at-import', 'a').write(str(os.getpid()) + ' '))"
    result = inside(
        """
atexit.register(lambda: (print("bye"), open("at-exit", "w").close()))
self.pid = os.getpid()
""",
        imports=imports,
    )
    assert (project.folder / "at-exit").exists()
    assert result.run["start"].task.stdout == "bye\n"
    assert str(result.data.pid) not in (project.folder / "at-import").read_text().split()


def test_multiprocessing_works_in_a_step(inside):
    data = inside(
        """
with multiprocessing.get_context("fork").Pool(2) as pool:
    self.x = pool.map(abs, [-1, -2, -3])
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    self.y = list(pool.map(abs, [-4, 5]))
""",
        imports="import multiprocessing, concurrent.futures",
    ).data
    assert (data.x, data.y) == ([1, 2, 3], [4, 5])


def test_processes_that_a_step_leaves_behind_are_ended(inside, until, is_alive, project):
    inside(
        """
import subprocess
child = subprocess.Popen(["sleep", "600"])
other = subprocess.Popen(["sleep", "600"], start_new_session=True)
open("pids", "w").write("%d %d" % (child.pid, other.pid))
"""
    )
    pids = [int(pid) for pid in (project.folder / "pids").read_text().split()]
    until(lambda: not any(map(is_alive, pids)), seconds=10)


def test_a_task_has_no_standard_input(inside):
    assert inside("self.x = sys.stdin.read()").data.x == ""


def test_warnings_and_logging_reach_the_log(inside):
    result = inside(
        "logging.getLogger('mine').warning('watch out')",
        imports="import logging\nlogging.basicConfig(level=logging.INFO)",
    )
    assert "watch out" in result.run["start"].task.stderr
