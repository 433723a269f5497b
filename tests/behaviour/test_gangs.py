"""Gangs: tasks that run all at once, and that succeed, fail, retry and resume as one."""

import os
import signal

import pytest

GANG = """
import os, time

def barrier(name):
    \"\"\"Wait until all members are here: none gets past it unless all run at once.\"\"\"
    me = current.parallel
    with open("%s-%d.new" % (name, me.node_index), "w") as file:
        file.write(str(os.getpid()))
    os.rename(file.name, file.name[:-4])
    while not all(os.path.exists("%s-%d" % (name, n)) for n in range(me.num_nodes)):
        time.sleep(0.01)

def first_has_ended(name):
    with open(name + "-0") as file:
        place = "/proc/" + file.read()
    while os.path.exists(place):
        time.sleep(0.01)

class F(FlowSpec):
    nodes = Parameter("nodes", default=3)

    @step
    def start(self):
        assert not current.is_parallel
        assert "parallel" not in current
        assert current.get("parallel") is None
        self.next(self.train, num_parallel=self.nodes)

    {decorators}
    @parallel
    @step
    def train(self):
        me = current.parallel
        barrier("try%d" % current.retry_count)
        self.mine = {{
            "place": (self.index, self.input, me.node_index, me.num_nodes),
            "stack": self.foreach_stack(),
            "control": me.control_task_id,
            "address": me.main_ip,
            "flags": (current.is_parallel, "parallel" in current),
            "variables": [os.environ["MF_PARALLEL_" + name] for name in
                          ("MAIN_IP", "NUM_NODES", "NODE_INDEX", "CONTROL_TASK_ID")],
            "try": current.retry_count,
        }}
        print("node", me.node_index, "try", current.retry_count)
        {body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.members = [one.mine for one in inputs]
        self.failures = [getattr(one, "failure", None) for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def gang(body="pass", decorators=""):
    return GANG.format(body=body, decorators=decorators)


def test_all_members_run_at_once_and_know_each_other(project, tasks_of):
    run = project.run(gang()).run
    tasks = tasks_of(run, "train")
    for index, member in enumerate(run.data.members):
        assert member == {
            "place": (index, index, index, 3),
            "stack": [(index, 3, index)],
            "control": tasks[0].id,
            "address": "127.0.0.1",
            "flags": (True, True),
            "variables": ["127.0.0.1", "3", str(index), tasks[0].id],
            "try": 0,
        }
    assert [task.stdout for task in tasks] == [f"node {n} try 0\n" for n in range(3)]
    assert [(task.index, task.label) for task in tasks] == [(n, f"node {n}") for n in range(3)]
    assert run["train"].control_task == tasks[0]
    assert list(run["train"].control_tasks()) == [tasks[0]]
    assert tasks[0].metadata_dict["internal_task_type"] == "control_task"
    assert "internal_task_type" not in tasks[1].metadata_dict
    assert {task.metadata_dict["parallel-world-size"] for task in tasks} == {"3"}
    assert "foreach-stack" not in tasks[0].metadata_dict
    assert run["join"].control_task is None
    assert "=> train (num_parallel)" in project.command("show").out
    assert "start (split-parallel) => train" in project.command("output-raw").out


def test_a_gang_of_one(project):
    run = project.run(gang(), "--nodes", 1).run
    assert run.data.members[0]["place"] == (0, 0, 0, 1)
    assert run["train"].control_task.index == 0


def test_members_other_than_the_first_may_return_early(project):
    members = project.run(gang("if me.node_index > 0: return")).data.members
    assert [member["place"][0] for member in members] == [0, 1, 2]
    failed = project.fail(gang("if me.node_index == 0: return"))
    assert "Step train ended without self.next()" in failed.out


SLOW_TO_BEGIN = """
import os, time

def linger():
    # What a library does at a fork. The gang's first member alone gets on at once.
    if os.path.exists("gang"):
        try:
            open("first", "x").close()
        except FileExistsError:
            time.sleep(0.5)

os.register_at_fork(after_in_child=linger)

class F(FlowSpec):
    @step
    def start(self):
        open("gang", "w").close()
        self.next(self.train, num_parallel=3)

    @parallel
    @step
    def train(self):
        if current.parallel.node_index == 0:
            raise ValueError("as asked")
        time.sleep(60)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_stopping_a_member_that_has_only_been_forked_does_not_stop_the_run(project):
    result = project.fail(SLOW_TO_BEGIN)
    assert result.run.state == "failed"
    assert "ValueError: as asked" in result.err
    assert "Workflow cancelled" not in result.out + result.err


