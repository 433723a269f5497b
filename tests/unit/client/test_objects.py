"""Flows, runs, steps, tasks and artifacts as objects."""

import copy
import pickle
import subprocess
import sys
from datetime import datetime

import pytest

from falaj.client import (
    Artifact,
    DataArtifact,
    Falaj,
    Flow,
    Metaflow,
    Run,
    Step,
    Task,
    connection,
    default_namespace,
    get_namespace,
    namespace,
)
from falaj.errors import FalajInvalidPathspec, FalajNamespaceMismatch, FalajNotFound
from falaj.model.loglines import LogLine


def test_everything_is_reached_from_the_top(records):
    run = records.finished_run()
    assert [flow.id for flow in Falaj()] == ["Stats"]
    assert "Stats" in Falaj()
    flow = Falaj()["Stats"]
    assert [one.id for one in flow] == [str(run)]
    assert [step.id for step in flow[run]] == ["end", "join", "train", "start"]
    assert [task.id for task in flow[run]["train"]] == ["4", "3", "2"]
    assert [one.id for one in flow[run]["train"][3]] == ["x"]
    assert flow[run]["train"]["3"]["x"].data == 30
    assert flow[run]["train"][3]["_hidden"].data == 1
    assert [len(thing) for thing in (Falaj(), flow, flow[run], flow[run]["train"])] == [1, 1, 4, 3]
    assert len(flow[run]["train"][3]) == 1
    assert Metaflow is Falaj
    assert Artifact is DataArtifact


def test_each_path_is_taken_as_text(records):
    run = records.finished_run()
    assert Run(f"Stats/#{run}") == Run(f"Stats/{run}")
    assert Run(f"Stats/#{run}").pathspec == f"Stats/{run}"
    assert Step(f"Stats/{run}/train").path_components == ["Stats", str(run), "train"]
    assert Task(f"Stats/{run}/train/3").id == "3"
    assert DataArtifact(f"Stats/{run}/train/3/x").data == 30


def test_parents_lead_back_up(records):
    run = records.finished_run()
    artifact = DataArtifact(f"Stats/{run}/train/3/x")
    assert artifact.parent == Task(f"Stats/{run}/train/3")
    assert artifact.parent.parent == Step(f"Stats/{run}/train")
    assert artifact.parent.parent.parent == Run(f"Stats/{run}")
    assert artifact.parent.parent.parent.parent == Flow("Stats")
    assert Flow("Stats").parent is None


def test_a_run_tells_how_it_went(records):
    run = Run(f"Stats/{records.finished_run(tags=('t',))}")
    assert (run.state, run.successful, run.finished) == ("succeeded", True, True)
    assert isinstance(run.created_at, datetime)
    assert run.finished_at > run.created_at
    assert run.end_task.id == "6"
    assert run.data.total == 7
    assert run.data.model == {"a": 1}
    assert run.tags == {"t", "user:ada", "runtime:dev"}
    assert (run.user_tags, run.origin_pathspec, run.code) == ({"t"}, None, None)
    assert list(run.steps("t")) == list(run)
    assert list(run.steps("u")) == []


def test_a_failed_run_is_finished_and_not_successful(records):
    run = records.run(state="failed", reason="train failed")
    records.step(run, "start", "failed")
    records.step(run, "end", "not_reached", reason="start failed")
    error = '["ValueError", "bad value", "Traceback: bad value", "flow.py:7", false]'
    records.task(run, 1, "start", "failed", reason="it raised")
    records.attempt(run, 1, state="failed", error=error, manifest=records.manifest(half=1))
    found = Run(f"Stats/{run}")
    assert (found.finished, found.successful, found.end_task, found.data) == (
        True,
        False,
        None,
        None,
    )
    assert found.reason == "train failed"
    task = found["start"].task
    assert (task.finished, task.successful) == (True, False)
    assert task.exception.exception == "bad value"
    assert task.exception.type == "ValueError"
    assert task.exception.stacktrace == "Traceback: bad value"
    assert str(task.exception) == "ValueError: bad value (at flow.py:7)"
    assert task.data.half == 1
    assert "end" not in found
    with pytest.raises(KeyError, match=r"'end' of Stats/\d+ was not reached: start failed"):
        found["end"]


