"""The reference and the code have the same names, arguments, options, settings and errors."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import fields

import pytest

import falaj
import falaj_control
from falaj import errors
from falaj.authoring.options import OPTIONS
from falaj.client.code import FalajCode
from falaj.client.objects import ClientObject
from falaj.home import VARIABLE
from falaj.runtime import current as current_module
from falaj_control.cli.options import VARIABLE_PREFIX
from falaj_control.cli.reference import command_reference
from falaj_control.settings import PREFIX, Settings

CLIENT = ["Falaj", "Flow", "Run", "Step", "Task", "DataArtifact"]
CALLABLE = ["FlowSpec", "Parameter", "IncludeFile", *CLIENT, "Artifact", "Metaflow"]
RUNNING = ["Runner", "NBRunner", "ExecutingRun", "DeployedFlow", "TriggeredRun"]
CALLABLE += ["Runner", "NBRunner", "Deployer", "NBDeployer", "DeployerImpl", *RUNNING[3:]]
# Methods that take any keyword, rather than swallow some for compatibility.
_OPEN = frozenset(
    "next run resume nbrun nbresume spin async_run async_resume async_spin trigger delete suspend "
    "unsuspend terminate".split()
)
FUNCTIONS = ["namespace", "get_namespace", "default_namespace"]


@pytest.fixture
def page(docs):
    return (docs / "reference" / "python.md").read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """Return the text under a heading, up to the next one."""
    found = re.search(rf"^##+ `?{re.escape(heading)}`?\n(.*?)(?=^## |^### |\Z)", page, re.M | re.S)
    assert found, f"docs/reference/python.md has no section on {heading}"
    return found.group(1)


def rows(text: str) -> dict[str, list[str]]:
    """Return the rows of a section's table by the text of their first cell."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *rest = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert first not in found, f"{first} stands twice"
            found[first.strip("`")] = rest
    return found


def signature(function: object, name: str) -> str:
    """Return how a function is called, without types; keywords that are only swallowed left out."""
    parameters = [
        one.replace(annotation=inspect.Parameter.empty)
        for one in inspect.signature(function).parameters.values()  # type: ignore[arg-type]
        if one.name not in ("self", "cls") and (one.kind is not one.VAR_KEYWORD or name in _OPEN)
    ]
    # What comes after `*tags` can be given by name alone, which needs no saying.
    if not any(one.kind is one.VAR_POSITIONAL for one in parameters):
        parameters = [
            one.replace(kind=one.POSITIONAL_OR_KEYWORD) if one.kind is one.KEYWORD_ONLY else one
            for one in parameters
        ]
    plain = inspect.Signature(parameters)
    return f"{name}{plain}"


def members(kind: type) -> dict[str, str]:
    """Return the public properties and methods of a class, methods as they are called."""
    found: dict[str, str] = {}
    for name in dir(kind):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(kind, name)
        is_method = not isinstance(member, property) and callable(getattr(kind, name))
        member = member.__func__ if isinstance(member, classmethod) else member
        found[name] = signature(member, name) if is_method else name
    return found


def test_every_public_name_has_a_section_and_no_other_does(page):
    sections = set(re.findall(r"^### `(\w+)`$", page, flags=re.M))
    assert sections == set(falaj.__all__)


@pytest.mark.parametrize("name", [*CALLABLE, *FUNCTIONS])
def test_a_call_is_shown_as_it_is(page, name):
    made = getattr(falaj, name)
    shown = signature(made.__init__ if isinstance(made, type) else made, name)
    assert f"`{shown}`" in " ".join(section(page, name).split())


@pytest.mark.parametrize("name", ["Parameter", "IncludeFile"])
def test_every_argument_of_a_parameter_is_there_with_its_default(page, name):
    wanted = {
        one.name: "" if one.default is one.empty else f"`{one.default!r}`"
        for one in inspect.signature(getattr(falaj, name)).parameters.values()
        if one.kind is not one.VAR_KEYWORD
    }
    assert {arg: row[0] for arg, row in rows(section(page, name)).items()} == wanted


