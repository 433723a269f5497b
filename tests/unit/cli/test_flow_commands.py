"""What the commands of a flow say of it, and how a wrong command line is refused."""

import json
from typing import Any

import pytest

from falaj.authoring.options import OPTIONS
from falaj.model.graph import DecoratorSpec
from falaj_control.cli.context import CommandContext

SHOWN = """
Counts genres.

Second paragraph.

Step start
    The start.

    more
    => body (foreach items)

@retry(times=2)
Step body
    Body
    => join

Step join
    ?
    => end

Step end
    ?

"""


def test_show_lists_the_steps_after_those_that_lead_to_them(flow: Any) -> None:
    assert flow("show") == 0
    assert flow.output == SHOWN


def test_show_has_the_flows_decorators_above_the_steps(flow: Any) -> None:
    base = DecoratorSpec("pypi_base", {**OPTIONS["pypi_base"].defaults, "packages": {"six": ""}})
    bare = DecoratorSpec("conda_base", dict(OPTIONS["conda_base"].defaults))
    flow.description = flow.description._replace(decorators=(base, bare))
    assert flow("show") == 0
    above = "Second paragraph.\n\n@pypi_base(packages={'six': ''})\n@conda_base\n\nStep start\n"
    assert above in flow.output
    assert flow("output-raw", "--json") == 0
    first, second = json.loads(flow.output)["decorators"]
    assert (first["name"], first["attributes"]["packages"]) == ("pypi_base", {"six": ""})
    assert first["statically_defined"]
    assert second["name"] == "conda_base"


@pytest.mark.parametrize("arguments", [[], ["check"], ["check", "--no-warnings"]])
def test_a_valid_flow_is_told_what_can_be_done_with_it(flow: Any, arguments: list[str]) -> None:
    assert flow(*arguments) == 0
    assert "The graph looks good!" in flow.output
    assert "'python flow.py run' runs the flow locally." in flow.output


def test_hints_name_the_file_where_the_tool_takes_it(flow: Any) -> None:
    flow.program = "falaj"
    assert flow("check") == 0
    assert "'falaj run /somewhere/flow.py' runs the flow locally." in flow.output


def test_other_flows_of_the_file_are_named(flow: Any) -> None:
    flow.siblings = ["Other"]
    assert flow("check") == 0
    assert "also holds `Other`" in flow.output


@pytest.mark.parametrize("command", ["run", "show", "check", "resume", ""])
def test_problems_are_printed_instead_of_any_command(flow: Any, command: str) -> None:
    flow.description = None
    flow.problems = ["flow.py:3: Step `a` has no self.next().", "flow.py:9: No end."]
    assert flow(*command.split(), "--alpha", "1") == 1
    assert flow.errors == (
        "The flow is not valid:\n"
        "    flow.py:3: Step `a` has no self.next().\n"
        "    flow.py:9: No end.\n"
    )
    assert flow.output == ""


@pytest.mark.parametrize("command", ["help", "version", "--help"])
def test_help_and_version_work_for_a_flow_that_is_not_valid(flow: Any, command: str) -> None:
    flow.description = None
    flow.problems = ["flow.py:3: broken"]
    assert flow(command) == 0


def test_help_lists_all_commands_but_the_hidden_one(flow: Any) -> None:
    assert flow("help") == 0
    for name in ("run", "resume", "show", "check", "dump", "logs", "output-dot", "version"):
        assert f"\n  {name} " in flow.output
    assert "completion" not in flow.output
    assert "--datastore-root" not in flow.output


def test_an_unknown_command_is_answered_with_the_nearest(flow: Any) -> None:
    assert flow("shwo") == 2
    assert "There is no command 'shwo' (did you mean `show`?)." in flow.errors
    assert "Try 'python flow.py --help'" in flow.errors


def test_an_unknown_option_is_answered_with_the_nearest(flow: Any) -> None:
    assert flow("run", "--alpa", "1") == 2
    assert "--alpha" in flow.errors.partition("Error:")[2]


def test_a_command_of_metaflow_that_is_missing_is_named_so(flow: Any) -> None:
    assert flow("kubernetes", "list") == 2
    assert "not available yet" in flow.errors


