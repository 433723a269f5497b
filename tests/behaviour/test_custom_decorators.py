"""Users' own decorators: around steps, and those that change the flow before it runs."""

import json

import pytest

DECORATORS = """
from falaj import *

def note(flow, text):
    flow.notes = getattr(flow, "notes", []) + [text]

@user_step_decorator
def inner(step_name, flow, inputs):
    note(flow, "inner before " + step_name)
    yield
    note(flow, "inner after")

@user_step_decorator(tag="default")
def tagged(step_name, flow, inputs, attributes):
    note(flow, attributes["tag"])
    yield

@user_step_decorator
def swallow(step_name, flow, inputs):
    try:
        yield
    except ZeroDivisionError as error:
        flow.kept = repr(error)

@user_step_decorator
def skip(step_name, flow, inputs):
    flow.items = ["a", "b"]
    yield USER_SKIP_STEP

@user_step_decorator
def elsewhere(step_name, flow, inputs):
    flow.others = [1, 2, 3]
    yield {"foreach": "others"}

@user_step_decorator
def explode(step_name, flow, inputs):
    yield
    1 / 0

@user_step_decorator
def replace(step_name, flow, inputs):
    def instead(flow, inputs=None):
        flow.replaced = inputs is not None
        return True
    yield instead

@user_step_decorator
def never(step_name, flow, inputs):
    if False:
        yield

@user_step_decorator
def twice(step_name, flow, inputs):
    yield
    yield

@user_step_decorator
def wrong(step_name, flow, inputs):
    yield 7

class Outer(UserStepDecorator):
    def init(self, name="outer"):
        self.name = name

    def pre_step(self, step_name, flow, inputs=None):
        note(flow, self.name + " before")

    def post_step(self, step_name, flow, exception=None):
        note(flow, self.name + " after " + type(exception).__name__)
        return exception

class Odd(UserStepDecorator):
    def post_step(self, step_name, flow, exception=None):
        return "odd"

class Both(UserStepDecorator, StepMutator):
    def pre_step(self, step_name, flow, inputs=None):
        note(flow, "both")

    def mutate(self, mutable_step):
        mutable_step.add_decorator("environment", deco_kwargs={"vars": {"BOTH": "yes"}})

class Fails(StepMutator):
    def mutate(self, mutable_step):
        return 1 / 0
"""

ONE = """
from own import *

class F(FlowSpec):
    cfg = Config("cfg", default_value={{"name": "from config", "times": 1}})

    {decorators}
    @step
    def start(self):
        {body}

if __name__ == "__main__":
    F()
"""

FAN = """
from own import *

class F(FlowSpec):
    {start}
    @step
    def start(self):
        self.items = ["never"]
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.got = self.input
        self.next(self.join)

    {join}
    @step
    def join(self, inputs):
        self.got = [one.got for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


@pytest.fixture
def own(project):
    """Write the module of decorators beside the flow."""
    project.write(DECORATORS, "own.py")
    return project


def one(*decorators: str, body: str = "note(self, 'body')") -> str:
    """Return a flow of one step below `decorators`, the first uppermost."""
    return ONE.format(decorators="\n    ".join(decorators), body=body)


def test_decorators_nest(own):
    data = own.run(one("@Outer(name=cfg.name)", "@inner", "@tagged", "@tagged(tag='t')")).data
    assert data.notes == [
        "from config before",
        "inner before start",
        "default",
        "t",
        "body",
        "inner after",
        "from config after NoneType",
    ]


def test_a_swallowed_exception_lets_the_flow_go_on(own):
    data = own.run(one("@Outer", "@swallow", body="self.x = 1; 1 / 0")).data
    assert data.kept == "ZeroDivisionError('division by zero')"
    assert data.x == 1
    assert data.notes == ["outer before", "outer after NoneType"]


def test_an_exception_keeps_the_users_frames(own):
    failed = own.fail(one("@Outer", "@inner", body="1 / 0"))
    task = failed.run["start"].task
    shown = failed.out + failed.err
    assert "flow.py" in shown
    assert "1 / 0" in shown
    assert "own.py" in shown
    assert "wrapping.py" not in shown
    assert "outer after ZeroDivisionError" in task.data.notes


def test_retry_and_catch_work_together_with_own_decorators(own):
    source = one("@catch(var='failure')", "@retry(times=cfg.times, minutes_between_retries=0)")
    source = source.replace("@step", "@inner\n    @step").replace("note(self, 'body')", "1 / 0")
    run = own.run(source).run
    assert run.data.failure.type == "ZeroDivisionError"
    assert run["start"].task.current_attempt == 1


def test_a_timeout_can_be_seen_by_a_decorator(own):
    data = own.fail(one("@timeout(seconds=1)", "@Outer", body="__import__('time').sleep(60)"))
    assert "outer after TimeoutException" in data.run["start"].task.data.notes


def test_a_skipped_foreach_goes_over_what_the_decorator_left(own):
    assert own.run(FAN.format(start="@skip", join="")).data.got == ["a", "b"]


def test_a_swallowed_exception_of_another_decorator_lets_the_flow_go_on(own):
    data = own.run(FAN.format(start="@swallow\n    @explode", join="")).data
    assert data.got == ["never"]


def test_a_skipped_foreach_without_its_values(own):
    own.write(DECORATORS.replace('    flow.items = ["a", "b"]\n', ""), "own.py")
    failed = own.fail(FAN.format(start="@skip", join=""))
    assert "@skip ends step start in place of its self.next: foreach='items'" in failed.out


def test_a_skip_can_say_what_comes_next(own):
    assert own.run(FAN.format(start="@Outer\n    @elsewhere", join="")).data.got == [1, 2, 3]


CHOOSING = """
from own import *