def test_gangs_in_a_foreach_share_the_workers_whole(project):
    source = """
    import os, time

    class F(FlowSpec):
        @step
        def start(self):
            self.items = list(range(4))
            self.next(self.each, foreach="items")

        @step
        def each(self):
            self.next(self.train, num_parallel=2)

        @parallel
        @step
        def train(self):
            me = current.parallel
            mark = "%s-%d"
            open(mark % (me.control_task_id, me.node_index), "w").close()
            while not os.path.exists(mark % (me.control_task_id, 1 - me.node_index)):
                time.sleep(0.01)
            self.mine = (self.foreach_stack()[0][2], self.input)
            self.next(self.inner)

        @step
        def inner(self, inputs):
            self.mine = [one.mine for one in inputs]
            self.next(self.back)

        @step
        def back(self):
            self.next(self.join)

        @step
        def join(self, inputs):
            self.all = [one.mine for one in inputs]
            self.next(self.end)

        @step
        def end(self):
            pass
    """
    run = project.run(source, "--max-workers", 3).run
    assert run.data.all == [[(n, 0), (n, 1)] for n in range(4)]
    assert [task.index for task in run["train"].control_tasks()] == [0] * 4


@pytest.mark.parametrize(
    ("options", "decorators", "told"),
    [
        (
            ("--max-workers", 2),
            "",
            "is a gang of 3 tasks that run at once, which takes 3 workers, and --max-workers is "
            "2; resume with --max-workers 3, or start a smaller gang.",
        ),
        (
            (),
            "@resources(gpu=1)",
            "is a gang of 3 tasks that run at once, which takes 3 GPUs, and this machine has 2; "
            "ask for less, or start a smaller gang.",
        ),
    ],
)
def test_a_gang_that_can_never_run_is_refused_before_it_starts(
    project, options, decorators, told, tasks_of
):
    failed = project.fail(gang(decorators=decorators), *options, env={"FALAJ_LOCAL_GPU": "2"})
    assert told in failed.err
    assert f"{project.path}:{project.line_of('def train')}" in failed.err
    assert {task.state for task in tasks_of(failed.run, "train")} == {"cancelled"}
    assert "Traceback" not in failed.err


def test_a_gang_that_was_too_large_runs_on_resume_with_more_workers(project):
    project.fail(gang(), "--max-workers", 2)
    run = project.resume("--max-workers", 3).run
    assert run.successful
    assert run["start"].task.state == "reused"


@pytest.mark.parametrize("asked", ["0", "-1", "2.5", "'3'", "None or []", "True", "10**9"])
def test_a_size_that_is_none_is_told(project, asked):
    failed = project.fail(gang().replace("=self.nodes", f"={asked}"))
    if asked in ("0", "-1"):
        assert f"asks for a gang of {asked}; num_parallel is a whole number from 1 on" in failed.err
    else:
        assert "num_parallel= takes a whole number from 1 to 10000, not" in failed.err


FAILING = """if me.node_index == 1 and current.retry_count < {fails}:
            first_has_ended("try%d" % current.retry_count)
            raise ValueError("node 1 breaks")
        if me.node_index == 2 and current.retry_count < {fails}:
            time.sleep(1000)"""


def test_a_member_that_fails_stops_the_others_and_the_run(project, tasks_of):
    failed = project.fail(gang(FAILING.format(fails=9)))
    assert "step train[1] failed: ValueError: node 1 breaks" in failed.err
    tasks = tasks_of(failed.run, "train")
    assert [task.state for task in tasks] == ["cancelled", "failed", "cancelled"]
    # Also the one that had already done its part.
    for number in (0, 2):
        assert tasks[number].reason == "step train[1] failed: ValueError: node 1 breaks"
        assert str(tasks[number]._facts.record.cause) == tasks[1].id


def test_all_members_try_again_and_only_the_good_try_counts(project, tasks_of):
    retry = "@retry(times=2, minutes_between_retries=0)"
    run = project.run(gang(FAILING.format(fails=2), retry)).run
    assert [member["try"] for member in run.data.members] == [2, 2, 2]
    for task in tasks_of(run, "train"):
        attempts = task._facts.attempts()
        assert [one.number for one in attempts] == [0, 1, 2]
        assert task.stdout == f"node {task.index} try 2\n"
        if task.index != 1:
            assert attempts[0].reason == (
                "member train[1] of its gang failed: ValueError: node 1 breaks"
            )
    first = [task._facts.attempts()[0].state for task in tasks_of(run, "train")]
    assert first == ["succeeded", "failed", "cancelled"]


