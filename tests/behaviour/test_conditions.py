"""Conditions and loops: one of several ways is taken, and a step may lead to itself."""

import itertools
import re

import pytest

from falaj import Run

SWITCH = """
class F(FlowSpec):
    kind = Parameter("kind", default="small", type={type})

    @step
    def start(self):
        self.chosen = {value}
        self.next({cases}, condition="chosen")

    @step
    def a(self):
        self.way = "a"
        self.next(self.meet)

    @step
    def b(self):
        self.way = "b"
        self.next(self.b_more)

    @step
    def b_more(self):
        self.way += " and more"
        self.next(self.meet)

    @step
    def meet(self):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def switch(cases, value="self.kind", type="str"):
    return SWITCH.replace("{cases}", cases).replace("{value}", value).replace("{type}", type)


@pytest.mark.parametrize(
    ("cases", "value", "way"),
    [
        ('{"x": self.a, "y": self.b}', "'x'", "a"),
        ('{"x": self.a, "y": self.b}', "'y'", "b and more"),
        ("{1: self.a, -2: self.b}", "-2", "b and more"),
        ("{1: self.a, 2.5: self.b}", "2.5", "b and more"),
        ("{True: self.a, False: self.b}", "not self.kind", "b and more"),
        ("{'x': self.a, 'y': self.b, 'z': self.a}", "'z'", "a"),
        ("{'': self.a, 'ä\\n\"': self.b}", "'ä\\n\"'", "b and more"),
        ("{True: self.a, False: self.b}", "__import__('numpy').float64(2) > 1", "a"),
        ("{1: self.a, 2: self.b}", "True", "a"),
    ],
)
def test_the_value_takes_exactly_one_way(project, cases, value, way):
    run = project.run(switch(cases, value)).run
    assert run.successful
    assert run.state == "succeeded"
    assert run.data.way == way
    taken = ["a"] if way == "a" else ["b", "b_more"]
    assert [step.id for step in reversed(list(run))] == ["start", *taken, "meet", "end"]
    assert [len(list(step)) for step in run] == [1] * (3 + len(taken))
    (parent,) = run["meet"].task.parent_tasks
    assert parent.path_components[2] == taken[-1]
    assert [task.path_components[2] for task in run["start"].task.child_tasks] == taken[:1]


def test_a_step_that_was_not_chosen_says_so(project):
    project.run(switch('{"x": self.a, "y": self.b}', "'x'"))
    shown = project.command("show", "F/1").out
    for name in ("b", "b_more"):
        (line,) = [line for line in shown.splitlines() if line.startswith(f"{name} ")]
        assert "not reached" in line
        assert "the condition `chosen` of step start took step a" in line
    with pytest.raises(KeyError, match="the condition `chosen` of step start took step a"):
        Run("F/1")["b"]


def test_a_step_that_was_not_chosen_says_so_also_in_a_run_that_failed(project):
    source = switch('{"x": self.a, "y": self.b}', "'x'").replace(
        "    def meet(self):\n", "    def meet(self):\n        raise ValueError('late')\n"
    )
    run = project.fail(source).run
    reasons = {step.name: step.reason for step in run._access.reader.steps(int(run.id))}
    assert reasons["b_more"] == "the condition `chosen` of step start took step a"
    assert reasons["end"] == "step meet failed: ValueError: late"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("'zzz'", "self.chosen is 'zzz', and the cases are 'x', 'y'. Add a case for it, or check"),
        ("None", "self.chosen is None, and the cases are 'x', 'y'."),
        ("[1]", "self.chosen is [1], and the cases are 'x', 'y'."),
        ("'long' * 1000", "longlon…, and the cases are 'x', 'y'."),
    ],
)
def test_a_value_without_a_case_is_told_with_its_place(project, value, told):
    failed = project.fail(switch('{"x": self.a, "y": self.b}', value))
    assert told in failed.err
    assert f"flow.py:{project.line_of('self.next({')}: self.chosen is" in failed.err
    assert "Traceback" not in failed.err
    assert failed.run["start"].task.exception is not None


def test_a_condition_without_its_artifact_is_told(project):
    source = switch('{"x": self.a, "y": self.b}').replace("self.chosen =", "chosen =")
    failed = project.fail(source)
    assert "there is no artifact self.chosen in this step. Assign it before self.next()." in (
        failed.err
    )


def test_a_case_can_be_a_value_of_the_class(project):
    source = switch('{self.table.first: self.a, "y": self.b}', "'x'").replace(
        "    kind =", '    table = types.SimpleNamespace(first="x")\n    kind ='
    )
    assert project.run("import types\n" + source).data.way == "a"
    assert "self.table.first ('x'): a, 'y': b" in project.command("show").out


def test_resume_takes_the_way_that_was_taken_and_reuses_it(project, tasks_of):
    source = switch('{"x": self.a, "y": self.b}', "'x'").replace(
        "    def meet(self):\n",
        "    def meet(self):\n        import os\n"
        "        if os.path.exists('fail'): raise ValueError\n",
    )
    (project.folder / "fail").touch()
    project.fail(source)
    (project.folder / "fail").unlink()
    run = project.resume().run
    states = {step.id: step.task.state for step in run}
    assert states == {"start": "reused", "a": "reused", "meet": "succeeded", "end": "succeeded"}
    reasons = {step.name: step.reason for step in run._access.reader.steps(int(run.id))}
    assert reasons["b"] == "the condition `chosen` of step start took step a"


def test_catch_from_outside_is_left_off_steps_that_choose(project):
    failed = project.fail(switch('{"x": self.a, "y": self.b}', "'zzz'"), "--with", "catch")
    assert "self.chosen is 'zzz'" in failed.err


NESTED = """
class F(FlowSpec):
    @step
    def start(self):
        self.items = [0, 1, 2, 3]
        self.next(self.sort_out, foreach="items")

    @step
    def sort_out(self):
        self.parity = self.input % 2
        self.next({0: self.even, 1: self.odd}, condition="parity")

    @step
    def even(self):
        self.got = ("even", self.input, self.index)
        self.next(self.join)

    @step
    def odd(self):
        self.next(self.left, self.right)

    @step
    def left(self):
        self.part = "l"
        self.next(self.inner)

    @step
    def right(self):
        self.part = "r"
        self.next(self.inner)

    @step
    def inner(self, inputs):
        self.got = ("odd", "".join(one.part for one in inputs))
        self.next(self.odd_done)

    @step
    def odd_done(self):
        self.got += (self.input,)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.got = [one.got for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_ways_inside_a_foreach_around_a_split_end_in_one_join(project):
    run = project.run(NESTED).run
    assert run.data.got == [("even", 0, 0), ("odd", "lr", 1), ("even", 2, 2), ("odd", "lr", 3)]
    assert len(list(run["even"])) == 2
    assert len(list(run["odd"])) == 2


LOOP = """
import os

class F(FlowSpec):
    times = Parameter("times", default=5)

    @step
    def start(self):
        self.items = [1, 3]
        self.next(self.one, self.each)

    @step
    def one(self):
        self.count = getattr(self, "count", 0) + 1
        self.trail = getattr(self, "trail", []) + [self.count]
        print("round", self.count)
        if self.count == 3 and os.path.exists("fail"):
            raise ValueError(self.count)
        self.more = self.count < self.times
        self.next({True: self.one, False: self.done}, condition="more")

    @step
    def done(self):
        self.next(self.join)

    @step
    def each(self):
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.rounds = getattr(self, "rounds", 0) + 1
        self.seen = (self.index, self.input)
        self.more = self.rounds < self.input
        self.next({True: self.body, False: self.body_done}, condition="more")

    @step
    def body_done(self):
        self.next(self.inner)

    @step
    def inner(self, inputs):
        self.rounds = [(one.rounds, one.seen) for one in inputs]
        self.next(self.inner_done)

    @step
    def inner_done(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.trail, self.rounds = inputs.done.trail, inputs.inner_done.rounds
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_step_repeats_until_its_condition_says_otherwise(project, tasks_of):
    run = project.run(LOOP).run
    assert run.data.trail == [1, 2, 3, 4, 5]
    assert run.data.rounds == [(1, (0, 1)), (3, (1, 3))]
    ones = tasks_of(run, "one")
    assert [task.iteration for task in ones] == [0, 1, 2, 3, 4]
    assert [task.stdout for task in ones] == [f"round {n}\n" for n in range(1, 6)]
    assert [task.data.count for task in ones] == [1, 2, 3, 4, 5]
    bodies = sorted(tasks_of(run, "body"), key=lambda task: (task.index, task.iteration))
    assert [(task.index, task.iteration) for task in bodies] == [(0, 0), (1, 0), (1, 1), (1, 2)]
    assert run["done"].task.iteration is None
    # Each round follows from the one before it, the first from what comes before the loop.
    for before, after in itertools.pairwise(ones):
        assert [task.id for task in after.parent_tasks] == [before.id]
        assert [task.id for task in before.child_tasks] == [after.id]
    assert [task.path_components[2] for task in ones[0].parent_tasks] == ["start"]
    assert [task.path_components[2] for task in ones[-1].child_tasks] == ["done"]
    # Tasks come newest first, as everywhere.
    assert [task.iteration for task in run["one"].tasks()] == [4, 3, 2, 1, 0]
    shown = project.command("show", "F/1/one").out
    assert "iteration 4" in shown
    one = project.command("show", f"F/1/one/{ones[2].id}").out
    assert re.search(r"^  iteration +2$", one, re.MULTILINE)


def test_resume_goes_on_after_the_last_good_round(project, tasks_of):
    (project.folder / "fail").touch()
    failed = project.fail(LOOP)
    assert "step one[2] failed: ValueError: 3" in failed.err
    assert "in step one for iteration 2" in failed.err
    (project.folder / "fail").unlink()
    run = project.resume().run
    states = [task.state for task in tasks_of(run, "one")]
    assert states == ["reused", "reused", "succeeded", "succeeded", "succeeded"]
    assert run.data.trail == [1, 2, 3, 4, 5]
    assert run.data.rounds == [(1, (0, 1)), (3, (1, 3))]
    second = tasks_of(run, "one")[1]
    assert second.origin_pathspec.split("/")[1] == "1"
    assert second.stdout == "round 2\n"


def test_resume_from_the_loop_begins_it_anew(project, tasks_of):
    project.run(LOOP)
    run = project.resume("one").run
    assert [task.state for task in tasks_of(run, "one")] == ["succeeded"] * 5
    assert run["start"].task.state == "reused"
    assert {task.state for task in run["body"]} == {"reused"}


def test_every_round_is_tried_again_by_itself(project, tasks_of):
    run = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.count = 0
                self.next(self.loop)

            @retry(times=1, minutes_between_retries=0)
            @step
            def loop(self):
                self.count += 1
                if current.retry_count == 0:
                    raise ValueError
                self.again = "yes" if self.count < 3 else "no"
                self.next({"yes": self.loop, "no": self.end}, condition="again")

            @step
            def end(self):
                pass
        """
    ).run
    assert run.data.count == 3
    assert [task.current_attempt for task in tasks_of(run, "loop")] == [1, 1, 1]


def test_the_graph_is_shown_with_its_cases(project):
    project.write(LOOP)
    shown = project.command("show").out
    assert "=> True: one, False: done (condition more)" in shown
    dot = project.command("output-dot").out
    assert 'one -> one [label="True" color="blue" fontcolor="blue"];' in dot
    assert "switch: more" in dot
    assert "one (split-switch) => True: one, False: done" in project.command("output-raw").out
    raw = project.command("output-raw", "--json").out
    assert '"condition": "more"' in raw
    assert '"type": "split-switch"' in raw


def test_the_structure_of_many_choices_in_a_row_stays_small(project):
    steps = "".join(
        f"    @step\n    def s{n}(self): "
        f'self.next({{1: self.a{n}, 2: self.b{n}}}, condition="k")\n'
        f"    @step\n    def a{n}(self): self.next(self.s{n + 1})\n"
        f"    @step\n    def b{n}(self): self.next(self.s{n + 1})\n"
        for n in range(40)
    )
    project.write(
        "class F(FlowSpec):\n    @step\n    def start(self): self.next(self.s0)\n"
        + steps
        + "    @step\n    def s40(self): self.next(self.end)\n    @step\n    def end(self): pass\n"
    )
    assert len(project.command("output-raw", "--json").out) < 200_000