class F(FlowSpec):
    @skip
    @step
    def start(self):
        self.next({{"a": self.train, "x": self.end}}, condition="kind")

    @skip
    @step
    def train(self):
        self.next(self.member, num_parallel={size})

    @parallel
    @step
    def member(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.size = len(list(inputs))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


def test_a_skipped_condition_and_a_skipped_gang_go_on_as_their_step_would(own):
    own.write(DECORATORS.replace('flow.items = ["a", "b"]', 'flow.kind = "a"'), "own.py")
    assert own.run(CHOOSING.format(size=2)).data.size == 2
    failed = own.fail(CHOOSING.format(size="len('abc')"))
    assert "@skip ends step train in place of its self.next, which computes the size" in failed.out
    own.write(DECORATORS.replace('flow.items = ["a", "b"]', 'flow.kind = "b"'), "own.py")
    failed = own.fail(CHOOSING.format(size=2))
    assert "self.kind is 'b', and the cases are 'a', 'x'" in failed.out


def test_a_join_is_replaced(own):
    data = own.run(FAN.format(start="", join="@replace")).data
    assert data.replaced is True
    assert not hasattr(data, "got")


@pytest.mark.parametrize(
    ("decorator", "message"),
    [
        ("@never", "@never ended without a yield, which stands for the step"),
        ("@twice", "@twice yielded a second time; the step runs once"),
        ("@wrong", "@wrong yielded 7; it yields nothing, a function or a dict"),
        ("@Odd", "`post_step` of @Odd returned 'odd'"),
    ],
)
def test_a_decorator_that_does_what_it_can_not(own, decorator, message):
    failed = own.fail(one(decorator))
    assert message in failed.out


@pytest.mark.parametrize(
    ("decorators", "message"),
    [
        (["@inner(a=1)"], "@inner is given arguments and takes none"),
        (["@Odd(a=1)"], "flow.py:6: @Odd is given arguments and takes none; define `def init("),
        (["@Outer(nam='x')"], "`init` of @Outer failed:"),
        (["@Fails"], "own.py"),
        (["@Fails"], "return 1 / 0"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(own, decorators, message):
    failed = own.fail(one(*decorators))
    assert message in failed.err
    assert "shaping.py" not in failed.err
    assert "Workflow starting" not in failed.out


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("@Outer\ndef f(): pass", "@Outer stands above @step, and `f` is no step"),
        ("@Outer('x')\ndef f(): pass", "@Outer takes its arguments by name, not 'x'"),
        ("@user_step_decorator\ndef f(a, b, c): pass", "`f` has no `yield`"),
        ("@user_step_decorator\ndef f(a): yield", "`f` takes 1 arguments; write def f(step_name"),
        (
            "class M(FlowMutator): pass\n@M\nclass X: pass",
            "@M stands above the class of a flow, and `X` is none",
        ),
    ],
)
def test_a_decorator_in_the_wrong_place(own, source, message):
    own.write("from own import *\n" + source + '\nif __name__ == "__main__": pass')
    assert message in own.command(code=1).err


def test_one_that_wraps_and_mutates(own):
    body = "note(self, __import__('os').environ['BOTH'])"
    assert own.run(one("@Both", body=body)).data.notes == ["both", "yes"]


MUTATORS = """
from own import *

class Adds(FlowMutator):
    def init(self, times):
        self.times = times

    def pre_mutate(self, flow):
        flow.add_parameter("beta", Parameter("beta", default=flow.cfg.times))
        assert flow.remove_parameter("doomed")
        assert not flow.remove_parameter("doomed")
        flow.add_decorator(Second)
        flow.add_decorator("pypi_base:disabled=true")
        assert flow.has_decorator("pypi_base") and flow.remove_decorator("pypi_base")
        print([name for name, _ in flow.steps], dict(flow.configs), list(dict(flow.parameters)))
        for name, step in flow.steps:
            assert step.flow.alpha.name == "alpha"

    def mutate(self, flow):
        flow.start.add_decorator(retry, deco_kwargs={"times": self.times})
        assert flow.start.add_decorator(retry, deco_kwargs={"times": 9}) is None
        assert flow.end.remove_decorator("timeout", deco_kwargs={"seconds": 9})
        assert not flow.end.has_decorator("timeout")

class Second(FlowMutator):
    def pre_mutate(self, flow):
        flow.start.add_decorator("own.Outer:name=second")

class Replaces(StepMutator):
    def pre_mutate(self, step):
        name, full, args, kwargs = next(iter(step.get_decorator_specs("environment")))
        assert (name, full, args) == ("environment", "falaj.environment", [])
        made = step.add_decorator(
            environment, deco_kwargs={"vars": {"A": "new"}}, duplicates=step.OVERRIDE
        )
        assert made.attributes == {"vars": {"A": "new"}} != kwargs

@Adds(config_expr("cfg.times"))
class Base(FlowSpec):
    cfg = Config("cfg", default_value={"times": 2})

class F(Base):
    alpha = Parameter("alpha", default=1)
    doomed = Parameter("doomed", default=1)

    @Replaces
    @environment(vars={"A": "old"})
    @step
    def start(self):
        self.seen = (__import__("os").environ["A"], self.beta, hasattr(self, "doomed"))
        self.next(self.end)

    @timeout(seconds=9)
    @step
    def end(self):
        pass

if __name__ == "__main__":
    F()
"""


def test_mutators_change_steps_and_parameters(own):
    result = own.run(MUTATORS, "--beta", 7)
    assert "['start', 'end'] {'cfg': {'times': 2}} ['alpha', 'beta']" in result.out
    assert result.data.seen == ("new", 7, False)
    assert result.data.notes == ["second before", "second after NoneType"]
    told = own.command("show").out
    assert "@retry(times=2)" in told
    assert "@Outer(name='second')" in told
    assert "@timeout" not in told


def test_every_mutator_that_is_put_there_has_its_turn(own):
    own.write("""
        class Replaces(FlowMutator):
            def pre_mutate(self, flow):
                print("replaces")
                flow.add_decorator(Second, duplicates=flow.OVERRIDE)
                flow.start.add_decorator(First)
                flow.start.add_decorator(Other)

        class Second(FlowMutator):
            def init(self, number=2):
                self.number = number

            def pre_mutate(self, flow):
                print("second", self.number)

        class First(StepMutator):
            def pre_mutate(self, step):
                print("first")

        class Other(StepMutator):
            def pre_mutate(self, step):
                print("other", step.remove_decorator("First"), step.remove_decorator("Other"))
                step.add_decorator(Last)

        class Last(StepMutator):
            def pre_mutate(self, step):
                print("last")

        @Replaces
        @Second(1)
        class F(FlowSpec):
            @step
            def start(self):
                pass
    """)
    told = own.command("show").out.split("\n")
    turns = ["second 1", "replaces", "second 2", "first", "other True True", "last"]
    assert told[: len(turns)] == turns


@pytest.mark.parametrize(
    ("base", "method", "line", "message"),
    [
        ("Flow", "mutate", "it.add_parameter('b', Parameter('b'))", "adds the parameter `b` in `m"),
        ("Flow", "mutate", "it.remove_parameter('alpha')", "removes the parameter `alpha` in `m"),
        (
            "Flow",
            "mutate",
            "it.add_decorator(pypi_base)",
            "adds @pypi_base to the flow in `mutate`",
        ),
        ("Flow", "pre_mutate", "it.add_parameter('start', 1)", "takes a Parameter or an"),
        ("Flow", "pre_mutate", "it.add_parameter('alpha', Parameter('a'))", "has an attribute `al"),
        ("Flow", "pre_mutate", "it.remove_decorator('M')", "the mutators of a flow stay"),
        ("Flow", "pre_mutate", "it.strat", "no step, parameter or config `strat` (did you mean `s"),
        ("Flow", "pre_mutate", "it.add_decorator(retry)", "@retry stands on steps"),
        ("Step", "mutate", "it.add_decorator(Fails)", "adds the mutator @Fails in `mutate`"),
        ("Step", "mutate", "it.add_decorator('retyr')", "no decorator `retyr` (did you mean `ret"),
        ("Step", "mutate", "it.add_decorator('retry:tims=1')", "@retry has no argument `tims`"),
        ("Step", "mutate", "it.add_decorator('retry:times=1', deco_kwargs={'a': 1})", "not both"),
        ("Step", "mutate", "it.add_decorator(print)", "is no decorator"),
        ("Step", "mutate", "it.add_decorator(pypi_base)", "@pypi_base stands on a flow"),
        ("Step", "mutate", "it.add_decorator(timeout, duplicates=it.ERROR)", "needs a duration"),
        (
            "Step",
            "mutate",
            "it.add_decorator('timeout:seconds=1', duplicates=it.ERROR); "
            "it.add_decorator('timeout:seconds=1', duplicates=it.ERROR)",
            "Step `start` already has @timeout",
        ),
    ],
)
def test_what_a_mutator_can_not_do(own, base, method, line, message):
    above = ("@M", "") if base == "Flow" else ("", "@M")
    failed = own.fail(f"""
from own import *

class M({base}Mutator):
    def {method}(self, it):
        {line}

{above[0]}
class F(FlowSpec):
    alpha = Parameter("alpha", default=1)

    {above[1]}
    @step
    def start(self):
        pass

if __name__ == "__main__":
    F()
""")
    assert message in failed.err
    assert "flow.py:5" in failed.err or "line 5" in failed.err


@pytest.mark.parametrize("shaped", [True, False])
def test_cards_of_a_mutator_and_of_the_command_line_stand_beside_others(own, shaped):
    own.write(f"""
        class Cards(StepMutator):
            def mutate(self, step):
                for name in ("a", "b", "a"):
                    step.add_decorator(card, deco_kwargs={{"id": name}})
                again = {{"id": "a", "type": "blank"}}
                assert step.add_decorator(card, deco_kwargs=again) is None
                step.add_decorator(card, deco_kwargs=again, duplicates=step.OVERRIDE)

        class F(FlowSpec):
            {"@Cards" if shaped else ""}
            @card
            @step
            def start(self):
                pass
    """)
    run = own.command("run", "--with", "card", "--with", "card:type=blank,id=w").run
    listed = own.command("card", "list", run.id + "/start", "--as-json").out
    cards = [(card["type"], card["id"]) for card in json.loads(listed)[0]["cards"]]
    beside = [("blank", "a"), ("default", "b")] if shaped else []
    assert sorted(cards, key=str) == sorted([("default", None), ("blank", "w"), *beside], key=str)


def test_a_decorator_of_the_command_line(own):
    own.write(one("@inner").replace("from own", "from falaj import *\nfrom own"))
    run = own.command("run", "--with", "own.Outer:name=cli", "--with", "own.inner").run
    assert run.data.notes == [
        "cli before",
        "inner before start",
        "body",
        "inner after",
        "cli after NoneType",
    ]


SEVERAL = """
from falaj import *

def first(): ...
def second(): ...

class cards(StepMutator):
    def mutate(self, it):
        it.add_decorator("card:type=blank,id=two")
        same = it.add_decorator("card:type=blank,id=one,timeout=9")
        other = it.add_decorator(card, deco_kwargs={"id": "three"})
        print(same, other.name, len(it.get_decorator_specs("card")))
        it.add_decorator("card:type=blank,id=two,timeout=9", duplicates=it.OVERRIDE)

class hooks(FlowMutator):
    def pre_mutate(self, it):
        it.add_decorator(exit_hook, deco_kwargs={"on_success": [second]})

@hooks
@exit_hook(on_success=[first])
class F(FlowSpec):
    @cards
    @card(type="blank", id="one")
    @step
    def start(self):
        pass

if __name__ == "__main__":
    F()
"""


def test_what_may_stand_several_times_is_added_to_what_is_there(own):
    own.write(SEVERAL)
    told = own.command("--with", "card:type=blank,id=out", "show").out
    # From --with, from source and from the mutator: all stay, but for one's like.
    assert "None card 4\n" in told
    shown = told[told.index("@exit_hook") : told.index("Step start")].split("\n")
    assert [line for line in shown if line] == [
        "@exit_hook(on_success=['first'])",
        "@exit_hook(on_success=['second'])",
        "@card(type='blank', id='one')",
        "@card(type='blank', id='out')",
        "@card(id='three')",
        "@card(type='blank', id='two', timeout=9)",
    ]


def test_a_module_that_the_flow_does_not_import_is_found(own):
    own.write("""
        class F(FlowSpec):
            @step
            def start(self):
                pass
    """)
    for isolation in ("fork", "spawn"):
        told = own.command("run", "--isolation", isolation, "--with", "own.Outer:name=cli")
        assert told.data.notes == ["cli before", "cli after NoneType"]


def test_resume_keeps_the_decorators_of_the_command_line(own):
    own.write(one(body="1 / 0"))
    own.command("run", "--with", "Outer:name=cli", code=1)
    own.write(one(body="note(self, 'mended')"))
    assert own.resume().data.notes == ["cli before", "mended", "cli after NoneType"]
    assert own.resume("start").data.notes == ["cli before", "mended", "cli after NoneType"]


def test_decorators_of_a_variable(own):
    own.write(one())
    result = own.command("run", env={"FALAJ_DEFAULT_DECOSPECS": "Outer:name=v retry:times=1"})
    assert result.data.notes == ["v before", "body", "v after NoneType"]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("above", ["", "cfg = Config('cfg', default_value={})"])
def test_what_is_typed_wins_over_a_variable(project, place, above):
    project.write(f"""
        class F(FlowSpec):
            {above}

            @step
            def start(self):
                self.last = current.retry_count
                assert self.last == 2
    """)
    typed = ["run"]
    typed[place:place] = ["--with", "retry:times=2,minutes_between_retries=0"]
    done = project.command(*typed, env={"FALAJ_DEFAULT_DECOSPECS": "retry:times=0"})
    assert done.data.last == 2


def test_a_mutator_sees_and_is_among_the_decorators_of_the_command_line(own):
    own.write(
        one().replace(
            "class F(",
            """
class Sees(StepMutator):
    def mutate(self, step):
        print("sees", [spec[0] for spec in step.decorator_specs])

class F(""",
        )
    )
    result = own.command("run", "--with", "retry:times=1", "--with", "Sees")
    assert "sees ['retry', 'Sees']" in result.out


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("own.Outr", "`own` has no decorator `Outr` (did you mean `Outer`?)"),
        ("Outr", "There is no decorator `Outr` (did you mean `Outer`?)"),
        ("nowhere.Outer", "The decorator `nowhere.Outer` can't be imported: No module named"),
        ("Outer:name", "`name` has no value"),
        ("Outer:nam=1", "`init` of @Outer failed"),
        ("Outer:0=x", "r `Outer:0=x`: @Outer takes its arguments by name, not 'x'"),
        ("Odd:a=1", "r `Odd:a=1`: @Odd is given arguments and takes none"),
        ("broken.Outer", "The module `broken` can't be imported:"),
        ("broken.Outer", "SyntaxError"),
    ],
)
def test_a_decorator_of_the_command_line_that_is_not_there(own, spec, message):
    own.write(one())
    own.write("def parse(", "broken.py")
    failed = own.command("run", "--with", spec, code=1)
    assert message in failed.err
    assert "shap" not in failed.err
    assert failed.err.startswith(("Decorator error:", "Custom decorator error:"))


