"""`spin`: one step once more, on the inputs of an earlier task, beside the runs."""

import os
import pickle
import signal
import subprocess
import sys

import pytest

from falaj import (
    DataArtifact,
    Falaj,
    Flow,
    Run,
    Task,
    default_metadata,
    get_metadata,
    inspect_spin,
    metadata,
)
from falaj.cards import get_cards
from falaj.client.homes import HomeNotFound
from falaj.errors import FalajNotFound

FLOW = """
import os

class F(FlowSpec):
    size = Parameter("size", default=3)
    scale = 10

    @step
    def start(self):
        self.items = list(range(self.size))
        self.base = "base"
        self.next(self.work, foreach="items")

    @retry(times=0)
    @step
    def work(self):
        if self.input == 2 and not os.path.exists("mended"):
            raise ValueError("two is broken")
        print("worked on", self.input, "at", self.index, "of", self.foreach_stack()[0][1])
        self.doubled = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, exclude=["doubled"])
        self.all = [part.doubled for part in inputs]
        print("joined", self.all, self.base, self.size, self.scale)
        self.next(self.end)

    @step
    def end(self):
        print("last", self.all)
"""


@pytest.fixture
def spun(project):
    """Return a function that spins and gives the task that was spun, in the spins' records."""

    def spin(*arguments, code=0, **options):
        result = project.command("spin", *arguments, code=code, **options)
        inspect_spin()
        newest = Flow("F").latest_run
        return result, next(task for step in newest for task in step)

    yield spin
    default_metadata()


@pytest.fixture
def mended(project):
    (project.folder / "mended").touch()
    return project


def test_the_failed_task_of_a_foreach_with_mended_code(project, spun):
    project.fail(FLOW)
    failed = next(task for task in Run("F/1")["work"] if task.state == "failed")
    (project.folder / "mended").touch()
    result, task = spun(f"1/work/{failed.id}", "--persist")
    assert task.stdout == "worked on 2 at 2 of 3\n"
    assert task.data.doubled == 4
    assert task.state == "succeeded"
    assert task.index == 2
    assert f"F/1/work/{failed.id} spun" in result.out
    assert "inspect_spin()" in result.out


def test_every_form_of_a_pathspec(mended, spun):
    mended.run(FLOW)
    first = list(Run("F/1")["work"])[-1].id
    forms = ("work", "1/work", "F/1/work", f"1/work/{first}", f"F/1/work/{first}")
    for form in forms:
        default_metadata()
        assert spun(form)[1].origin_pathspec == f"F/1/work/{first}", form


def test_a_step_alone_is_of_the_latest_run_that_reached_it(project, spun):
    (project.folder / "mended").touch()
    project.run(FLOW)
    (project.folder / "mended").unlink()
    project.command("run", code=1)
    assert spun("end")[1].origin_pathspec.startswith("F/1/")
    default_metadata()
    assert spun("start")[1].origin_pathspec.startswith("F/2/")


def test_a_join_gets_all_inputs_and_the_code_is_that_of_now(mended, spun):
    mended.run(FLOW)
    mended.write(FLOW.replace("scale = 10", "scale = 11"))
    _, task = spun("join", "--persist")
    assert task.stdout == "joined [0, 2, 4] base 3 11\n"
    assert task.data.all == [0, 2, 4]
    assert "scale = 11" in task.code.flowspec


def test_parameters_stay_those_of_the_run(mended, spun):
    mended.run(FLOW, "--size", 5)
    assert spun("join")[1].stdout == "joined [0, 2, 4, 6, 8] base 5 10\n"


def test_a_resumed_run_is_spun_from_what_it_reused(project, spun):
    project.fail(FLOW)
    (project.folder / "mended").touch()
    project.resume()
    _, task = spun("2/join")
    assert task.stdout == "joined [0, 2, 4] base 3 10\n"
    default_metadata()
    assert spun("2/work")[1].stdout == "worked on 0 at 0 of 3\n"


def test_a_branch_inside_a_foreach_and_its_join(project, spun):
    project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.outer = "ab"
                self.next(self.middle, foreach="outer")

            @step
            def middle(self):
                self.letter = self.input
                self.inner = [1, 2]
                self.next(self.deep, foreach="inner")

            @step
            def deep(self):
                self.value = self.letter * self.input
                self.next(self.left, self.right)

            @step
            def left(self):
                self.side = "l" + self.value
                self.next(self.pair)

            @step
            def right(self):
                self.side = "r" + self.value
                self.next(self.pair)

            @step
            def pair(self, inputs):
                self.both = [one.side for one in inputs]
                print(self.both, self.input, [frame[:2] for frame in self.foreach_stack()])
                self.next(self.inner_join)

            @step
            def inner_join(self, inputs):
                self.pairs = [one.both for one in inputs]
                print(self.pairs, self.input, self.index)
                self.next(self.outer_join)

            @step
            def outer_join(self, inputs):
                print(len(inputs), self.index)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    run = Run("F/1")
    for step in ("left", "right", "pair", "inner_join", "outer_join"):
        for task in list(run[step]):
            default_metadata()
            assert spun(f"1/{step}/{task.id}")[1].stdout == task.stdout


