"""Joins: the inputs by name, index, slice and iteration, and merge_artifacts."""

import pytest

BRANCHES = """
class F(FlowSpec):
    constant = "same"
    rate = Parameter("rate", default=2)

    @step
    def start(self):
        self.common = [1, 2]
        self.settled = 0
        self.gone = "still here"
        self.next(self.zebra, self.apple, self.mango)

    @step
    def zebra(self):
        self.mine = "zebra"
        self.only_zebra = 1
        self.settled = 1
        self.shared = ["equal"]
        del self.gone
        self.next(self.join)

    @step
    def apple(self):
        self.mine = "apple"
        self.settled = 2
        self.shared = ["equal"]
        self.next(self.join)

    @step
    def mango(self):
        self.mine = "mango"
        self.settled = 2
        self._hidden = "kept"
        self.next(self.join)

    @step
    def join(self, inputs):
{body}
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def join(project):
    """Return a function that runs the three branches with a body for their join."""

    def run(body, **options):
        indented = "\n".join("        " + line for line in body.strip("\n").split("\n"))
        return project.run(BRANCHES.replace("{body}", indented), **options)

    return run


def test_inputs_by_every_way_of_asking(join):
    data = join(
        """
self.by_name = (inputs.apple.mine, inputs.mango.mine, inputs.zebra.mine)
self.by_index = (inputs[0].mine, inputs[1].mine, inputs[2].mine, inputs[-1].mine, inputs[-3].mine)
self.by_slice = [[one.mine for one in inputs[part]] for part in
    (slice(1, None), slice(None, -1), slice(None, None, -1), slice(5, 9))]
self.by_iteration = [one.mine for one in inputs]
self.again = [one.mine for one in inputs]
self.reverse = [one.mine for one in reversed(inputs)]
self.length = len(inputs)
first, *rest = inputs
self.unpacked = (first.mine, len(rest))
self.upstream = inputs.apple.common
self.own = (self.rate, self.constant, inputs.apple.rate, inputs.apple.constant)
"""
    ).data
    assert data.by_name == ("apple", "mango", "zebra")
    assert data.by_index == ("zebra", "apple", "mango", "mango", "zebra")
    assert data.by_slice == [
        ["apple", "mango"],
        ["zebra", "apple"],
        ["mango", "apple", "zebra"],
        [],
    ]
    assert data.by_iteration == data.again == ["zebra", "apple", "mango"]
    assert data.reverse == ["mango", "apple", "zebra"]
    assert (data.length, data.unpacked) == (3, ("zebra", 2))
    assert data.upstream == [1, 2]
    assert data.own == (2, "same", 2, "same")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("inputs[3]", "3 inputs"),
        ("inputs[-4]", "3 inputs"),
        ("inputs.pear", "zebra, apple, mango"),
        ("inputs.apple.only_zebra", "only_zebra"),
    ],
)
def test_an_input_that_is_not_there(join, asked, says):
    assert says in join(asked, code=1).err


def test_a_join_starts_with_parameters_and_constants_alone(join):
    data = join(
        """
self.has = [hasattr(self, name) for name in ("common", "mine", "settled", "rate", "constant")]
"""
    ).data
    assert data.has == [False, False, False, True, True]
    assert "common" not in data


def test_the_order_is_that_of_definition_whoever_comes_first(project):
    source = """
    import os, time

    class F(FlowSpec):
        @step
        def start(self):
            self.items = [2, 1, 0]
            self.next(self.body, foreach="items")

        @step
        def body(self):
            # The last one ends first, the first one last.
            open("done%d" % self.input, "w").close()
            while self.input and not os.path.exists("left%d" % (self.input - 1)):
                time.sleep(0.005)
            open("left%d" % self.input, "w").close()
            self.next(self.join)

        @step
        def join(self, inputs):
            self.seen = [(one.index, one.input) for one in inputs]
            self.stacks = [one.foreach_stack() for one in inputs]
            self.next(self.end)

        @step
        def end(self):
            pass
    """
    data = project.run(source).data
    assert data.seen == [(0, 2), (1, 1), (2, 0)]
    assert data.stacks == [[(0, 3, 2)], [(1, 3, 1)], [(2, 3, 0)]]


def test_merge_takes_what_is_equal_and_leaves_what_is_set(join):
    data = join(
        """
