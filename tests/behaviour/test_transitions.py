"""Transitions: linear, branches, foreach over anything, nested, inherited, marked."""

import subprocess
import sys

import pytest

FOREACH = """
{imports}

class F(FlowSpec):
    @step
    def start(self):
        self.items = {items}
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.seen = (self.index, self.input)
        self.stack = self.foreach_stack()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.seen = [one.seen for one in inputs]
        self.stacks = [one.stack for one in inputs]
        self.around = (self.index, self.input, self.foreach_stack())
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def foreach(items):
    """Return the flow with what its `items` are, and the imports which that takes."""
    needed = [name for name in ("numpy", "pandas") if name in items]
    imports = "import " + ", ".join(needed) if needed else ""
    return FOREACH.replace("{imports}", imports).replace("{items}", items)


ITERABLES = {
    "list": ("[3, 1, 2, 1]", [3, 1, 2, 1]),
    "tuple": ("('b', 'a')", ["b", "a"]),
    "dict": ("{'y': 1, 'x': 2}", ["y", "x"]),
    "generator": ("(n * n for n in range(4))", [0, 1, 4, 9]),
    "iterator": ("iter([7, 8])", [7, 8]),
    "range": ("range(2, 5)", [2, 3, 4]),
    "string": ("'falaj'", list("falaj")),
    "unhashable": ("[{'a': 1}, [2], None]", [{"a": 1}, [2], None]),
    "column": ("pandas.DataFrame({'c': [1.5, 2.5, 1.5]})['c']", [1.5, 2.5, 1.5]),
    "filtered column": ("pandas.Series([1, 2, 3, 4])[lambda c: c % 2 == 0]", [2, 4]),
    "array": ("numpy.array([5, 6, 7])", [5, 6, 7]),
    "one": ("['only']", ["only"]),
}


STACKS = """
class F(FlowSpec):
    @step
    def start(self):
        self.items = ["a", {"b": list(range(50))}]
        self.next(self.outer, foreach="items")

    @step
    def outer(self):
        self.subs = (self.input, [7])[1:]
        self.next(self.first, foreach="subs")

    @step
    def first(self):
        self.value = self.input
        self.next(self.second)

    @step
    def second(self):
        self.next(self.join_subs)

    @step
    def join_subs(self, inputs):
        self.next(self.again)

    @step
    def again(self):
        self.others = [1, 2]
        self.next(self.unasked, foreach="others")

    @step
    def unasked(self):
        self.next(self.join_others)

    @step
    def join_others(self, inputs):
        self.next(self.join_items)

    @step
    def join_items(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_metadata_tell_the_values_around_a_task(project):
    run = project.run(STACKS).run
    stacks = {}
    for step in run:
        tasks = sorted(step, key=lambda task: task.metadata_dict.get("foreach-indices", ""))
        stacks[step.id] = [task.metadata_dict.get("foreach-stack") for task in tasks]
    outer = [["items=a"], ["items={'b': [0, 1, 2, 3, 4, 5, 6, 7…"]]
    assert stacks["outer"] == outer
    assert stacks["first"] == stacks["second"] == [[*around, "subs=[7]"] for around in outer]
    assert stacks["unasked"] == [outer[0], outer[0], outer[1], outer[1]]
    assert stacks["join_subs"] == stacks["join_others"] == outer
    assert stacks["start"] == stacks["join_items"] == stacks["end"] == [None]


@pytest.mark.parametrize("kind", ITERABLES)
def test_foreach_gives_each_value_exactly_once_in_order(project, kind):
    items, values = ITERABLES[kind]
    data = project.run(foreach(items)).data
    assert data.seen == list(enumerate(values))
    assert data.stacks == [[(index, len(values), value)] for index, value in enumerate(values)]
    assert data.around == (None, None, [])


def test_foreach_over_the_rows_of_an_array(project):
    data = project.run(foreach("numpy.arange(6).reshape(3, 2)")).data
    assert [(index, row.tolist()) for index, row in data.seen] == [
        (0, [0, 1]),
        (1, [2, 3]),
        (2, [4, 5]),
    ]


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_foreach_over_a_set_is_fixed_once(project, isolation):
    # Under spawn every task has another hash seed, hence another order of such a set.
    names = {f"name{number}" for number in range(6)}
    data = project.run(foreach(repr(names)), "--isolation", isolation).data
    assert [index for index, _ in data.seen] == list(range(6))
    assert sorted(value for _, value in data.seen) == sorted(names)


def test_an_exhausted_generator_is_kept_as_its_values(project):
    result = project.run(foreach("(c for c in 'ab')"))
    assert result.run["start"].task.data.items == ["a", "b"]


def test_a_foreach_wider_than_one_hundred(project, tasks_of):
    result = project.run(foreach("range(150)"))
    assert [value for _, value in result.data.seen] == list(range(150))
    assert [task.index for task in tasks_of(result.run, "body")] == list(range(150))


@pytest.mark.parametrize("items", ["[]", "iter(())", "numpy.array([])", "''", "{}"])
def test_no_values_is_an_error_that_names_artifact_and_step(project, items):
    result = project.fail(foreach(items))
    exception = result.run["start"].task.exception
    assert exception.type == "InvalidNextException"
    assert "items" in exception.exception
    # The step that would have no tasks is the one that the foreach goes to.
    assert "body" in exception.exception
    assert "start" in result.err
    assert "items" in result.err
    assert 'flow.py", line' not in result.err.partition("items")[0]


@pytest.mark.parametrize(
    ("items", "says"),
    [("5", "int"), ("None", "NoneType")],
)
def test_a_value_that_cannot_be_iterated_over_is_named(project, items, says):
    result = project.fail(foreach(items))
    message = result.run["start"].task.exception.exception
    assert "items" in message
    assert says in message


def test_foreach_over_an_artifact_that_is_not_there(project):
    result = project.fail(foreach("5").replace("self.items = 5", "pass"))
    assert "self.items" in result.run["start"].task.exception.exception


def test_linear_and_branches(project):
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.x = 1
                self.next(self.middle)

            @step
            def middle(self):
                self.x += 1
                self.next(self.c, self.a, self.b)

            @step
            def a(self):
                self.mine = self.x * 10
                self.next(self.join)

            @step
            def b(self):
                self.mine = self.x * 100
                self.next(self.join)

            @step
            def c(self):
                self.mine = self.x * 1000
                self.around = (self.index, self.input, self.foreach_stack())
                self.next(self.join)

            @step
            def join(self, inputs):
                self.all = [one.mine for one in inputs]
                self.around = inputs.c.around
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert result.data.all == [2000, 20, 200]
    assert result.data.around == (None, None, [])
    assert {step.id for step in result.run} == {"start", "middle", "a", "b", "c", "join", "end"}


def test_foreach_three_deep_knows_its_place_everywhere(project):
    data = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.outer = ["a", "b"]
                self.next(self.one, foreach="outer")

            @step
            def one(self):
                self.me = (self.index, self.input)
                self.middle = [self.input + str(n) for n in range(3)]
                self.next(self.two, foreach="middle")

            @step
            def two(self):
                self.inner = [self.input + "x", self.input + "y"]
                self.next(self.plain, foreach="inner")

            @step
            def plain(self):
                self.next(self.three)

            @step
            def three(self):
                self.stack = self.foreach_stack()
                assert (self.index, self.input) == (self.stack[-1][0], self.stack[-1][2])
                self.next(self.join_three)

            @step
            def join_three(self, inputs):
                self.place = (self.index, self.input, self.foreach_stack())
                self.stacks = [one.stack for one in inputs]
                self.indices = [one.index for one in inputs]
                self.inputs = [one.input for one in inputs]
                self.next(self.between)

            @step
            def between(self):
                assert self.place == (self.index, self.input, self.foreach_stack())
                self.next(self.join_two)

            @step
            def join_two(self, inputs):
                self.place = (self.index, self.input, self.foreach_stack())
                self.places = [one.place for one in inputs]
                self.stacks = [stack for one in inputs for stack in one.stacks]
                self.inputs = [(one.indices, one.inputs) for one in inputs]
                self.next(self.join_one)

            @step
            def join_one(self, inputs):
                self.place = (self.index, self.input, self.foreach_stack())
                self.outer_places = [one.place for one in inputs]
                self.middle_places = [place for one in inputs for place in one.places]
                self.stacks = [stack for one in inputs for stack in one.stacks]
                self.inputs = [pair for one in inputs for pair in one.inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    ).data
    expected_stacks, expected_middle = [], []
    for i, outer in enumerate("ab"):
        for j in range(3):
            value = f"{outer}{j}"
            expected_middle.append((j, value, [(i, 2, outer), (j, 3, value)]))
            for k, last in enumerate("xy"):
                expected_stacks.append([(i, 2, outer), (j, 3, value), (k, 2, value + last)])
    assert data.stacks == expected_stacks
    assert data.middle_places == expected_middle
    assert data.outer_places == [(0, "a", [(0, 2, "a")]), (1, "b", [(1, 2, "b")])]
    assert data.place == (None, None, [])
    assert data.inputs == [
        ([0, 1], [f"{outer}{j}x", f"{outer}{j}y"]) for outer in "ab" for j in range(3)
    ]


def test_branch_in_foreach_in_branch(project):
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.base = 1
                self.next(self.left, self.right)

            @step
            def left(self):
                self.items = [10, 20, 30]
                self.next(self.body, foreach="items")

            @step
            def right(self):
                self.value = -self.base
                self.next(self.join_all)

            @step
            def body(self):
                self.next(self.plus, self.minus)

            @step
            def plus(self):
                self.value = self.input + self.base
                self.stack = self.foreach_stack()
                self.next(self.join_branch)

            @step
            def minus(self):
                self.value = self.input - self.base
                self.next(self.join_branch)

            @step
            def join_branch(self, inputs):
                self.values = [inputs.plus.value, inputs.minus.value, self.input, self.index]
                self.stacks = (inputs.plus.stack, self.foreach_stack())
                self.next(self.join_foreach)

            @step
            def join_foreach(self, inputs):
                self.value = [one.values for one in inputs]
                self.stacks = [one.stacks for one in inputs]
                assert self.foreach_stack() == []
                self.next(self.join_all)

            @step
            def join_all(self, inputs):
                self.values = [one.value for one in inputs]
                self.stacks = inputs.join_foreach.stacks
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    data = result.data
    assert data.values == [
        [[11, 9, 10, 0], [21, 19, 20, 1], [31, 29, 30, 2]],
        -1,
    ]
    stacks = [[(index, 3, value)] for index, value in enumerate((10, 20, 30))]
    assert data.stacks == [(stack, stack) for stack in stacks]


def test_a_flow_of_a_single_step(project):
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def only(self):
                self.x = 42
        """
    )
    assert result.data.x == 42
    assert [step.id for step in result.run] == ["only"]


def test_several_flows_in_one_file(project):
    project.write(
        """
        from falaj import FlowSpec, step

        class First(FlowSpec):
            @step
            def only(self):
                self.x = "first"

        class Second(FlowSpec):
            @step
            def only(self):
                self.x = "second"

        if __name__ == "__main__":
            Second()
        """
    )
    result = project.command("run")
    assert (result.run.pathspec.split("/")[0], result.data.x) == ("Second", "second")
    launch = [sys.executable, "-m", "falaj.runtime.launch"]
    for name, value in (("First", "first"), ("Second", "second")):
        done = subprocess.run(
            [*launch, f"flow.py:{name}", "run"],
            cwd=project.folder,
            check=False,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        assert (result.run.pathspec.split("/")[0], result.data.x) == (name, value)


BASE = """
from falaj import FlowSpec, Parameter, step

class Base(FlowSpec):
    \"\"\"Steps that others inherit.\"\"\"

    rate = Parameter("rate", default=3)

    @step
    def start(self):
        self.x = self.rate
        self.next(self.work)

    @step
    def work(self):
        self.x += 1
        self.next(self.end)

    @step
    def end(self):
        self.done = True
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_steps_inherited_from_a_class_in_another_module(project, isolation):
    project.write(BASE, "base.py")
    result = project.run(
        """
        from base import Base

        class F(Base):
            @step
            def work(self):
                self.x *= 100
                self.next(self.more)

            @step
            def more(self):
                self.x += 7
                self.next(self.end)
        """,
        "--rate",
        5,
        "--isolation",
        isolation,
    )
    assert (result.data.x, result.data.done) == (507, True)


def test_an_inherited_step_may_be_called_from_its_override(project):
    project.write(BASE, "base.py")
    result = project.run(
        """
        from base import Base

        class F(Base):
            @step
            def end(self):
                super().end()
                self.x *= 2
        """
    )
    assert (result.data.x, result.data.done) == (8, True)


def test_start_and_end_marks(project):
    result = project.run(
        """
        class F(FlowSpec):
            @step(start=True)
            def first(self):
                self.x = 1
                self.next(self.last)

            @step(end=True)
            def last(self):
                self.x += 1
        """
    )
    assert result.data.x == 2
    assert result.run.end_task.pathspec.split("/")[2] == "last"


EVERYWHERE = """
class F(FlowSpec):
    @step
    def start(self):
        self.outer = [0, 1]
        self.next(self.side, self.open)

    @step
    def side(self):
        self.next(self.meet)

    @step
    def open(self):
        self.next(self.body, foreach="outer")

    @step
    def body(self):
        self.inner = list(range(self.index, 12))
        self.next(self.left, self.wide)

    @step
    def left(self):
        self.next(self.gather)

    @step
    def wide(self):
        self.rounds = 0
        self.next(self.turn, foreach="inner")

    @step
    def turn(self):
        self.rounds += 1
        self.go = "on" if self.rounds < self.index % 3 else "out"
        self.next({"on": self.turn, "out": self.out}, condition="go")

    @step
    def out(self):
        self.next(self.close)

    @step
    def close(self, inputs):
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.next(self.shut)

    @step
    def shut(self, inputs):
        self.next(self.team)

    @step
    def team(self):
        self.next(self.member, num_parallel=2)

    @parallel
    @step
    def member(self):
        self.next(self.done)

    @step
    def done(self, inputs):
        self.next(self.meet)

    @step
    def meet(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_children_are_the_other_side_of_parents_wherever_a_task_is(project):
    run = project.run(EVERYWHERE).run
    tasks = [task for step in run for task in step]
    children = {task.pathspec: set(task.child_task_pathspecs) for task in tasks}
    turned = {task.pathspec: set() for task in tasks}
    for task in tasks:
        for parent in task.parent_task_pathspecs:
            turned[parent].add(task.pathspec)
    assert children == turned
    assert sum(map(len, children.values())) == sum(len(list(task.parent_tasks)) for task in tasks)