def test_who_looks_for_the_parameters_as_a_step_is_told_where_they_are(records):
    run = records.finished_run()
    with pytest.raises(KeyError, match=rf"Run\('Stats/{run}'\).parameters has them"):
        Run(f"Stats/{run}")["_parameters"]


def test_a_task_whose_process_died_says_how(records):
    run = records.run(state="failed")
    records.step(run, "start", "failed")
    records.task(run, 1, "start", "failed", reason="killed by signal 9")
    records.attempt(run, 1, state="failed", reason="killed by signal 9", exit_code=-9)
    error = Task(f"Stats/{run}/start/1").exception
    assert (error.type, str(error)) == ("", "killed by signal 9")


def test_a_tolerated_failure_has_no_exception(records):
    run = records.run(state="tolerated")
    records.step(run, "start", "tolerated")
    records.task(run, 1, "start", "tolerated")
    records.attempt(run, 1, state="tolerated", error='["E", "m", "", "", false]')
    assert Task(f"Stats/{run}/start/1").exception is None
    assert Run(f"Stats/{run}").successful


def test_a_run_can_be_waited_for(records):
    run = records.run(state="running")
    records.step(run, "start", "running")
    records.task(run, 1, "start", "running")
    found = Run(f"Stats/{run}")
    task = found["start"].task
    assert (found.finished, found.finished_at, task.finished) == (False, None, False)
    assert list(task) == []
    records.connection.execute("UPDATE runs SET state = 'succeeded', finished_at = 1.0")
    manifest = records.manifest(x=5)
    records.connection.execute(
        "UPDATE tasks SET state = 'succeeded', finished_at = 1.0, manifest = ?", [manifest]
    )
    records.connection.execute("UPDATE steps SET state = 'succeeded', finished_at = 1.0")
    assert (found.successful, task.successful, task.data.x) == (True, True, 5)
    assert found["start"].finished_at == datetime.fromtimestamp(1.0)


def test_the_latest_runs_are_found(records):
    good, bad = records.run(), records.run(state="failed")
    flow = Flow("Stats")
    assert flow.latest_run.id == str(bad)
    assert flow.latest_successful_run.id == str(good)
    records.connection.execute("UPDATE runs SET state = 'failed'")
    assert flow.latest_successful_run is None


def test_runs_are_paged_and_filtered(records):
    records.connection.execute("BEGIN")
    for index in range(230):
        records.run(tags=("even",) if index % 2 == 0 else ())
    records.connection.execute("COMMIT")
    flow = Flow("Stats")
    ids = [int(run.id) for run in flow]
    assert ids == list(range(230, 0, -1))
    assert len(list(flow.runs("even"))) == 115
    assert list(flow.runs("even", "odd")) == []


def test_neighbours_of_tasks_and_steps(records):
    run = Run(f"Stats/{records.finished_run()}")
    join = run["join"].task
    assert [task.id for task in join.parent_tasks] == ["2", "3", "4"]
    assert next(iter(join.parent_task_pathspecs)) == f"{run.pathspec}/train/2"
    assert [task.id for task in run["start"].task.child_tasks] == ["2", "3", "4"]
    assert list(join.child_task_pathspecs) == [f"{run.pathspec}/end/6"]
    assert [step.id for step in run["join"].parent_steps] == ["train"]
    assert [step.id for step in run["join"].child_steps] == ["end"]
    assert list(run["start"].parent_steps) == []
    assert list(run["end"].child_steps) == []


def test_the_children_of_a_task_cost_no_look_at_the_whole_step(records):
    run = records.run()
    records.connection.execute("BEGIN")
    for index in range(500):
        records.task(run, 1 + index, "train", indices=f"[{index}]")
        after = {"indices": f"[{index}]", "parents": str(1 + index)}
        records.task(run, 501 + index, "join", **after)
    records.connection.execute("COMMIT")
    task = Task(f"Stats/{run}/train/7")
    # Called at every hundredth step that SQLite takes; a look at each task takes thousands.
    steps = []
    opened = connection._connection(records.home.records)
    opened.set_progress_handler(lambda: steps.append(100), 100)
    assert [child.id for child in task.child_tasks] == ["507"]
    opened.set_progress_handler(None, 0)
    assert sum(steps) <= 1000


