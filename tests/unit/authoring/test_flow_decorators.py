"""What decorators of a flow accept and refuse, and how they are kept as data."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from falaj import (
    FlowSpec,
    Parameter,
    exit_hook,
    namespaced_event_name,
    project,
    schedule,
    step,
    trigger,
    trigger_on_finish,
)
from falaj.authoring.collect import describe
from falaj.authoring.deployment import DeployContext, settle_deployment
from falaj.authoring.functions import kept
from falaj.authoring.options import option_attributes
from falaj.authoring.projects import AskedBranch, settle_project
from falaj.authoring.triggers import events_of, flows_of
from falaj.errors import DecoratorError, InvalidFlow
from falaj.model.graph import DecoratorSpec, FlowDescription


def flow_with(*decorators: Callable[[Any], Any]) -> FlowDescription:
    """Return the description of a small flow under decorators."""

    class Small(FlowSpec):
        alpha = Parameter("alpha-rate", default=1)

        @step
        def start(self) -> None:
            self.next(self.end)

        @step
        def end(self) -> None:
            pass

    flow: Any = Small
    for decorator in decorators:
        flow = decorator(flow)
    return describe(flow)


def attributes(description: FlowDescription, name: str) -> Any:
    """Return a decorator's arguments, as they come back from the wire."""
    wire = json.loads(json.dumps(description.to_wire()))
    found = FlowDescription.from_wire(wire).decorator(name)
    assert found is not None
    return found.attributes


@pytest.mark.parametrize(
    ("stated", "settled"),
    [
        ("foo", [{"name": "foo", "parameters": {}}]),
        ({"name": "foo"}, [{"name": "foo", "parameters": {}}]),
        (
            {"name": "foo", "parameters": {"alpha-rate": "field"}},
            [{"name": "foo", "parameters": {"alpha-rate": "field"}}],
        ),
        (
            {"name": "foo", "parameters": ["alpha_rate"]},
            [{"name": "foo", "parameters": {"alpha_rate": "alpha_rate"}}],
        ),
        (
            {"name": "foo", "parameters": [("alpha-rate", "x"), ["alpha_rate", "y"]]},
            [{"name": "foo", "parameters": {"alpha-rate": "x", "alpha_rate": "y"}}],
        ),
    ],
)
def test_the_forms_of_an_event(stated: Any, settled: Any) -> None:
    assert events_of(attributes(flow_with(trigger(event=stated)), "trigger")) == settled
    several = flow_with(trigger(events=[stated, "other"]))
    assert events_of(attributes(several, "trigger"))[:1] == settled


@pytest.mark.parametrize(
    ("stated", "settled"),
    [
        ("Up", {"flow": "Up", "project": None, "branch": None}),
        ("shop.user.ada.Up", {"flow": "Up", "project": "shop", "branch": "user.ada"}),
        ("shop.prod.Up", {"flow": "Up", "project": "shop", "branch": "prod"}),
        ({"name": "Up"}, {"flow": "Up", "project": None, "branch": None}),
        ({"name": "Up", "project": "shop"}, {"flow": "Up", "project": "shop", "branch": None}),
        (
            {"name": "Up", "project": "shop", "project_branch": "test.x"},
            {"flow": "Up", "project": "shop", "branch": "test.x"},
        ),
    ],
)
def test_the_forms_of_a_flow(stated: Any, settled: Any) -> None:
    one = attributes(flow_with(trigger_on_finish(flow=stated)), "trigger_on_finish")
    assert flows_of(one) == [settled]
    several = flow_with(trigger_on_finish(flows=["Other", stated]))
    assert flows_of(attributes(several, "trigger_on_finish"))[1:] == [settled]


