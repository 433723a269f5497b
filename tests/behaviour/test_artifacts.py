"""Artifacts: what is kept, what is refused, what is shared, and what the parent never sees."""

import pytest

LINE = """
{imports}

class F(FlowSpec):
    CONSTANT = [1, 2]
    rate = Parameter("rate", default=2)

    @step
    def start(self):
{start}
        self.next(self.middle)

    @step
    def middle(self):
{middle}
        self.next(self.end)

    @step
    def end(self):
{end}
"""


@pytest.fixture
def line(project):
    """Return a function that runs start, middle and end with the bodies that it is given."""

    def run(start="pass", middle="pass", end="pass", imports="", arguments=(), **options):
        source = LINE.replace("{imports}", imports)
        for name, body in (("start", start), ("middle", middle), ("end", end)):
            indented = "\n".join("        " + text for text in body.strip("\n").split("\n"))
            source = source.replace("{" + name + "}", indented)
        return project.run(source, *arguments, **options)

    return run


def test_dump_puts_each_heading_before_its_artifacts(project):
    project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.items = [1, 2]
                self.next(self.body, foreach="items")

            @step
            def body(self):
                self.own = self.input
                self.next(self.join)

            @step
            def join(self, inputs):
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    # Both streams go to one place.
    shown = project.start("dump", "1/body", "--include", "own").stdout.read().splitlines()
    assert [line.partition(" ")[0] for line in shown] == ["Dumping", "own", "Dumping", "own"]


@pytest.mark.parametrize(
    "assignment",
    ["self.CONSTANT = 3", "self.rate = 3", "self.CONSTANT += [3]", "setattr(self, 'rate', 3)"],
)
def test_constants_and_parameters_are_read_only(line, project, assignment):
    result = line(middle=assignment, code=1)
    exception = result.run["middle"].task.exception
    assert exception.type == "AttributeError"
    assert "not modifiable" in exception.exception
    assert assignment in result.err
    # The failing line is the user's.
    assert exception.location == f"{project.path}:{project.line_of(assignment)}"


PRIVATE = """
class F(FlowSpec):
    _state = None
    __limit = 3

    @step
    def start(self):
        self._state, self.before = "start", self._state
        self.next(self.a, self.b)

    @step
    def a(self):
        self.seen = self._state
        self._state = "a"
        self.next(self.join)

    @step
    def b(self):
        self.__limit += 1
        self.next(self.join)

    @step
    def join(self, inputs):
        self.came = [inputs.a._state, inputs.b._state]
        self.merge_artifacts(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.last = self._state, self.__limit, type(self)._state
"""


@pytest.mark.parametrize("isolation", ["fork", "spawn"])
def test_a_private_value_of_the_class_can_be_assigned_and_is_seen_by_later_steps(
    project, isolation
):
    data = project.run(PRIVATE, "--isolation", isolation).data
    assert (data.before, data.seen, data.came) == (None, "start", ["a", "start"])
    # A join merges no name that the class itself has a value for.
    assert data.last == (None, 3, None)


def test_the_error_of_a_read_only_name_can_be_caught_and_changes_nothing(line):
    data = line(
        middle="""
try:
    self.rate = 9
except AttributeError:
    self.seen = self.rate
""",
        end="self.later = (self.rate, self.CONSTANT)",
    ).data
    assert (data.seen, data.later, data.rate, data.CONSTANT) == (2, (2, [1, 2]), 2, [1, 2])


@pytest.mark.parametrize("name", ["name", "index", "input", "next", "foreach_stack", "script_name"])
def test_names_that_belong_to_every_flow_cannot_be_assigned(line, name):
    result = line(middle=f"setattr(self, {name!r}, 1)", code=1)
    assert name in result.run["middle"].task.exception.exception


def test_a_step_cannot_be_assigned_over(line):
    # It hides the method that self.next has to name.
    assert "self.next()" in line(start="self.middle = 1", code=1).err


def test_one_underscore_is_kept_but_not_listed(line):
    result = line(
        start="self._hidden = 'kept'; self.shown = 1",
        end="self.seen = self._hidden",
    )
    task = result.run["start"].task
    assert result.data.seen == "kept"
    assert "_hidden" not in [one.id for one in task]
    assert "shown" in [one.id for one in task]
    assert task["_hidden"].data == "kept"
    assert "_hidden" not in dir(task.data)


def test_two_underscores_are_kept_too_since_python_turns_them_into_one(line):
    data = line(start="self.__mine = 5", end="self.seen = self.__mine").data
    assert data.seen == 5


