"""From the options of `run` and `resume` to the request that is started."""

import os
from pathlib import Path
from typing import Any

import pytest

from falaj_control.ports.requests import ResumeRequest


def test_a_bare_run_leaves_every_value_to_the_flow(flow: Any) -> None:
    assert flow("run") == 0
    assert flow.request.parameters == {}
    assert flow.request.description == flow.description
    assert flow.request.max_workers == 16
    assert flow.request.max_log_bytes == 10 * 1024 * 1024
    assert flow.request.namespace is None
    assert flow.request.isolation == "auto"
    assert flow.request.arguments == ("run",)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--alpha", "4"], {"alpha": 4}),
        (["--alpha=-4"], {"alpha": -4}),
        (["--rate", "0.5"], {"rate": 0.5}),
        (["--my-flag", "False"], {"my-flag": False}),
        (["--data", '[1, {"b": null}]'], {"data": [1, {"b": None}]}),
        (["--when", "--help"], {"when": "--help"}),
        (["--when", ""], {"when": ""}),
    ],
)
def test_parameters_become_json_values_by_name(
    flow: Any, arguments: list[str], expected: dict[str, Any]
) -> None:
    assert flow("run", *arguments) == 0
    assert flow.request.parameters == expected


def test_a_file_becomes_an_absolute_path(
    flow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "films.csv").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert flow("run", "--table", "films.csv") == 0
    assert flow.request.parameters == {"table": str(tmp_path / "films.csv")}


@pytest.mark.parametrize("value", ["missing.csv", "s3://bucket/x", "."])
def test_a_file_that_is_none_is_refused(flow: Any, value: str) -> None:
    assert flow("run", "--table", value) == 2
    assert flow.requests == []
    assert value in flow.errors


@pytest.mark.parametrize(
    "arguments", [["--alpha", "x"], ["--my-flag", "maybe"], ["--data", "{"], ["--rate", ""]]
)
def test_a_value_of_the_wrong_type_is_refused(flow: Any, arguments: list[str]) -> None:
    assert flow("run", *arguments) == 2
    assert arguments[0] in flow.errors