REFUSED: "list[tuple[str, dict[str, Any], str]]" = [
    ("project", {}, "needs a name"),
    ("project", {"name": "Shop"}, "lower-case letters"),
    ("project", {"name": "shop\n"}, "lower-case letters"),
    ("project", {"name": "x" * 129}, "at most 128"),
    ("project", {"name": "x", "branch": "a.b"}, "`branch` has only"),
    ("project", {"name": "x", "branch": ""}, "`branch` has only"),
    ("project", {"name": "x", "production": "yes"}, "True or False"),
    ("project", {"name": "x", "brnch": "a"}, "did you mean `branch`"),
    ("schedule", {"cron": "61 * * * *"}, "'61 * * * *': the minute is '61'"),
    ("schedule", {"cron": 5}, "a text such as"),
    ("schedule", {"daily": 1}, "True or False"),
    ("schedule", {"timezone": "Europe/Helsinky"}, "did you mean `Europe/Helsinki`"),
    ("schedule", {"timezone": "../../etc/passwd"}, "a name such as"),
    ("trigger", {}, "needs an event"),
    ("trigger", {"event": "a", "events": ["b"]}, "not both"),
    ("trigger", {"events": "a"}, "a list"),
    ("trigger", {"event": 5}, "the name of an event"),
    ("trigger", {"events": [""]}, "the name of an event"),
    ("trigger", {"event": {"parameters": {}}}, "lacks `name`"),
    ("trigger", {"event": {"name": "a", "params": {}}}, "did you mean `parameters`"),
    ("trigger", {"event": {"name": "a", "parameters": {"x": 5}}}, "a dict or a list"),
    ("trigger", {"event": {"name": "a", "parameters": [("x", "y", "z")]}}, "a dict or a list"),
    ("trigger", {"event": {"name": "a", "parameters": "x"}}, "a dict or a list"),
    ("trigger", {"events": ["a", {"name": "a"}]}, "names the event a twice"),
    ("trigger", {"event": "a", "options": {"x": object()}}, "a dict of JSON values"),
    ("trigger_on_finish", {}, "needs a flow"),
    ("trigger_on_finish", {"flow": "a.B"}, "the name of a flow"),
    ("trigger_on_finish", {"flow": "a..B"}, "the name of a flow"),
    ("trigger_on_finish", {"flow": "Bad-Name"}, "the name of a flow"),
    ("trigger_on_finish", {"flow": {"name": "a.b.C"}}, "the flow's own name"),
    ("trigger_on_finish", {"flow": {"name": "A", "branch": "x"}}, "without 'branch'"),
    ("trigger_on_finish", {"flow": {"name": "A", "project": 5}}, "a text as `project`"),
    ("trigger_on_finish", {"flows": ["A", "A"]}, "twice"),
    ("exit_hook", {}, "needs functions"),
    ("exit_hook", {"on_success": 5}, "a list of functions"),
    ("exit_hook", {"on_error": [5]}, "functions or their names"),
    ("exit_hook", {"on_error": ["rm -rf"]}, "functions or their names"),
]


@pytest.mark.parametrize(("name", "arguments", "text"), REFUSED)
def test_what_decorators_of_a_flow_refuse(name: str, arguments: Any, text: str) -> None:
    with pytest.raises(DecoratorError) as error:
        option_attributes(name, arguments)
    assert text in str(error.value)


def test_a_mistake_is_told_with_its_line() -> None:
    with pytest.raises(DecoratorError, match=r"test_flow_decorators\.py:\d+: @schedule"):
        schedule(cron="nonsense")


def test_a_decorator_of_flows_stands_on_no_step() -> None:
    with pytest.raises(DecoratorError, match="stands above the class of a flow"):
        project(name="shop")(step(lambda self: None))


def test_a_trigger_that_fills_no_parameter_is_a_problem() -> None:
    with pytest.raises(InvalidFlow, match="`alfa-rate`.*did you mean `alpha-rate`"):
        flow_with(trigger(event={"name": "a", "parameters": {"alfa-rate": "x"}}))


def test_a_hook_that_is_no_function_is_a_problem() -> None:
    with pytest.raises(InvalidFlow, match="`flow_wth`.*did you mean `flow_with`"):
        flow_with(exit_hook(on_error=["flow_wth"]))


def test_several_exit_hooks_and_those_of_the_base_are_kept() -> None:
    @exit_hook(on_error="flow_with")
    class Base(FlowSpec):
        @step
        def start(self) -> None:
            pass

    @exit_hook(on_success=[flow_with])
    @exit_hook(on_success=[attributes], on_error=[attributes])
    class Derived(Base):
        pass

    found = [
        (one.attributes["on_success"], one.attributes["on_error"])
        for one in describe(Derived).decorators
    ]
    assert found == [
        ([], ["flow_with"]),
        (["attributes"], ["attributes"]),
        (["flow_with"], []),
    ]
    assert kept("attributes") is attributes


def test_any_other_decorator_stands_on_a_flow_once() -> None:
    with pytest.raises(DecoratorError, match="has @project twice"):
        flow_with(project(name="a"), project(name="b"))