def test_the_advice_for_what_cannot_be_pickled_can_be_followed(line):
    # In a class self.__x means self._F__x, which is an artifact like any other.
    result = line(imports="import threading", start="self.lock = threading.Lock()", code=1)
    assert "two underscores" not in result.err


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("lambda: 1", "lambda"),
        ("threading.Lock()", "lock"),
        ("(n for n in [1])", "generator"),
        ("open(__file__)", "TextIOWrapper"),
        ("sqlite3.connect(':memory:')", "Connection"),
        ("[1, {'deep': threading.Lock()}]", "list"),
        ("self", "F"),
    ],
)
def test_what_cannot_be_pickled_names_artifact_type_and_line(line, project, value, kind):
    result = line(
        imports="import threading, sqlite3",
        start="self.fine = 1",
        middle=f"self.broken = {value}\nself.other = 2",
        code=1,
    )
    message = result.run["middle"].task.exception.exception
    assert "self.broken" in message
    assert kind in message
    assert f"flow.py:{project.line_of('self.broken')}" in message
    assert "self.broken" in result.err
    # What can be kept of the failed attempt is.
    assert result.run["middle"].task.data.other == 2
    assert result.run["middle"].task.data.fine == 1


def test_the_line_is_that_of_the_last_assignment_also_in_a_helper(line, project):
    result = line(
        imports="def helper(flow):\n    flow.broken = lambda: None",
        middle="self.broken = 1\nhelper(self)",
        code=1,
    )
    message = result.run["middle"].task.exception.exception
    assert f"flow.py:{project.line_of('flow.broken')}" in message


def test_a_function_of_the_flow_file_is_kept(line):
    data = line(
        imports="def double(x):\n    return 2 * x",
        start="self.function = double",
        end="self.seen = self.function(4)",
    ).data
    assert data.seen == 8


def test_what_a_class_of_the_flow_file_made_is_kept(line):
    data = line(
        imports="""
import dataclasses

@dataclasses.dataclass
class Point:
    x: int
""",
        start="self.point = Point(3)",
        middle="self.point.x += 1",
        end="self.seen = (self.point == Point(4), type(self.point) is Point)",
    ).data
    assert data.seen == (True, True)


def test_a_class_level_value_that_cannot_be_pickled_stays_usable(project):
    data = project.run(
        """
        import threading

        class F(FlowSpec):
            lock = threading.Lock()

            @step
            def start(self):
                with self.lock:
                    self.x = 1
                self.next(self.end)

            @step
            def end(self):
                self.got = self.lock.acquire(timeout=1)
        """
    ).data
    assert (data.x, data.got) == (1, True)


def test_deletion_holds_from_here_on(line):
    result = line(
        start="self.x = 1; self.y = 2; self.z = 3",
        middle="""
del self.x
self.y
del self.y
self.has = (hasattr(self, "x"), hasattr(self, "y"), self.z)
del self.z
self.z = "again"
""",
        end="""
self.later = (hasattr(self, "x"), hasattr(self, "y"), self.z)
try:
    self.x
except AttributeError as error:
    self.text = str(error)
try:
    del self.never
except AttributeError as error:
    self.text_of_deletion = str(error)
""",
    )
    assert result.data.has == (False, False, 3)
    assert result.data.later == (False, False, "again")
    assert result.data.text == "Flow F has no attribute 'x'"
    assert "never" in result.data.text_of_deletion
    start, middle = result.run["start"].task, result.run["middle"].task
    assert (start.data.x, start.data.y, start.data.z) == (1, 2, 3)
    assert {"x", "y"}.isdisjoint(one.id for one in middle)


@pytest.mark.parametrize(
    ("made", "change", "after"),
    [
        ("[1, 2]", "self.v.append(3)", [1, 2, 3]),
        ("{'a': [1]}", "self.v['a'].append(2)", {"a": [1, 2]}),
        ("{1, 2}", "self.v.discard(1)", {2}),
        ("bytearray(b'abc')", "self.v[0] = 65", bytearray(b"Abc")),
        ("[1, 2]", "other = self.v; other.clear()", []),
    ],
)
def test_a_change_in_place_persists_downstream_and_not_upstream(line, made, change, after):
    result = line(start=f"self.v = {made}", middle=change, end="self.seen = self.v")
    assert result.data.seen == after
    assert result.run["start"].task.data.v == eval(made)
    assert result.run["middle"].task.data.v == after