def test_a_name_that_two_modules_have(own):
    own.write(DECORATORS, "other.py")
    own.write(one().replace("from own", "import other\nfrom own"))
    failed = own.command("run", "--with", "Outer", code=1)
    assert "several decorators `Outer`: `other.Outer` and `own.Outer`" in failed.err
    named = own.command("run", "--with", "other.Outer:name=o")
    assert named.data.notes[0] == "o before"


def test_what_mutators_add_is_kept_with_the_code(own):
    (own.folder / "query.sql").write_text("select 1")
    (own.folder / "lib").mkdir()
    (own.folder / "lib" / "__init__.py").write_text("x = 1\n")
    own.write(
        one().replace(
            "class F(",
            """
class Package(FlowMutator):
    def add_to_package(self):
        yield "query.sql", "sql/query.sql"
        yield "lib", None, ContentType.MODULE_CONTENT

@Package
class F(""",
        )
    )
    code = own.command("run").run.code
    assert code.read("sql/query.sql") == b"select 1"
    assert code.read("lib/__init__.py") == b"x = 1\n"


@pytest.mark.parametrize("flow", ["@inner", "@Outer"])
def test_a_decorated_step_can_be_killed_and_tried_again(own, flow):
    body = (
        "import os, signal, pathlib; seen = pathlib.Path('seen'); "
        "first = not seen.exists(); seen.touch(); "
        "first and os.kill(os.getpid(), signal.SIGKILL); self.done = True"
    )
    retry = "@retry(times=1, minutes_between_retries=0)"
    assert own.run(one(retry, flow, body=body)).data.done is True