self.mine = "settled here"
self.settled = sum(one.settled for one in inputs)
self.merge_artifacts(inputs)
self.after = (self.common, self.shared, self.only_zebra, self.gone, self._hidden)
"""
    ).data
    assert (data.mine, data.settled) == ("settled here", 5)
    assert data.common == [1, 2]
    assert data.after == ([1, 2], ["equal"], 1, "still here", "kept")
    # What only some inputs have is taken over too.
    assert data.only_zebra == 1
    assert data.gone == "still here"


def test_merge_refers_to_the_very_same_artifact(join):
    result = join("self.merge_artifacts(inputs, exclude=['mine', 'settled'])")
    merged, start = result.run["join"].task, result.run["start"].task
    assert merged["common"].sha == start["common"].sha
    assert {one.id for one in merged} >= {"common", "shared", "only_zebra", "gone"}
    assert {"mine", "settled"}.isdisjoint(one.id for one in merged)


def test_merge_with_include_takes_those_alone(join):
    data = join("self.merge_artifacts(inputs, include=['common', 'only_zebra'])").data
    assert (data.common, data.only_zebra) == ([1, 2], 1)
    assert {"shared", "mine", "gone"}.isdisjoint(data)


def test_merge_include_of_what_is_set_here(join):
    data = join("self.mine = 'x'\nself.merge_artifacts(inputs, include=['mine', 'common'])").data
    assert (data.mine, data.common) == ("x", [1, 2])


def test_a_conflict_names_all_and_sets_nothing(join):
    data = join(
        """
from falaj.errors import UnhandledInMergeArtifactsException
try:
    self.merge_artifacts(inputs)
except UnhandledInMergeArtifactsException as error:
    self.names = sorted(error.artifact_names)
self.set = [name for name in ("common", "shared", "only_zebra", "gone") if hasattr(self, name)]
"""
    ).data
    assert data.names == ["mine", "settled"]
    assert data.set == []
    assert {"common", "shared", "only_zebra", "gone"}.isdisjoint(data)


def test_an_uncaught_conflict_fails_with_a_sentence(join):
    result = join("self.merge_artifacts(inputs)", code=1)
    assert "mine, settled" in result.err
    assert result.run["join"].task.exception.type == "UnhandledInMergeArtifactsException"
    assert {"common", "shared"}.isdisjoint(one.id for one in result.run["join"].task)


def test_a_missing_include_names_it_and_sets_nothing(join):
    data = join(
        """
from falaj.errors import MissingInMergeArtifactsException
try:
    self.merge_artifacts(inputs, include=["common", "absent", "nowhere"])
except MissingInMergeArtifactsException as error:
    self.names = sorted(error.artifact_names)
self.set = hasattr(self, "common")
"""
    ).data
    assert data.names == ["absent", "nowhere"]
    assert data.set is False


def test_a_conflict_among_the_included(join):
    result = join("self.merge_artifacts(inputs, include=['mine', 'common'])", code=1)
    assert "mine" in result.err
    assert "settled" not in result.run["join"].task.exception.exception


def test_include_and_exclude_at_once(join):
    result = join("self.merge_artifacts(inputs, include=['common'], exclude=['mine'])", code=1)
    assert result.run["join"].task.exception.type == "MergeArtifactsException"


def test_merge_outside_of_a_join(project):
    result = project.fail(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.merge_artifacts([self])
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert result.run["start"].task.exception.type == "MergeArtifactsException"
    assert "join" in result.err


def test_inputs_cannot_be_kept_as_an_artifact(join):
    result = join("self.kept = inputs[0]", code=1)
    assert "self.kept" in result.err
    assert "flow.py:" in result.err


def test_caught_failures_of_two_inputs_do_not_stand_in_the_way_of_a_merge(project):
    # Nobody assigned the hidden artifact in which @catch notes the exception.
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.items = [1, 2]
                self.common = "c"
                self.next(self.body, foreach="items")

            @catch
            @step
            def body(self):
                raise ValueError("value %d" % self.input)
                self.next(self.join)

            @step
            def join(self, inputs):
                self.merge_artifacts(inputs)
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert result.data.common == "c"


def test_nested_merges_carry_artifacts_all_the_way(project):
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.top = "top"
                self.next(self.a, self.b)

            @step
            def a(self):
                self.items = [1, 2]
                self.next(self.body, foreach="items")

            @step
            def body(self):
                self.made = "equal"
                self.next(self.inner)

            @step
            def inner(self, inputs):
                self.merge_artifacts(inputs)
                self.next(self.outer)

            @step
            def b(self):
                self.next(self.outer)

            @step
            def outer(self, inputs):
                self.merge_artifacts(inputs)
                self.next(self.end)

            @step
            def end(self):
                self.seen = (self.top, self.made, self.items)
        """
    )
    assert result.data.seen == ("top", "equal", [1, 2])