@pytest.mark.parametrize("name", ["²", "٣", "007", "9" * 20, "9" * 5000, "", "#", "\udcff"])
def test_what_is_no_id_names_nothing(records, name):
    run = records.finished_run()
    with pytest.raises(FalajNotFound if name else FalajInvalidPathspec):
        Run(f"Stats/{name}")
    with pytest.raises(FalajNotFound if name else FalajInvalidPathspec):
        Task(f"Stats/{run}/train/{name}")


@pytest.mark.parametrize("flow", ["\udcff", "\0"])
def test_a_flow_by_a_name_that_can_not_be_is_not_found(records, flow):
    records.finished_run()
    with pytest.raises(FalajNotFound):
        Flow(flow)
    assert list(Flow("Stats").runs("\udcff")) == []


def test_facts_about_a_task(records):
    run = records.finished_run()
    task = Task(f"Stats/{run}/train/3")
    assert (task.index, task.current_attempt, task.runtime_name) == (3, 0, "dev")
    assert Task(f"Stats/{run}/start/1").index is None
    assert task.artifacts.x.data == 30
    assert task.artifacts._fields == ("x",)
    facts = task.metadata_dict
    assert (facts["attempt"], facts["attempt_ok"], facts["user"]) == ("0", "True", "ada")
    assert (facts["runtime"], facts["foreach-execution-path"]) == ("dev", "train:3")
    assert facts["script-name"] == "flow.py"
    types = {fact.name: fact.type for fact in task.metadata}
    assert (types["attempt"], types["attempt_ok"]) == ("attempt", "internal_attempt_status")
    assert [fact.created_at for fact in task.metadata] == sorted(
        fact.created_at for fact in task.metadata
    )
    assert task.metadata[0].task is task
    artifact = task["x"]
    assert (artifact.size > 0, len(artifact.sha), artifact.type) == (True, 64, "int")
    assert artifact.preview["value"] == 30
    assert artifact.finished_at == artifact.created_at == task.finished_at


def test_data_is_asked_by_name(records):
    data = Run(f"Stats/{records.finished_run()}").data
    assert "total" in data
    assert "nothing" not in data
    assert list(data) == ["total", "model"]
    assert "model" in dir(data)
    assert not hasattr(data, "nothing")
    with pytest.raises(AttributeError, match="Did you mean 'total'"):
        _ = data.totl
    assert copy.copy(data).total == 7


def test_parameters_are_there_however_the_run_ended(records):
    manifest = records.manifest(alpha=0.5, CONSTANT=3)
    run = records.run(state="failed", parameters=("alpha",))
    records.connection.execute("UPDATE runs SET parameters = ?", [manifest])
    found = Run(f"Stats/{run}").parameters
    assert found.alpha == 0.5
    assert dict(found) == {"alpha": 0.5}
    assert len(found) == 1
    with pytest.raises(AttributeError, match="The parameters of Stats/1 are alpha"):
        _ = found.CONSTANT


def test_attempts_are_seen_one_by_one(records):
    run = records.run()
    records.step(run, "start")
    records.task(run, 1, "start", artifacts={"x": "second"}, attempt=1)
    records.attempt(
        run,
        1,
        0,
        "failed",
        error='["E", "no", "", "", false]',
        manifest=records.manifest(x="first"),
    )
    records.attempt(run, 1, 1)
    records.log(run, 1, LogLine(1.0, "o", b"try 0", True))
    records.log(run, 1, LogLine(2.0, "o", b"try 1", True), attempt=1)
    path = f"Stats/{run}/start/1"
    first, whole = Task(path, attempt=0), Task(path)
    assert (first.data.x, whole.data.x) == ("first", "second")
    assert (first.state, whole.state) == ("failed", "succeeded")
    assert (first.current_attempt, whole.current_attempt) == (0, 1)
    assert (first.stdout, whole.stdout) == ("try 0\n", "try 1\n")
    assert first.exception.exception == "no"
    assert whole.exception is None
    assert first["x"].parent == first
    assert first != whole
    assert DataArtifact(path + "/x", attempt=0).data == "first"
    with pytest.raises(FalajNotFound, match=r"no attempt 2\. Its attempts are 0, 1"):
        Task(path, attempt=2)
    assert Task(path, attempt="0") == first
    for wrong in (-1, "first", True):
        with pytest.raises(FalajNotFound, match="attempts are numbers from 0"):
            Task(path, attempt=wrong)