def test_two_branches_change_their_own_copy(project):
    result = project.run(
        """
        class F(FlowSpec):
            @step
            def start(self):
                self.v = []
                self.next(self.a, self.b)

            @step
            def a(self):
                self.v.append("a")
                self.next(self.join)

            @step
            def b(self):
                self.v.append("b")
                self.next(self.join)

            @step
            def join(self, inputs):
                inputs.a.v.append("join")
                self.all = [one.v for one in inputs]
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert result.data.all == [["a", "join"], ["b"]]
    assert result.run["a"].task.data.v == ["a"]


LARGE = "numpy.arange(1_000_000, dtype='int64')"


@pytest.mark.parametrize(
    "read", ["pass", "self.big", "self.total = int(self.big.sum())", "self.alias = self.big[:3]"]
)
def test_a_large_array_that_is_not_changed_keeps_its_digest(line, read):
    result = line(imports="import numpy", start=f"self.big = {LARGE}", middle=read)
    shas = {result.run[step].task["big"].sha for step in ("start", "middle", "end")}
    assert len(shas) == 1


def test_a_large_array_that_is_changed_leaves_the_parents_copy_alone(line):
    result = line(
        imports="import numpy",
        start=f"self.big = {LARGE}",
        middle="self.big[0] = -5; self.big[-1] = -6",
        end="self.seen = (int(self.big[0]), int(self.big[1]), int(self.big[-1]))",
    )
    start, middle, end = (result.run[step].task for step in ("start", "middle", "end"))
    assert result.data.seen == (-5, 1, -6)
    assert start["big"].sha != middle["big"].sha
    assert middle["big"].sha == end["big"].sha
    assert start.data.big[0] == 0
    assert start.data.big[-1] == 999_999
    assert int(start.data.big.sum()) == sum(range(1_000_000))
    assert middle.data.big[0] == -5


def test_a_large_array_changed_and_changed_back(line):
    result = line(
        imports="import numpy",
        start=f"self.big = {LARGE}",
        middle="self.big[7] = 0; self.big[7] = 7",
    )
    assert result.run["start"].task["big"].sha == result.run["middle"].task["big"].sha


def test_a_large_frame_changed_in_place(line):
    result = line(
        imports="import pandas, numpy",
        start="self.frame = pandas.DataFrame({'a': numpy.arange(200_000), 'b': 1.5})",
        middle="self.frame.loc[0, 'a'] = -1",
        end="self.seen = (int(self.frame['a'].iloc[0]), len(self.frame))",
    )
    assert result.data.seen == (-1, 200_000)
    assert result.run["start"].task.data.frame["a"].iloc[0] == 0


def test_large_arrays_in_one_value_and_views_of_each_other(line):
    data = line(
        imports="import numpy",
        start=f"""
whole = {LARGE}
self.pair = {{"whole": whole, "half": whole[::2].copy(), "none": numpy.array([])}}
self.bytes = b"x" * 300_000
""",
        middle="self.pair['half'][0] = 9",
        end="""
self.seen = (int(self.pair["half"][0]), int(self.pair["whole"][0]), self.pair["none"].size)
self.length = len(self.bytes)
""",
    ).data
    assert (data.seen, data.length) == ((9, 0, 0), 300_000)


def test_a_thousand_artifacts(line):
    result = line(
        start="for n in range(1000):\n    setattr(self, 'a%d' % n, [n])",
        middle="self.a7.append('changed')",
        end="self.total = sum(getattr(self, 'a%d' % n)[0] for n in range(1000))",
    )
    assert result.data.total == sum(range(1000))
    assert result.data.a7 == [7, "changed"]
    assert len([one for one in result.run["start"].task if one.id.startswith("a")]) == 1000


def test_a_hundred_artifacts_through_thirty_steps(project):
    steps = []
    for number in range(30):
        following = f"s{number + 1}" if number < 29 else "end"
        steps.append(
            f"""
    @step
    def s{number}(self):
        self.v{number} = "new{number}"
        self.count += 1
        self.next(self.{following})
"""
        )
    result = project.run(
        f"""
class F(FlowSpec):
    @step
    def start(self):
        self.count = 0
        for n in range(100):
            setattr(self, "v%d" % n, "old%d" % n)
        self.next(self.s0)
{"".join(steps)}
    @step
    def end(self):
        self.all = [getattr(self, "v%d" % n) for n in range(100)]
"""
    )
    assert result.data.count == 30
    assert result.data.all == [f"{'new' if n < 30 else 'old'}{n}" for n in range(100)]
    assert result.run["s9"].task.data.v10 == "old10"
    assert result.run["s9"].task.data.v9 == "new9"
    assert result.run["s29"].task["v99"].sha == result.run["start"].task["v99"].sha


def test_names_and_values_of_every_alphabet(line):
    data = line(
        start="self.größe = 'ß 漢字 🐫'; self.données = {'clé': 1}; self.odd = '\\udc80'",
        end="self.seen = (self.größe, self.données, self.odd)",
    ).data
    assert data.seen == ("ß 漢字 🐫", {"clé": 1}, "\udc80")


def test_a_flow_object_cannot_be_pickled(line):
    result = line(imports="import pickle", middle="pickle.dumps(self)", code=1)
    assert "serialized" in result.err


def test_an_attribute_that_is_not_there(line):
    result = line(middle="print(self.nowhere)", code=1)
    exception = result.run["middle"].task.exception
    assert exception.exception == "Flow F has no attribute 'nowhere'"


def test_artifacts_of_a_failed_attempt_can_be_read(line):
    result = line(start="self.x = 1", middle="self.half = 2; self.x = 5; 1 / 0", code=1)
    task = result.run["middle"].task
    assert (task.data.half, task.data.x, task.successful, task.finished) == (2, 5, False, True)


def test_properties_and_methods_are_no_artifacts(project):
    result = project.run(
        """
        class F(FlowSpec):
            limit = 5

            @property
            def twice(self):
                return self.limit * 2

            def helper(self):
                self.by_helper = self.twice

            @staticmethod
            def static():
                return 3

            @step
            def start(self):
                self.helper()
                self.x = self.static()
                self.next(self.end)

            @step
            def end(self):
                pass
        """
    )
    assert {one.id for one in result.run["end"].task} == {"limit", "by_helper", "x"}
    assert (result.data.by_helper, result.data.x) == (10, 3)