def test_the_runs_do_not_change(mended, spun):
    mended.run(FLOW)

    def seen():
        return [
            (task.pathspec, task.state, task.sight, sorted(task.data))
            for run in Flow("F")
            for step in run
            for task in step
            for task.sight in [task._facts.sight()]
        ]

    before = seen()
    spun("work", "--persist")
    default_metadata()
    assert seen() == before
    assert Flow("F").latest_run.id == "1"
    assert mended.command("resume", "end").run.origin_pathspec == "F/1"


def test_without_persist_nothing_that_the_step_assigns_is_stored(mended, spun):
    mended.run(FLOW)
    _, task = spun("work")
    assert "doubled" not in task
    assert task.data.base == "base"
    assert task.stdout


def test_artifacts_of_a_file_replace_inputs(mended, spun):
    mended.run(FLOW)
    mended.write("ARTIFACTS = {'doubled': 100, 'base': 'other', 'size': 7}\n", "inputs.py")
    _, task = spun("join", "--artifacts-module", "inputs.py")
    assert task.stdout == "joined [100, 100, 100] other 7 10\n"
    default_metadata()
    _, task = spun("start", "--artifacts-module", "inputs.py", "--persist")
    assert task.data.items == list(range(7))
    default_metadata()
    assert Run("F/1").data.base == "base"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n", "has to define ARTIFACTS"),
        ("ARTIFACTS = [1]\n", "has to define ARTIFACTS"),
        ("ARTIFACTS = {'a b': 1}\n", "names no artifact"),
        ("ARTIFACTS = {'f': lambda: 1}\n", "can't be pickled"),
        ("x = 1\n1 / 0\n", "ZeroDivisionError: division by zero (inputs.py:2)"),
        ("def\n", "SyntaxError"),
        ("import sys\nsys.exit('no')\n", "SystemExit: no (inputs.py:2)"),
    ],
)
def test_a_file_of_artifacts_that_can_not_be_used(mended, source, said):
    mended.run(FLOW)
    mended.write(source, "inputs.py")
    result = mended.command("spin", "end", "--artifacts-module", "inputs.py", code=1)
    assert said in result.err
    assert "runtime/replacing" not in result.err


def test_which_decorators_are_honoured(project, spun):
    source = """
    import os

    class F(FlowSpec):
        @retry(times=3, seconds_between_retries=0)
        @catch(var="failure")
        @environment(vars={"SET": "by the decorator"})
        @step
        def start(self):
            print(os.environ.get("SET"))
            if os.path.exists("fail"):
                raise ValueError("on purpose")
            self.next(self.end)

        @step
        def end(self):
            pass
    """
    project.run(source)
    assert spun("start")[1].stdout == "by the decorator\n"
    default_metadata()
    assert spun("start", "--skip-decorators")[1].stdout == "None\n"
    (project.folder / "fail").touch()
    default_metadata()
    result, task = spun("start", code=1)
    assert task.state == "failed"
    assert len(task._facts.attempts()) == 1
    assert "ValueError: on purpose" in result.err
    assert "The spin of F/1/start/1 failed" in result.err
    assert "resume" not in result.err


CARDED = """
import os

from falaj.cards import MetaflowCard

class Whose(MetaflowCard):
    type = "whose"

    def render(self, task):
        return "<html>" + os.environ["FALAJ_TASK"] + " " + task.pathspec + "</html>"

class F(FlowSpec):
    which = Parameter("which")

    @card
    @card(type="whose")
    @step
    def start(self):
        self.seen = "seen in the " + self.which
"""


def test_the_card_of_a_spun_task_is_about_that_task(project, spun):
    # The first run has the number of the spin.
    for which in ("first", "second"):
        project.run(CARDED, "--which", which)
    result, task = spun("2/start", "--persist")
    assert "not rendered" not in result.out
    page, whose = (get_cards(task, type=kind)[0].get() for kind in ("default", "whose"))
    assert "seen in the second" in page
    assert "seen in the first" not in page
    assert "spin/F/1/start/1 F/1/start/1" in whose