def test_a_reused_task_shows_what_the_origin_did(records):
    first = records.finished_run()
    second = records.run(origin=first)
    records.step(second, "start", "reused")
    records.task(
        second,
        1,
        "start",
        "reused",
        artifacts={"items": [0]},
        origin_run=first,
        origin_task=1,
    )
    records.log(first, 1, LogLine(1.0, "o", b"then", True))
    task = Task(f"Stats/{second}/start/1")
    assert (task.stdout, task.successful, task.data.items) == ("then\n", True, [0])
    assert task.origin_pathspec == f"Stats/{first}/start/1"
    assert task["items"].origin_pathspec == f"Stats/{first}/start/1/items"
    assert Run(f"Stats/{second}").origin_pathspec == f"Stats/{first}"
    assert Step(f"Stats/{second}/start").origin_pathspec == f"Stats/{first}/start"
    assert task.metadata_dict["origin-task-id"] == "1"


def test_namespaces_part_what_people_see(records):
    mine, theirs = records.run(), records.run(user="bob")
    records.run("Other", user="bob")
    assert get_namespace() == "user:ada"
    assert [run.id for run in Flow("Stats")] == [str(mine)]
    assert [flow.id for flow in Falaj()] == ["Stats"]
    assert len(Falaj()) == 1
    with pytest.raises(FalajNamespaceMismatch, match="user:ada"):
        Run(f"Stats/{theirs}")
    with pytest.raises(FalajNamespaceMismatch):
        Flow("Other")
    assert theirs not in Flow("Stats")
    with pytest.raises(KeyError, match="not in the namespace"):
        Flow("Stats")[theirs]
    flow = Flow("Stats")
    assert namespace(None) is None
    assert len(Flow("Stats")) == 2
    assert len(flow) == 1
    assert Run(f"Stats/{theirs}").is_in_namespace()
    namespace("user:bob")
    assert not flow[mine].is_in_namespace()
    assert default_namespace() == "user:ada"


def test_a_namespace_may_be_any_tag(records):
    run = records.run(user="bob", tags=("shared",))
    namespace("shared")
    assert Flow("Stats").latest_run.id == str(run)


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (Flow, "Stats/1"),
        (Flow, ""),
        (Run, "Stats"),
        (Run, "1"),
        (Step, "Stats/1"),
        (Task, "Stats/1/start"),
        (DataArtifact, "Stats/1/start/1"),
        (Run, "Stats//1"),
    ],
)
def test_a_path_of_the_wrong_length_is_refused(records, make, path):
    with pytest.raises(FalajInvalidPathspec, match=make.__name__):
        make(path)