def test_a_variable_gives_a_parameter_and_the_option_wins(
    flow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALAJ_RUN_ALPHA", "7")
    monkeypatch.setenv("FALAJ_RUN_MY_FLAG", "no")
    assert flow("run", "--alpha", "8") == 0
    assert flow.request.parameters == {"alpha": 8, "my-flag": False}


def test_a_required_parameter_must_be_given(
    flow: Any, make_parameter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = make_parameter("needed", "str", required=True)
    flow.description = flow.description._replace(parameters=(needed,))
    assert flow("run") == 2
    assert "--needed" in flow.errors
    monkeypatch.setenv("FALAJ_RUN_NEEDED", "x")
    assert flow("run") == 0


def test_help_shows_parameters_with_type_and_default(flow: Any) -> None:
    assert flow("run", "--help") == 0
    text = " ".join(flow.output.split())
    assert "--alpha INTEGER How many. [default: 3]" in text
    assert '--data JSON [default: {"a": 1}]' in text
    assert "--words TEXT [default: x,y]" in text
    assert "--my-flag BOOLEAN [default: True]" in text
    assert "--when TEXT [default: computed when the run starts]" in text


def test_the_options_of_a_run_reach_the_request(flow: Any, tmp_path: Path) -> None:
    file = tmp_path / "id.txt"
    code = flow(
        "--with=catch",
        "run",
        *("--max-workers", "3"),
        *("--max-log-size", "0.5"),
        *("--tag", "a", "--tag", "b"),
        *("--namespace", "user:eve"),
        *("--run-id-file", str(file)),
        *("--isolation", "spawn"),
        *("--with", "retry:times=4"),
    )
    assert code == 0
    request = flow.request
    assert (request.max_workers, request.max_log_bytes) == (3, 512 * 1024)
    assert (request.tags, request.namespace) == (("a", "b"), "user:eve")
    assert (request.run_id_file, request.isolation) == (str(file), "spawn")
    assert request.decospecs == ("catch", "retry:times=4")
    names = [one.name for one in request.description.step("join").decorators]
    assert names == ["catch", "retry"]
    assert request.description.step("body").decorators[0].attributes["times"] == 2


def test_environments_are_left_to_the_decorators(flow: Any) -> None:
    assert flow("run") == 0
    request = flow.request
    assert (request.environment, request.locked, request.includes) == (None, False, ())


@pytest.mark.parametrize("kind", ["local", "pypi", "conda", "uv"])
def test_an_environment_is_chosen_by_an_option_or_a_variable(
    flow: Any, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert flow(f"--environment={kind}", "run", "--locked", *("--include", "a", "--include=b")) == 0
    request = flow.request
    assert (request.environment, request.locked, request.includes) == (kind, True, ("a", "b"))
    monkeypatch.setenv("FALAJ_ENVIRONMENT", kind)
    flow.requests.clear()
    assert flow("run") == 0
    assert flow.request.environment == kind


def test_the_option_for_environments_wins_over_the_variable(
    flow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FALAJ_ENVIRONMENT", "conda")
    assert flow("--environment", "uv", "run") == 0
    assert flow.request.environment == "uv"
    monkeypatch.setenv("FALAJ_ENVIRONMENT", "docker")
    assert flow("run") == 2
    assert "'docker' is not one of" in flow.errors


def test_a_resume_leaves_the_environment_to_the_earlier_run(flow: Any, records: Any) -> None:
    records.run(1, "failed")
    assert flow("resume", "--locked") == 0
    assert (flow.request.environment, flow.request.locked) == (None, True)


def test_packages_can_be_put_on_every_step(flow: Any) -> None:
    assert flow("run", "--with", 'pypi:packages={"six": ">=1, ==1.*", "a": ""},python=3.10') == 0
    (decorator,) = flow.request.description.step("join").decorators
    assert decorator.name == "pypi"
    assert decorator.attributes["packages"] == {"six": ">=1, ==1.*", "a": ""}
    assert decorator.attributes["python"] == "3.10"


def test_an_empty_namespace_is_the_global_one(flow: Any) -> None:
    assert flow("run", "--namespace=") == 0
    assert flow.request.namespace == ""


def test_max_num_splits_is_noted_and_ignored(flow: Any) -> None:
    assert flow("run", "--max-num-splits", "5") == 0
    assert "has no effect" in flow.errors


@pytest.mark.parametrize("spec", ["retyr", "retry:times=x", "retry:nosuch=1"])
def test_a_wrong_decorator_is_refused(flow: Any, spec: str) -> None:
    assert flow("run", "--with", spec) == 1
    assert flow.requests == []
    assert flow.errors.startswith("Decorator error: ")


@pytest.mark.parametrize(
    ("tags", "says"),
    [
        ([""], "A tag has 1 to 500 characters"),
        (["fine", "x" * 501], "A tag has 1 to 500 characters"),
        (["\udcff"], "not valid UTF-8"),
        ([f"t{number}" for number in range(51)], "at most 50 tags"),
    ],
)
def test_a_run_takes_the_tags_that_it_may_have(flow: Any, tags: "list[str]", says: str) -> None:
    assert flow("run", *(f"--tag={tag}" for tag in tags)) == 2
    assert says in flow.errors
    assert flow.requests == []


def test_a_tag_that_is_given_twice_counts_once(flow: Any) -> None:
    assert flow("run", *(f"--tag=t{number % 50}" for number in range(60))) == 0
    assert len(flow.request.tags) == 50


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (os.path.join("no", "such", "id"), "does not exist"),
        ("", "is a folder"),
        ("n" * 300, "can't be written: File name too long"),
    ],
)
def test_a_run_id_file_that_can_not_be_written_leaves_no_run(
    flow: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert flow("run", "--run-id-file", path) == 2
    assert message in flow.errors
    assert flow.requests == []
    assert os.listdir(tmp_path) == []


def test_a_parameter_may_have_the_name_of_a_new_option(flow: Any, make_parameter: Any) -> None:
    own = (make_parameter("quiet", "bool"), make_parameter("isolation", "str"))
    flow.description = flow.description._replace(parameters=own)
    assert flow("run", "--quiet", "yes", "--isolation", "high") == 0
    assert flow.request.parameters == {"quiet": True, "isolation": "high"}
    assert flow.request.isolation is None


def test_resume_takes_the_latest_run_of_the_flow(flow: Any, records: Any) -> None:
    records.run(1, "failed")
    records.run(2, "failed")
    records.run(3, "failed", flow="Other")
    assert flow("resume") == 0
    assert flow.request.resume == ResumeRequest(2)
    assert flow.request.parameters == {}


def test_resume_takes_the_run_that_is_named_and_a_step(flow: Any, records: Any) -> None:
    records.run(1, "failed")
    records.run(2, "failed")
    for number, name in enumerate(("1", "GenreStats/1", "#1")):
        assert flow("resume", "body", "--origin-run-id", name, "--max-workers", "2") == 0
        assert flow.requests[number].resume == ResumeRequest(1, "body")
        assert flow.requests[number].max_workers == 2


def test_resume_refuses_what_it_can_not_do(flow: Any, records: Any) -> None:
    assert flow("resume") == 1
    assert "Start one with: python flow.py run" in flow.errors
    records.run(1, "running")
    assert flow("resume") == 1
    assert "Run 1 is still running" in flow.errors
    assert flow("resume", "bdy") == 1
    assert "no step `bdy` (did you mean `body`?)" in flow.errors
    assert flow("resume", "--origin-run-id", "99") == 1
    assert "There is no run 99 of GenreStats" in flow.errors
    records.run(2, "failed", flow="Other")
    assert flow("resume", "--origin-run-id", "Other/2") == 1
    assert flow("resume", "--origin-run-id", "2") == 1
    assert flow("resume", "--alpha", "3") == 2
    assert flow.requests == []


def test_a_lost_run_can_be_resumed(flow: Any, records: Any) -> None:
    records.run(1, "running", lease={"host": "elsewhere", "pid": 1}, heard_at=1.0)
    assert flow("resume") == 0
    assert flow.request.resume == ResumeRequest(1)
