"""Step decorators as data: in the source, and from outside."""

import json

import pytest

from falaj import (
    card,
    catch,
    custom_environment,
    environment,
    parallel,
    pytorch_parallel,
    resources,
    retry,
    secrets,
    step,
    timeout,
)
from falaj.authoring.decospecs import attach, parse_decospec
from falaj.authoring.options import OPTIONS
from falaj.errors import DecoratorError
from falaj.model.graph import (
    END,
    FOREACH,
    GANG_DECORATORS,
    LINEAR,
    SPLIT,
    DecoratorSpec,
    FlowDescription,
    StepSpec,
)

# They have tests of their own.
ENVIRONMENTS = {"pypi", "pypi_base", "conda", "conda_base", "uv", "uv_base"}
OF_FLOWS = {"project", "schedule", "trigger", "trigger_on_finish", "exit_hook"}


def decorated(*decorators):
    @step
    def a(self): ...

    for decorator in decorators:
        assert decorator(a) is a
    return a.decorators


def test_bare_decorator_has_the_defaults_and_its_line():
    (spec,) = decorated(retry)
    assert spec.name == "retry"
    assert spec.attributes == {
        "times": 3,
        "minutes_between_retries": 2,
        "seconds_between_retries": None,
        "backoff": 1.0,
        "jitter": 0.0,
    }
    assert spec.line > 0
    assert not spec.from_outside


def test_every_decorator_is_json(tmp_path):
    specs = decorated(
        retry(times=1, seconds_between_retries=0.5, backoff=2, jitter=1),
        catch(var="failure", print_exception=False),
        timeout(minutes=1, seconds=0.5),
        environment(vars={"A": 1, "B_C": None}),
        resources(cpu=0.5, gpu="1", memory=512),
        card(options={"a": [1]}),
        parallel,
        pytorch_parallel(master_port=2000),
        custom_environment(kind="mine", options={"a": [1, None]}),
        secrets(sources=["environment.A", {"type": "inline", "options": {"env_vars": {}}}]),
    )
    attributes = {spec.name: spec.attributes for spec in specs}
    assert set(attributes) | ENVIRONMENTS | OF_FLOWS | {*GANG_DECORATORS} == set(OPTIONS)
    assert json.loads(json.dumps(attributes)) == attributes
    assert attributes["environment"] == {"vars": {"A": "1", "B_C": "None"}}
    assert attributes["resources"]["gpu"] == 1
    assert attributes["timeout"] == {"seconds": 0.5, "minutes": 1, "hours": 0}


def test_a_step_may_have_several_cards_and_one_from_outside_is_another():
    first = decorated(card, card(type="blank", id="b"))
    assert [spec.attributes["type"] for spec in first] == ["default", "blank"]
    spec = parse_decospec("card:type=blank,id=b,timeout=3")
    assert (spec.attributes["type"], spec.attributes["timeout"]) == ("blank", 3)


def test_a_decorator_used_on_two_steps_does_not_tie_them():
    both = retry(times=1)
    first, second = decorated(both), decorated(both, catch)
    assert [spec.name for spec in first] == ["retry"]
    assert [spec.name for spec in second] == ["retry", "catch"]


def test_numbers_in_quotes_are_numbers():
    (spec,) = decorated(retry(times="4", minutes_between_retries="0"))
    assert spec.attributes["times"] == 4
    assert spec.attributes["minutes_between_retries"] == 0


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (
            lambda: retry(tmies=3),
            "@retry has no argument `tmies` (did you mean `times`?); it takes `times`, "
            "`minutes_between_retries`, `seconds_between_retries`, `backoff` and `jitter`.",
        ),
        (lambda: retry(times=-1), "@retry: `times` takes a whole number from 0 to 100, not -1."),
        (lambda: retry(times=101), "@retry: `times` takes a whole number from 0 to 100, not 101."),
        (lambda: retry(times=1.5), "@retry: `times` takes a whole number from 0 to 100, not 1.5."),
        (lambda: retry(times=True), "@retry: `times` takes a whole number from 0 to 100, not True"),
        (
            lambda: retry(minutes_between_retries=-1),
            "@retry: `minutes_between_retries` takes a number that is not negative, not -1.",
        ),
        (
            lambda: retry(seconds_between_retries="soon"),
            "@retry: `seconds_between_retries` takes a number that is not negative, not 'soon'.",
        ),
        (lambda: retry(backoff=0.5), "@retry: `backoff` takes a factor of at least 1, not 0.5."),
        (lambda: retry(backoff=float("nan")), "@retry: `backoff` takes a factor of at least 1"),
        (lambda: retry(jitter=2), "@retry: `jitter` takes a share from 0 to 1, not 2."),
        (lambda: retry(3), "@retry takes its arguments by name, not 3."),
        (lambda: catch(var="no name"), "@catch: `var` takes the name of an artifact, such as"),
        (lambda: catch(var="__x"), "@catch: `var` takes the name of an artifact, such as"),
        (lambda: catch(print_exception="x"), "@catch: `print_exception` takes True or False"),
        (lambda: timeout(), "@timeout needs a duration, such as @timeout(minutes=5)."),
        (lambda: timeout(minutes=0), "@timeout needs a duration, such as @timeout(minutes=5)."),
        (lambda: timeout(hours=-1), "@timeout: `hours` takes a number that is not negative"),
        (lambda: timeout(hours=10**400), "@timeout: `hours` takes a number that is not negative"),
        (lambda: timeout(hours=10**6), "@timeout is longer than thirty years"),
        (lambda: environment(vars="A=1"), "@environment: `vars` takes a dict of names and values"),
        (lambda: environment(vars={"A=": 1}), "@environment: `vars` takes names of letters"),
        (lambda: environment(vars={1: 1}), "@environment: `vars` takes names of letters"),
        (lambda: environment(vars={"A": "\0"}), "@environment: `vars` takes values without null"),
        (lambda: resources(cpu=0), "@resources: `cpu` takes a number above 0, not 0."),
        (lambda: resources(memory="4g"), "@resources: `memory` takes a number that is not"),
        (lambda: resources(gpu=0.5), "@resources: `gpu` takes a whole number, not 0.5."),
    ],
)
def test_wrong_argument_is_refused_where_it_stands(use, told):
    with pytest.raises(DecoratorError) as caught:
        use()
    assert f"test_decorators.py:{use.__code__.co_firstlineno}: {told}" in str(caught.value)
    assert caught.value.line_no == use.__code__.co_firstlineno