@pytest.mark.parametrize(
    ("make", "path", "sentence"),
    [
        (Flow, "Stat", "There is no flow 'Stat'. Did you mean 'Stats'? The flows here are Stats."),
        (Run, "Stats/9", "There is no run 9 of Stats. Its latest runs are 1."),
        (Run, "Stats/x", "'x' is no run of Stats: a run's id is a number."),
        (Run, "Nope/1", "There is no flow 'Nope'. The flows here are Stats."),
        (Step, "Stats/1/trian", "Did you mean 'train'? The steps of Stats/1 are"),
        (Task, "Stats/1/train/99", "There is no task '99'. The tasks of Stats/1/train are 2, 3"),
        (Task, "Stats/1/train/1", "Task 1 of this run is one of start, not of train."),
        (Task, "Stats/1/nope/1", "There is no step 'nope'"),
        (DataArtifact, "Stats/1/train/2/y", "The artifacts of Stats/1/train/2 are x."),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(records, make, path, sentence):
    records.finished_run()
    with pytest.raises(FalajNotFound) as raised:
        make(path)
    assert sentence in str(raised.value)


def test_a_run_of_another_flow_is_pointed_to(records):
    records.run()
    run = records.run("Other")
    with pytest.raises(FalajNotFound, match=rf"Its path is Other/{run}\."):
        Run(f"Stats/{run}")


def test_an_empty_home_says_so(home):
    with pytest.raises(FalajNotFound, match=r"No runs are recorded in .*home yet"):
        Flow("Stats")
    assert list(Falaj()) == []


def test_objects_are_equal_by_path_and_home(records):
    run = records.finished_run()
    path = f"Stats/{run}/train/3"
    assert Task(path) == Task(path)
    assert len({Task(path), Task(path), Step(f"Stats/{run}/train")}) == 2
    assert Run(f"Stats/{run}") != Flow("Stats")
    assert Run(f"Stats/{run}") != "Stats/1"


def test_objects_without_children_are_true(records):
    run = records.run(state="running")
    assert Run(f"Stats/{run}")


def test_objects_pickle_across_namespaces_homes_and_processes(two_homes, monkeypatch):
    records, other = two_homes
    run = records.finished_run()
    task = Task(f"Stats/{run}/train/3", attempt=0)
    things = [Flow("Stats"), Run(f"Stats/{run}"), Step(f"Stats/{run}/train"), task, task["_hidden"]]
    stored = pickle.dumps(things)
    namespace("user:nobody")
    monkeypatch.setenv("FALAJ_HOME", other.home.root)
    again = pickle.loads(stored)
    assert again == things
    assert copy.deepcopy(again) == things
    code = "import pickle, sys; print(*pickle.load(sys.stdin.buffer))"
    done = subprocess.run(
        [sys.executable, "-c", code], input=stored, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == " ".join(map(str, things)).split()


def test_reprs_are_one_short_line(records):
    run = records.finished_run()
    task = Task(f"Stats/{run}/train/3")
    assert repr(Falaj()) == "<Falaj(): 1 flow>"
    assert repr(Flow("Stats")) == "<Flow('Stats'): 1 run>"
    assert repr(Run(f"Stats/{run}")) == f"<Run('Stats/{run}'): succeeded>"
    assert repr(task) == f"<Task('Stats/{run}/train/3'): succeeded>"
    assert str(Task(task.pathspec, attempt=0)) == f"Task('Stats/{run}/train/3', attempt=0)"
    assert repr(task["x"]).startswith(f"<DataArtifact('Stats/{run}/train/3/x'): int, ")
    assert repr(task.data) == f"<Data of Stats/{run}/train/3: x>"


def test_html_is_escaped(records):
    run = records.run(reason="<script>alert('&')</script>", tags=("<b>",))
    records.step(run, "start")
    records.task(run, 1, "start", artifacts={"text": "<i>"})
    for thing in (Falaj(), Flow("Stats"), Run(f"Stats/{run}"), Step(f"Stats/{run}/start")):
        html = thing._repr_html_()
        assert "<script" not in html
        assert "<b>" not in html
    run_html = Run(f"Stats/{run}")._repr_html_()
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)" in run_html
    assert "start" in run_html
    assert "&lt;i&gt;" in Task(f"Stats/{run}/start/1")["text"]._repr_html_()


def test_names_complete_in_ipython(records):
    run = records.finished_run()
    assert Falaj()._ipython_key_completions_() == ["Stats"]
    assert Run(f"Stats/{run}")._ipython_key_completions_() == ["end", "join", "train", "start"]


def test_a_lost_run_says_so(records):
    lease = '{"host": "elsewhere", "pid": 7}'
    run = records.run(state="running", lease=lease)
    records.step(run, "start", "running")
    records.task(run, 1, "start", "running")
    records.attempt(run, 1, state="running")
    found = Run(f"Stats/{run}")
    assert (found.state, found.finished, found.successful) == ("lost", True, False)
    assert found["start"].state == "lost"
    assert found["start"].task.state == "lost"
    assert "last heard of" in str(found["start"].task.exception)
    assert repr(found) == f"<Run('Stats/{run}'): lost>"