@pytest.mark.parametrize(
    "options", [["--datastore=local"], ["--metadata", "local"], ["--environment=local"]]
)
def test_options_that_say_what_happens_anyway_pass_silently(flow: Any, options: list[str]) -> None:
    assert flow(*options, "show") == 0
    assert flow.errors == ""


@pytest.mark.parametrize("options", [["--no-pylint"], ["--event-logger=debugLogger"]])
def test_harmless_options_without_effect_are_noted(flow: Any, options: list[str]) -> None:
    assert flow(*options, "show") == 0
    assert flow.errors.startswith("Note: ")
    assert flow.errors.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--environment=docker"],
        ["--metadata=service"],
        ["--config", "a", "b.json"],
        ["--production"],
        ["--branch", "x"],
        ["--trigger", "Up/1"],
        ["--datastore-root", "/x"],
    ],
)
def test_options_that_promise_what_is_missing_are_refused(flow: Any, options: list[str]) -> None:
    assert flow(*options, "run") == 2
    assert flow.requests == []
    assert options[0].partition("=")[0] in flow.errors


def test_the_graph_is_written_for_graphviz(flow: Any) -> None:
    assert flow("output-dot") == 0
    assert flow.output.startswith("digraph GenreStats {\n")
    assert '"start"[ label = <<b>start</b> | <font point-size="10">foreach</font>>' in flow.output
    assert "body -> join;\n" in flow.output


def test_the_graph_is_written_as_data(flow: Any) -> None:
    assert flow("output-raw", "--json") == 0
    data = json.loads(flow.output)
    assert data["graph_structure"] == ["start", [["body"]], "join", "end"]
    assert data["graph"]["start"]["type"] == "split-foreach"
    assert data["graph"]["start"]["matching_join"] == "join"
    assert data["graph"]["start"]["foreach_artifact"] == "items"
    assert data["graph"]["join"]["type"] == "join"
    assert data["graph"]["end"]["type"] == "end"


def test_types_of_nodes_are_metaflows(flow: Any) -> None:
    steps = {step.name: step for step in flow.description.steps}
    steps["start"] = steps["start"]._replace(kind="split", foreach=None, targets=("body", "other"))
    steps["other"] = steps["body"]._replace(name="other")
    flow.description = flow.description._replace(steps=tuple(steps.values()))
    assert flow("output-raw", "--json") == 0
    assert json.loads(flow.output)["graph"]["start"]["type"] == "split-static"
    assert flow("output-dot") == 0
    assert '<b>start</b> | <font point-size="10">split</font>' in flow.output


def test_without_json_the_graph_is_for_people(flow: Any) -> None:
    assert flow("output-raw") == 0
    assert "start (split-foreach) => body\n" in flow.output


def test_version_prints_one_line(flow: Any) -> None:
    assert flow("version") == 0
    assert flow.output.count("\n") == 1


def test_a_bug_is_told_as_one(flow: Any) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("oops")

    flow.watch = fail
    assert flow("run") == 70
    assert "ZeroDivisionError: oops" in flow.errors
    assert "This is a bug in Falaj" in flow.errors


def test_an_interrupt_ends_with_its_own_code(flow: Any) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    flow.watch = interrupt
    assert flow("run") == 130


def test_completion_offers_options_steps_and_values(flow: Any) -> None:
    assert flow("completion", "--", "--al", "run") == 0
    assert flow.output == "plain\t--alpha\tHow many. [default: 3]\n"
    assert flow("completion", "--", "b", "resume") == 0
    assert flow.output == "plain\tbody\t\n"
    assert flow("completion", "--", "T", "run", "--my-flag") == 0
    assert flow.output == "plain\tTrue\t\n"
    assert flow("completion", "--", "", "run", "--table") == 0
    assert flow.output.startswith("file\t")


def test_a_context_types_commands_as_people_do() -> None:
    assert CommandContext("python flow.py").typed("run") == "python flow.py run"
    assert CommandContext("falaj").typed("run") == "falaj run flow.py"