def test_functions_of_the_same_name_are_kept_apart() -> None:
    first, second = (lambda context: "a"), (lambda context: "b")
    description = flow_with(trigger(events=[first, second, first]))
    names = [one["deploy_time"] for one in attributes(description, "trigger")["events"]]
    assert [kept(name) for name in names] == [first, second, first]


def upstream(context: DeployContext) -> Any:
    return [f"{context.project_name}.{context.branch_name}.Up", "Other"]


def test_functions_are_asked_when_the_flow_is_deployed() -> None:
    description = flow_with(
        project(name="shop", production=True),
        trigger_on_finish(flow=upstream),
        trigger(
            events=[
                namespaced_event_name("ready"),
                {"name": lambda context: "b", "parameters": lambda context: ["alpha-rate"]},
                lambda context: {"name": context.user_name},
            ]
        ),
    )
    asked = settle_project(description, AskedBranch(), "ada")
    settled = settle_deployment(description, "ada", asked)
    assert flows_of(attributes(settled, "trigger_on_finish")) == [
        {"flow": "Up", "project": "shop", "branch": "prod"},
        {"flow": "Other", "project": None, "branch": None},
    ]
    assert events_of(attributes(settled, "trigger")) == [
        {"name": "mfns.shop.prod.ready", "parameters": {}},
        {"name": "b", "parameters": {"alpha-rate": "alpha-rate"}},
        {"name": "ada", "parameters": {}},
    ]


def broken(context: DeployContext) -> Any:
    raise KeyError("nothing")


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (broken, r"test_flow_decorators\.py:\d+: The function `broken` of @trigger failed"),
        (lambda context: 5, "the name of an event"),
        (lambda context: None, "needs an event"),
    ],
)
def test_what_a_function_gives_is_checked(function: Any, text: str) -> None:
    description = flow_with(trigger(event=function))
    with pytest.raises(DecoratorError, match=text):
        settle_deployment(description, "ada")


BRANCHES: "list[tuple[dict[str, Any], AskedBranch, str, bool, bool]]" = [
    ({}, AskedBranch(), "user.ada", True, False),
    ({}, AskedBranch("x"), "test.x", False, False),
    ({}, AskedBranch(None, True), "prod", False, True),
    ({}, AskedBranch("x", True), "prod.x", False, True),
    ({"branch": "x"}, AskedBranch(), "test.x", False, False),
    ({"branch": "x"}, AskedBranch("x"), "test.x", False, False),
    ({"branch": "x", "production": True}, AskedBranch(), "prod.x", False, True),
    ({"production": True}, AskedBranch("y"), "prod.y", False, True),
    ({"production": False}, AskedBranch(), "user.ada", True, False),
]


@pytest.mark.parametrize(("arguments", "asked", "branch", "is_user", "is_production"), BRANCHES)
def test_the_branch_of_a_run(
    arguments: Any, asked: AskedBranch, branch: str, is_user: bool, is_production: bool
) -> None:
    description = flow_with(project(name="shop", **arguments))
    assert settle_project(description, asked, "ada") == {
        "project_name": "shop",
        "branch_name": branch,
        "project_flow_name": f"shop.{branch}.Small",
        "is_user_branch": is_user,
        "is_production": is_production,
    }


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"branch": "x"}, AskedBranch("y")),
        ({"production": False}, AskedBranch(None, True)),
    ],
)
def test_decorator_and_command_line_must_agree(arguments: Any, asked: AskedBranch) -> None:
    description = flow_with(project(name="shop", **arguments))
    with pytest.raises(DecoratorError, match=r"contradicts @project"):
        settle_project(description, asked, "ada")


def test_a_resumed_run_keeps_its_branch_unless_told_otherwise() -> None:
    description = flow_with(project(name="shop"))
    before = settle_project(description, AskedBranch("x", True), "ada")
    assert settle_project(description, AskedBranch(), "bob", before) == before
    moved = settle_project(description, AskedBranch("y"), "bob", before)
    assert moved is not None
    assert moved["branch_name"] == "test.y"


def test_a_flow_without_a_project_has_none() -> None:
    assert settle_project(flow_with(), AskedBranch("x"), "ada") is None
    assert isinstance(flow_with(project(name="a")).decorators[0], DecoratorSpec)