def test_a_member_that_is_killed_is_as_one_that_fails(project, tasks_of):
    body = """if me.node_index == 2 and current.retry_count == 0:
            os.kill(os.getpid(), 9)
        barrier("after%d" % current.retry_count)"""
    run = project.run(gang(body, "@retry(times=1, minutes_between_retries=0)")).run
    assert [member["try"] for member in run.data.members] == [1, 1, 1]
    lost = tasks_of(run, "train")[2]._facts.attempts()[0]
    assert lost.state == "lost"


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("raise ValueError('broken')", "ValueError"),
        ("os.kill(os.getpid(), 9)", "TaskProcessDied"),
    ],
)
def test_what_catch_tolerates_it_tolerates_of_all_members(project, how, kind, tasks_of):
    body = f"""if me.node_index == 1:
            {how}
        time.sleep(0 if me.node_index == 0 else 1000)"""
    source = gang(body, "@catch(var='failure', print_exception=False)").replace(
        "[one.mine for one in inputs]", "[hasattr(one, 'mine') for one in inputs]"
    )
    run = project.run(source).run
    assert run.state == "tolerated"
    assert {task.state for task in run["train"]} == {"tolerated"}
    failures = [str(failure) for failure in run.data.failures]
    for number in (0, 2):
        assert f"member train[1] of its gang failed: {kind}" in failures[number]
    assert len(failures) == 3


def test_a_timeout_of_one_ends_all(project, tasks_of):
    body = "time.sleep(1000 if me.node_index == 0 else 0)\n        barrier('never')"
    failed = project.fail(gang(body, "@timeout(seconds=1)"))
    states = [task.state for task in tasks_of(failed.run, "train")]
    assert "failed" in states
    assert set(states) <= {"failed", "cancelled"}
    assert "TimeoutException" in failed.err


def test_a_member_that_ignores_being_stopped_is_killed(project, tasks_of):
    body = """import signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        barrier("deaf")
        if me.node_index == 1:
            raise ValueError("broken")
        time.sleep(1000)"""
    failed = project.fail(gang(body), env={"FALAJ_STOP_GRACE": "0.2"})
    assert [task.state for task in tasks_of(failed.run, "train")] == [
        "cancelled",
        "failed",
        "cancelled",
    ]


def test_resume_reuses_a_gang_only_whole(project, tasks_of):
    fail = "if os.path.exists('fail') and me.node_index == 1: raise ValueError"
    (project.folder / "fail").touch()
    project.fail(gang(fail))
    (project.folder / "fail").unlink()
    second = project.resume().run
    assert {task.state for task in second["train"]} == {"succeeded"}
    assert second["start"].task.state == "reused"
    third = project.resume("join").run
    assert {task.state for task in third["train"]} == {"reused"}
    assert [task.stdout for task in tasks_of(third, "train")] == [
        f"node {n} try 0\n" for n in range(3)
    ]


def test_members_get_what_torch_reads(project):
    source = (
        gang()
        .replace("@parallel", "@pytorch_parallel{arguments}")
        .replace(
            'print("node"',
            "names = ('MASTER_ADDR', 'MASTER_PORT', 'NODE_RANK', 'WORLD_SIZE', 'NUM_NODES')\n"
            "        self.mine['torch'] = [os.environ[name] for name in names]\n"
            '        print("node"',
        )
    )
    found = project.run(source.replace("{arguments}", "")).data.members
    ports = {member["torch"][1] for member in found}
    assert len(ports) == 1
    for index, member in enumerate(found):
        assert member["torch"] == ["127.0.0.1", *ports, str(index), "3", "3"]
    for name in os.listdir(project.folder):
        if name.startswith("try"):
            (project.folder / name).unlink()
    found = project.run(source.replace("{arguments}", "(master_port=29500)")).data.members
    assert {member["torch"][1] for member in found} == {"29500"}


def test_with_can_not_make_every_step_a_gang(project):
    project.write(gang())
    told = project.command("run", "--with", "parallel", code=None)
    assert told.code != 0
    assert "@parallel stands in the flow, above the step that num_parallel leads to" in told.err


def test_ctrl_c_ends_a_gang(project, until, is_alive):
    body = "open('pid%d' % me.node_index, 'w').write(str(os.getpid()))\n        time.sleep(1000)"
    project.write(gang(body))
    process = project.start("run")
    names = [project.folder / f"pid{n}" for n in range(3)]
    pids = [int(until(lambda name=name: name.exists() and name.read_text())) for name in names]
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not any(is_alive(pid) for pid in pids)


def test_a_gang_with_fresh_interpreters(project):
    run = project.run(gang(), "--isolation", "spawn").run
    assert [member["place"][2] for member in run.data.members] == [0, 1, 2]