def test_a_timeout_is_honoured(project, spun):
    project.run(
        """
        class F(FlowSpec):
            @timeout(seconds=1)
            @step
            def start(self):
                import os, time
                if os.path.exists("slow"):
                    while True:
                        time.sleep(0.01)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    (project.folder / "slow").touch()
    assert "TimeoutException" in spun("start", code=1)[0].err


def test_current_and_look_ups_in_a_spun_step(project, spun):
    project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                print(current.pathspec, Flow("F").latest_run.id, current.run.pathspec)
                print(current.task.origin_pathspec, current.origin_run_id)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    _, first = spun("start")
    assert first.stdout == "F/1/start/1 1 F/1\nF/1/start/1 1\n"
    default_metadata()
    _, second = spun("start")
    assert second.stdout.startswith("F/2/start/1 1 F/2\n")


def test_the_client_on_spins(mended, spun):
    mended.run(FLOW)
    _, task = spun("join", "--persist")
    assert get_metadata().startswith("spin@")
    assert [flow.id for flow in Falaj().flows] == ["F"]
    assert [step.id for step in task.parent.parent] == ["join"]
    assert task.parent.origin_pathspec == "F/1/join"
    assert task.parent.parent.origin_pathspec == "F/1"
    assert list(task.parent_task_pathspecs) == [one.pathspec for one in task.parent_tasks]
    assert [one.data.doubled for one in task.parent_tasks] == [0, 2, 4]
    assert list(task.child_tasks) == []
    assert Run("F/1").successful
    copied = pickle.loads(pickle.dumps(task["all"]))
    default_metadata()
    assert copied.data == [0, 2, 4]
    assert copied.parent.parent.parent.origin_pathspec == "F/1"
    assert Task("F/1/start/1").origin_pathspec is None
    with pytest.raises(FalajNotFound):
        DataArtifact("F/1/join/1/all")


def test_spins_of_another_home(mended, spun, home, tmp_path, monkeypatch):
    mended.run(FLOW)
    spun("end", "--persist")
    default_metadata()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("FALAJ_HOME", str(elsewhere))
    assert Falaj().flows == []
    for place in (home, home / "spin"):
        inspect_spin(str(place))
        assert get_metadata() == f"spin@{home}"
        assert Run("F/1").successful
    for place in (str(home), f"local@{home}"):
        assert metadata(place) == f"local@{home}"
        assert len(list(Run("F/1"))) == 4
    assert metadata(f"spin@{home}") == f"spin@{home}"
    assert default_metadata() == f"local@{elsewhere}"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("service@https://nowhere.example", "can't be read yet"),
        ("https://nowhere.example", "can't be read yet"),
        ("other@/tmp", "names no home"),
        ("/nowhere/at/all", "There is no folder"),
    ],
)
def test_places_that_are_no_home(home, place, said):
    with pytest.raises(HomeNotFound, match=said):
        metadata(place)
    assert get_metadata() == f"local@{home}"


@pytest.mark.parametrize(
    ("pathspec", "said"),
    [
        ("wrk", "did you mean"),
        ("1/wrk", "did you mean"),
        ("9/work", "There is no run 9"),
        ("1/work/99", "There is no task '99'"),
        ("Other/1/work", "can't be spun as F"),
        ("1", "names no step"),
        ("1/work/2/x", "names no step"),
    ],
)
def test_what_can_not_be_spun(mended, pathspec, said):
    mended.run(FLOW)
    result = mended.command("spin", pathspec, code=1)
    assert said in result.err
    assert not os.path.exists(mended.home / "spin" / "records.db")


def test_a_step_that_no_run_has_reached(project):
    project.write(FLOW)
    assert "has reached the step end" in project.command("spin", "end", code=1).err


def test_a_step_that_has_become_a_join(mended):
    mended.run(FLOW)
    mended.write(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.a, self.b)

            @step
            def a(self):
                self.next(self.work)

            @step
            def b(self):
                self.next(self.work)

            @step
            def work(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert "was no join in run 1" in mended.command("spin", "work", code=1).err


def test_run_id_file_and_log_size(mended, spun, tmp_path):
    mended.run(FLOW)
    file = tmp_path / "id"
    mended.command("spin", "end", "--run-id-file", file)
    assert file.read_text() == "1"


def test_a_spin_that_is_killed_is_lost_and_leaves_no_process(project, until, is_alive):
    project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                import os, time
                if os.path.exists("wait"):
                    open("pid", "w").write(str(os.getpid()))
                    while True:
                        time.sleep(0.01)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    (project.folder / "wait").touch()
    process = project.start("spin", "start")
    file = project.folder / "pid"
    pid = int(until(lambda: file.exists() and file.read_text()))
    os.killpg(process.pid, signal.SIGKILL)
    until(lambda: not is_alive(pid))
    (project.folder / "wait").unlink()
    # The next run has the same number as the spin, and is none of its business.
    project.command("spin", "start")
    inspect_spin()
    try:
        assert [run.state for run in Flow("F")] == ["succeeded", "lost"]
    finally:
        default_metadata()


def test_two_spins_at_once(mended):
    mended.run(FLOW)
    both = [
        subprocess.Popen([sys.executable, str(mended.path), "spin", "join"], cwd=mended.folder)
        for _ in range(2)
    ]
    assert [one.wait(60) for one in both] == [0, 0]
    inspect_spin()
    try:
        assert len(list(Flow("F"))) == 2
    finally:
        default_metadata()