def test_every_argument_of_step_is_there_with_its_default(page):
    arguments = inspect.signature(falaj.step).parameters
    wanted = {name: f"`{one.default!r}`" for name, one in arguments.items() if name != "function"}
    text = section(page, "step")
    assert {arg: row[0] for arg, row in rows(text).items()} == wanted
    called = ", ".join(f"{name}={default.strip('`')}" for name, default in wanted.items())
    assert f"`step({called})`" in text


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_every_argument_of_a_decorator_is_there_with_its_default(page, name):
    defaults = OPTIONS[name].defaults
    text = section(page, name)
    wanted = {argument: f"`{default!r}`" for argument, default in defaults.items()}
    assert {argument: row[0] for argument, row in rows(text).items()} == wanted
    called = ", ".join(f"{argument}={default!r}" for argument, default in defaults.items())
    assert f"`@{name}({called})`" in " ".join(text.split())


def test_every_member_of_a_flow_is_there(page):
    assert set(rows(section(page, "FlowSpec"))) == set(members(falaj.FlowSpec).values())


@pytest.mark.parametrize("name", [*CLIENT, "Trigger"])
def test_every_member_of_a_client_class_is_there(page, name):
    kind = getattr(falaj, name)
    shared = members(ClientObject) if issubclass(kind, ClientObject) else {}
    own = {shown for one, shown in members(kind).items() if one not in shared}
    assert set(rows(section(page, name))) == own


@pytest.mark.parametrize("name", RUNNING)
def test_every_member_of_what_runs_flows_is_there(page, name):
    kind = getattr(falaj, name)
    arguments = inspect.signature(kind).parameters if name == "Runner" else {}
    assert set(rows(section(page, name))) - set(arguments) == set(members(kind).values())


def test_what_all_client_objects_have_is_there(page):
    assert set(rows(section(page, "All of them"))) == set(members(ClientObject).values())


def test_every_member_of_a_code_snapshot_is_there(page):
    assert set(rows(section(page, "Code"))) == set(members(FalajCode).values())


def test_all_that_current_answers_is_there(page):
    answers = vars(current_module)["_ANSWERS"]
    own = members(type(falaj.current)).values()
    assert set(rows(section(page, "current"))) == {*answers, *own}


def test_every_error_is_there(page):
    for package in (falaj, falaj_control):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            importlib.import_module(module.name)
    named = {
        kind.__name__ if kind.__module__ == "falaj.errors" else f"{kind.__module__}.{kind.__name__}"
        for kind in (errors.FalajException, errors.FalajBug, *_below(errors.FalajException))
        if kind.__module__.startswith("falaj")
    }
    assert set(rows(section(page, "Errors"))) == named
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and kind.__module__ == "falaj.errors":
            assert f"{name}`" in section(page, "Errors")


def test_the_commands_are_those_of_the_code(docs):
    shown = (docs / "reference" / "commands.md").read_text(encoding="utf-8")
    assert shown == command_reference(), "Write it anew with: python tests/docs/regenerate.py"


def test_every_setting_is_there_with_its_variable_and_default(docs):
    text = (docs / "reference" / "settings.md").read_text(encoding="utf-8")
    wanted = {
        field.name: (
            f"`{PREFIX}{field.name.upper()}`",
            f"{field.default:g}" if isinstance(field.default, float) else "",
        )
        for field in fields(Settings)
    }
    found = {name: row for name, row in rows(text).items() if not name.startswith(PREFIX)}
    assert {name: (row[0], row[2]) for name, row in found.items()} == wanted
    assert f"`{VARIABLE}`" in text
    assert f"`{VARIABLE_PREFIX}<NAME>`" in text


def test_every_variable_that_the_sources_read_is_documented(docs, sources):
    text = "".join(
        (docs / "reference" / name).read_text(encoding="utf-8")
        for name in ("settings.md", "commands.md")
    )
    read: set[str] = set()
    for package in ("falaj", "falaj_control"):
        for path in (sources / package).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            read.update(re.findall(r"[\"'](FALAJ_[A-Z_]+[A-Z])[\"']", source))
    assert read <= set(re.findall(r"FALAJ_[A-Z_]+[A-Z]", text))


def _below(kind: type) -> "list[type]":
    return [found for child in kind.__subclasses__() for found in (child, *_below(child))]