def test_same_decorator_twice_names_both_lines(load):
    with pytest.raises(DecoratorError) as caught:
        load("@retry(times=1)\n@retry(\n    times=2\n)\n@step\ndef a(self): ...")
    assert str(caught.value).endswith(
        ".py:2: Step `a` has @retry twice (also on line 3); keep one."
    )


def test_decorator_below_no_step():
    def a(self): ...

    with pytest.raises(DecoratorError, match="@catch stands above @step, and `a` is no step"):
        catch(a)


@pytest.mark.parametrize(
    ("text", "name", "attributes"),
    [
        ("retry", "retry", {}),
        ("retry:", "retry", {}),
        ("retry:times=4,minutes_between_retries=0", "retry", {"times": 4}),
        ("retry: times = 4 , minutes_between_retries = 0", "retry", {"times": 4}),
        ("catch:var=failure", "catch", {"var": "failure"}),
        ("catch:print_exception=false", "catch", {"print_exception": False}),
        ("timeout:seconds=1.5", "timeout", {"seconds": 1.5}),
        ('environment:vars={"A": "b,c", "D": 1}', "environment", {"vars": {"A": "b,c", "D": "1"}}),
        (r"environment:vars={\"A\": \"b\"}", "environment", {"vars": {"A": "b"}}),
    ],
)
def test_decospec(text, name, attributes):
    spec = parse_decospec(text)
    assert spec.name == name
    assert spec.from_outside
    assert spec.attributes.items() >= attributes.items()
    assert spec.attributes.keys() == OPTIONS[name].defaults.keys()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retri", "In the decorator `retri`: There is no decorator `retri` (did you mean `retry`?"),
        ("retry:4", "In the decorator `retry:4`, `4` has no value; write it as `name:argument="),
        ("retry:time=4", "In the decorator `retry:time=4`: @retry has no argument `time` (did you"),
        ("timeout", "In the decorator `timeout`: @timeout needs a duration"),
    ],
)
def test_wrong_decospec(text, told):
    with pytest.raises(DecoratorError) as caught:
        parse_decospec(text)
    assert str(caught.value).startswith(told)


def step_spec(name, kind=LINEAR, decorators=()):
    return StepSpec(name, kind, (), None, False, tuple(decorators), "", "", 1)


def test_decorators_from_outside_leave_the_source_its_say():
    own = DecoratorSpec("retry", {"times": 1}, 3)
    description = FlowDescription(
        "F",
        "",
        "",
        (
            step_spec("start", FOREACH),
            step_spec("a", SPLIT, [own]),
            step_spec("end", END),
        ),
        (),
        "start",
        "end",
    )
    attached = attach(description, ["retry:times=4", "catch", "retry:times=9"])
    found = {
        step.name: [(d.name, d.attributes.get("times"), d.from_outside) for d in step.decorators]
        for step in attached.steps
    }
    assert found == {
        "start": [("retry", 4, True)],
        "a": [("retry", 1, False), ("catch", None, True)],
        "end": [("retry", 4, True), ("catch", None, True)],
    }
    assert description.step("end").decorators == ()
    assert FlowDescription.from_wire(json.loads(json.dumps(attached.to_wire()))) == attached
