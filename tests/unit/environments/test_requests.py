"""From decorators and the files they name to what each step's environment is to hold."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.authoring.options import option_attributes
from falaj.model.graph import DecoratorSpec, FlowDescription, StepSpec
from falaj_control.environments.pythons import choose_python
from falaj_control.environments.requests import origin_of, requests_of
from falaj_control.environments.values import EnvironmentFailed, Request

HEADER = '# /// script\n# requires-python = "{}"\n# dependencies = ["six"]\n# ///\n'
PROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = "{}"\ndependencies = ["six"]\n'


def deco(name: str, line: int = 7, from_outside: bool = False, **given: Any) -> DecoratorSpec:
    attributes = option_attributes(name, given)
    return DecoratorSpec(name, attributes, line, from_outside, file="flow.py")


class Flow:
    """A flow in a folder of its own, with one step unless `steps` say otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "flow.py"
        self.file.write_text("print('a flow')\n")
        self.base: tuple[DecoratorSpec, ...] = ()

    def description(self, *own: DecoratorSpec) -> FlowDescription:
        step = StepSpec("start", "end", (), None, False, own, "", str(self.file), 9)
        return FlowDescription(
            "F", "", str(self.file), (step,), (), "start", "start", decorators=self.base
        )

    def ask(
        self, *own: DecoratorSpec, chosen: str | None = None, python: str = "3.11"
    ) -> Request | None:
        return requests_of(self.description(*own), chosen, python)["start"]

    def asked(self, *own: DecoratorSpec, **more: Any) -> Request:
        found = self.ask(*own, **more)
        assert found is not None
        return found

    def refused(self, *own: DecoratorSpec, **more: Any) -> str:
        with pytest.raises(EnvironmentFailed) as caught:
            self.ask(*own, **more)
        return str(caught.value)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    folder = tmp_path / "project" / "flows"
    folder.mkdir(parents=True)
    return Flow(folder)


# Which steps have an environment, and of which kind.


def test_without_decorators_a_step_runs_where_the_flow_was_started(flow: Flow) -> None:
    assert flow.ask() is None
    assert flow.ask(deco("retry")) is None


def test_each_step_is_answered_for_itself(flow: Flow) -> None:
    description = flow.description(deco("pypi", packages={"six": "1.16"}))
    other = description.steps[0]._replace(name="end", decorators=())
    found = requests_of(description._replace(steps=(*description.steps, other)), None, "3.11.7")
    assert list(found) == ["start", "end"]
    assert found["start"] is not None
    assert (found["start"].requirements, found["start"].python) == (("six==1.16",), "3.11")
    assert found["end"] is None


@pytest.mark.parametrize("kind", ["pypi", "conda", "uv"])
def test_local_wins_over_all_decorators(flow: Flow, kind: str) -> None:
    flow.base = (deco(f"{kind}_base"),)
    assert flow.ask(deco(kind), chosen="local") is None


@pytest.mark.parametrize("kind", ["pypi", "conda", "uv"])
def test_a_chosen_kind_is_for_steps_that_say_nothing(flow: Flow, kind: str) -> None:
    flow.write("requirements.txt", "six")
    other = {"pypi": "conda", "conda": "pypi", "uv": "pypi"}[kind]
    assert flow.asked(chosen=kind).kind == kind
    assert flow.asked(deco(other), chosen=kind).kind == other
    assert flow.ask(deco(kind, disabled=True), chosen=kind) is None
    assert flow.ask(deco(other, disabled=True), chosen=kind) is None
    flow.base = (deco(f"{kind}_base", python="3.9"),)
    assert flow.asked(chosen=kind).python == "3.9"
    flow.base = (deco(f"{kind}_base", disabled=True),)
    assert flow.ask(chosen=kind) is None


def test_a_flows_decorator_holds_for_every_step_but_those_that_opt_out(flow: Flow) -> None:
    flow.base = (deco("pypi_base", packages={"six": ""}),)
    assert flow.asked().requirements == ("six",)
    assert flow.ask(deco("pypi", disabled=True)) is None
    # Another kind that is off changes nothing.
    assert flow.asked(deco("conda", disabled=True)).kind == "pypi"
    flow.base = (deco("pypi_base", packages={"six": ""}, disabled=True),)
    assert flow.ask() is None
    assert flow.asked(deco("pypi", packages={"tomli": ""})).requirements == ("tomli",)


def test_conda_and_pypi_make_one_environment_from_whatever_level(flow: Flow) -> None:
    conda, pypi = {"numpy": "1.21.5"}, {"six": "1.16"}
    both = (deco("conda", packages=conda), deco("pypi", packages=pypi))
    requests = [flow.asked(*both)]
    flow.base = (deco("conda_base", packages=conda), deco("pypi_base", packages=pypi))
    requests.append(flow.asked())
    flow.base = (deco("conda_base", packages=conda),)
    requests.append(flow.asked(both[1]))
    flow.base = (deco("pypi_base", packages=pypi),)
    requests += [flow.asked(both[0]), flow.asked(both[0], chosen="uv")]
    assert len({request.digest for request in requests}) == 1
    assert requests[0].kind == "conda"
    assert requests[0].conda == ("numpy ==1.21.5",)
    assert requests[0].requirements == ("six==1.16",)
    assert requests[0].channels == ("conda-forge",)


def test_a_steps_own_kind_wins_over_another_of_the_flow(flow: Flow) -> None:
    flow.write("requirements.txt", "six")
    flow.base = (deco("pypi_base", packages={"tomli": ""}),)
    assert flow.asked(deco("uv")).kind == "uv"
    assert flow.asked(chosen="uv").kind == "uv"
    flow.base = (deco("uv_base"),)
    assert flow.asked(deco("pypi")).kind == "pypi"
    assert flow.asked(deco("conda")).kind == "conda"
    assert flow.asked().kind == "uv"


def test_uv_goes_with_no_other_on_one_level(flow: Flow) -> None:
    told = flow.refused(deco("uv", 3), deco("pypi", 4))
    assert told == (
        "Step start, @pypi at flow.py:4 and @uv at flow.py:3: @uv takes everything from its files "
        "and can't go together with @pypi; keep one, or switch one off for the step with "
        "disabled=True."
    )
    flow.base = (deco("uv_base", 1), deco("conda_base", 2), deco("pypi_base", 3))
    told = flow.refused()
    assert "@uv_base at flow.py:1" in told
    assert "can't go together with @conda and @pypi" in told


# What it holds.


def test_packages_are_merged_by_name_whatever_the_spelling(flow: Flow) -> None:
    flow.base = (
        deco(
            "pypi_base", packages={"pandas": "1.0", "Foo.Bar": "1", "six": "", "git+ssh://h/x": ""}
        ),
    )
    own = {"Pandas": ">=2", "foo_bar[x]": "2", "git+ssh://h/x": "@v2"}
    assert flow.asked(deco("pypi", packages=own)).requirements == (
        "foo-bar[x]==2",
        "git+ssh://h/x@v2",
        "pandas>=2",
        "six",
    )


def test_other_arguments_of_the_step_replace_those_of_the_flow(flow: Flow) -> None:
    given: dict[str, Any] = {
        "python": "3.9",
        "index_url": "https://a/simple",
        "extra_index_urls": ["https://b/simple", "https://c/simple"],
        "find_links": ["./wheels"],
        "exclude_newer": "2023-01-01",
        "metadata": {"pandas==0.24.2": ["numpy"], "a==1": ["b"]},
    }
    flow.base = (deco("pypi_base", **given),)
    bare = flow.asked(deco("pypi"))
    assert bare == flow.asked()
    assert (bare.python, bare.index_url) == ("3.9", "https://a/simple")
    assert bare.extra_index_urls == ("https://b/simple", "https://c/simple")
    assert (bare.find_links, bare.exclude_newer) == (("./wheels",), "2023-01-01")
    own = flow.asked(
        deco(
            "pypi",
            python="3.10.2",
            index_url="https://d/simple",
            extra_index_urls=["https://e/simple"],
            exclude_newer="2024-01-01",
            metadata={"a==1": ["c"]},
        )
    )
    assert (own.python, own.index_url) == ("3.10.2", "https://d/simple")
    assert (own.extra_index_urls, own.find_links) == (("https://e/simple",), ("./wheels",))
    assert own.exclude_newer == "2024-01-01"
    assert own.metadata == {"pandas==0.24.2": ("numpy",), "a==1": ("c",)}


def test_conda_merges_libraries_packages_and_channels(flow: Flow) -> None:
    flow.base = (
        deco(
            "conda_base",
            libraries={"numpy": "1.20", "scipy": "1.5"},
            packages={"Scipy": ">=1.6"},
            channels=["a", "b"],
        ),
    )
    own = flow.asked(deco("conda", packages={"conda-forge::numpy": "1.21"}))
    assert own.conda == ("conda-forge::numpy ==1.21", "scipy >=1.6")
    assert own.channels == ("a", "b")
    assert flow.asked(deco("conda", channels=["c"])).channels == ("c",)


def test_conda_and_pypi_have_to_agree(flow: Flow) -> None:
    told = flow.refused(deco("conda", 3, python="3.9"), deco("pypi", 4, python="3.8"))
    assert "@conda says '3.9' and @pypi says '3.8' for `python`" in told
    flow.base = (deco("pypi_base", python="3.8"),)
    assert flow.asked(deco("conda", python="3.9")).python == "3.9"
    assert flow.asked(deco("conda")).python == "3.8"


def test_equal_asks_are_one_request_whatever_the_order(flow: Flow) -> None:
    packages = {"six": "1.16", "attrs": "", "tomli": ">=1"}
    digests = {
        flow.asked(deco("pypi", line, packages=dict(order))).digest
        for line, order in enumerate(itertools.permutations(packages.items()))
    }
    assert len(digests) == 1


def test_paths_start_from_the_flows_folder(
    flow: Flow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flow.write("libs/mylib/pyproject.toml", "")
    monkeypatch.chdir(tmp_path)
    request = flow.asked(deco("pypi", packages={"mylib": "@ ./libs/mylib"}))
    assert request.requirements == ("mylib @ ./libs/mylib",)
    assert request.base == str(flow.folder)
    told = flow.refused(deco("pypi", packages={"mylib": "@ ./libs/other"}))
    assert "Step start, @pypi at flow.py:7: `mylib` is to come from" in told
    assert f"{flow.folder}/libs/other, and nothing is there" in told
    flow.asked(deco("pypi", packages={"mylib": "@ ${LIBS}/mylib"}))


# An environment.yml.

YML = """
channels: {channels}
dependencies:
  - python=3.9
  - numpy=1.21
  - scipy=1.5
  - pip:
    - six==1.15
    - tomli
"""
CHANNELS = "\n  - one\n  - two"


def test_an_environment_yml_comes_below_what_the_decorators_say(flow: Flow) -> None:
    flow.write("envs/model.yml", YML.format(channels=CHANNELS))
    request = flow.asked(
        deco("conda", environment_yml="envs/model.yml", packages={"scipy": "1.6"}),
        deco("pypi", packages={"Six": "1.16"}),
    )
    assert request.conda == ("numpy 1.21.*", "scipy ==1.6")
    assert request.requirements == ("six==1.16", "tomli")
    assert (request.python, request.channels) == ("3.9", ("one", "two"))
    request = flow.asked(
        deco("conda", environment_yml="envs/model.yml", python="3.8", channels=["three"])
    )
    assert (request.python, request.channels) == ("3.8", ("three",))


def test_the_steps_environment_yml_replaces_the_flows(flow: Flow) -> None:
    flow.write("a.yml", YML.format(channels=CHANNELS))
    flow.write("b.yml", "dependencies:\n  - zlib\n  - numpy=1.22\n")
    flow.base = (deco("conda_base", environment_yml="a.yml", packages={"numpy": "1.20"}),)
    assert flow.asked(deco("conda")).conda == ("numpy ==1.20", "scipy 1.5.*")
    request = flow.asked(deco("conda", environment_yml="b.yml"))
    assert request.conda == ("numpy 1.22.*", "zlib")
    assert (request.python, request.requirements) == ("3.11", ())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "env.yml can't be read: No such file or directory."),
        ("dependencies:\n  what", "env.yml: Line 2: `what` is not understood."),
        ("dependencies:\n  - pip:\n    - x @ https://u:hunter2@h/x.whl", "a password or token"),
    ],
)
def test_a_wrong_environment_yml_is_told_with_step_and_decorator(
    flow: Flow, text: str | None, told: str
) -> None:
    if text is not None:
        flow.write("env.yml", text)
    message = flow.refused(deco("conda", environment_yml="env.yml"))
    assert message.startswith(f"Step start, @conda at flow.py:7: {flow.folder}/env.yml")
    assert told in message
    assert "hunter2" not in message


# The files of @uv.


def test_uv_takes_what_is_named(flow: Flow) -> None:
    wanted = {
        "pyproject": flow.write("../p/pyproject.toml", PROJECT.format(">=3.8")),
        "requirements": flow.write("reqs.txt", "six"),
        "script": flow.write("other.py", HEADER.format(">=3.8")),
    }
    for kind, path in wanted.items():
        for named in (str(path), os.path.relpath(path, flow.folder)):
            project = flow.asked(deco("uv", **{kind: named})).project
            assert project is not None
            assert (project.kind, project.path) == (kind, str(path.resolve()))


def test_uv_finds_the_header_then_the_pyproject_then_the_requirements(flow: Flow) -> None:
    def found() -> tuple[str, str]:
        project = flow.asked(deco("uv")).project
        assert project is not None
        return project.kind, os.path.relpath(project.path, flow.folder)

    told = flow.refused(deco("uv"))
    assert told.startswith("Step start, @uv at flow.py:7: nothing says which packages it needs.")
    assert f"no `# /// script` header in {flow.file}" in told
    assert f"no pyproject.toml with a [project] in {flow.folder} or above" in told
    assert f"no {flow.folder}/requirements.txt" in told
    flow.write("requirements.txt", "six")
    assert found() == ("requirements", "requirements.txt")
    flow.write("../pyproject.toml", PROJECT.format(">=3.8"))
    # One that only sets up tools is no project.
    flow.write("pyproject.toml", "[tool.ruff]\nline-length = 100\n")
    assert found() == ("pyproject", "../pyproject.toml")
    flow.write("pyproject.toml", '[dependency-groups]\ndev = ["six"]\n')
    assert found() == ("pyproject", "pyproject.toml")
    flow.write("flow.py", HEADER.format(">=3.8") + "print('a flow')\n")
    assert found() == ("script", "flow.py")


def test_the_flows_own_header_can_be_asked_for(flow: Flow) -> None:
    told = flow.refused(deco("uv", script=True))
    assert f"{flow.file} has no header `# /// script`" in told
    flow.write("flow.py", HEADER.format(">=3.8"))
    request = flow.asked(deco("uv", script=True))
    assert request.project is not None
    assert (request.kind, request.project.path) == ("uv", str(flow.file))


def test_the_steps_file_replaces_the_flows_of_another_kind(flow: Flow) -> None:
    flow.write("pyproject.toml", PROJECT.format(">=3.8"))
    flow.write("reqs.txt", "six")
    flow.base = (
        deco("uv_base", pyproject="pyproject.toml", extras=["b", "a"], index_url="https://h/s"),
    )
    inherited = flow.asked(deco("uv", groups=["dev"]))
    assert inherited.project is not None
    assert (inherited.project.extras, inherited.project.groups) == (("a", "b"), ("dev",))
    told = flow.refused(deco("uv", requirements="reqs.txt"))
    assert "`extras` and `groups` are those of a pyproject.toml" in told
    flow.base = (deco("uv_base", pyproject="pyproject.toml", index_url="https://h/s"),)
    own = flow.asked(deco("uv", requirements="reqs.txt"))
    assert own.project is not None
    assert (own.project.kind, own.index_url) == ("requirements", "https://h/s")


Change = Callable[[Flow], object]


@pytest.mark.parametrize(
    ("given", "decides", "does_not"),
    [
        (
            {"pyproject": "pyproject.toml"},
            [
                lambda flow: flow.write("pyproject.toml", PROJECT.format(">=3.7")),
                lambda flow: flow.write("uv.lock", "version = 1"),
                lambda flow: flow.write("uv.lock", "version = 2"),
            ],
            lambda flow: flow.write("reqs.txt", "other"),
        ),
        (
            {"requirements": "reqs.txt"},
            [
                lambda flow: flow.write("reqs.txt", "-r more/a.txt\n"),
                lambda flow: flow.write("more/a.txt", "-cb.txt\n--constraint=../c.txt\nsix"),
                lambda flow: flow.write("more/b.txt", "six<2\n-r ../reqs.txt"),
                lambda flow: flow.write("c.txt", "tomli<3"),
            ],
            lambda flow: flow.write("uv.lock", "version = 3"),
        ),
        (
            {"script": True},
            [
                lambda flow: flow.write("flow.py", HEADER.format(">=3.7")),
                lambda flow: flow.write("flow.py.lock", "version = 1"),
            ],
            lambda flow: flow.write("flow.py", HEADER.format(">=3.7") + "print('more')\n"),
        ),
    ],
)
def test_a_project_is_known_by_all_that_decides_and_nothing_else(
    flow: Flow, given: dict[str, Any], decides: list[Change], does_not: Change
) -> None:
    flow.write("pyproject.toml", PROJECT.format(">=3.8"))
    flow.write("reqs.txt", "-r more/a.txt  # more\nsix")
    flow.write("more/a.txt", "-c b.txt\n--constraint ../c.txt\n-r https://host/x.txt")
    flow.write("more/b.txt", "-r ../reqs.txt")
    flow.write("c.txt", "")
    flow.write("flow.py", HEADER.format(">=3.8"))
    digests = [flow.asked(deco("uv", **given)).digest]
    for change in decides:
        change(flow)
        digests.append(flow.asked(deco("uv", **given)).digest)
    assert len(set(digests)) == len(decides) + 1
    does_not(flow)
    assert flow.asked(deco("uv", **given)).digest == digests[-1]


def test_the_same_project_in_another_folder_is_the_same_request(flow: Flow, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    digests: set[str] = set()
    for one in (flow, Flow(other)):
        one.write("reqs.txt", "-r more/a.txt")
        one.write("more/a.txt", "six")
        digests.add(one.asked(deco("uv", requirements="reqs.txt")).digest)
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("given", "text", "told"),
    [
        ({"pyproject": "x.toml"}, None, "x.toml can't be read: No such file or directory."),
        ({"pyproject": "x.toml"}, "[project", "x.toml: This is no valid TOML: "),
        ({"pyproject": "x.toml"}, "[tool.x]", "x.toml has neither [project] nor [dependency-grou"),
        (
            {"pyproject": "x.toml"},
            "[project]\nrequires-python = 3.8",
            "`requires-python` in {folder}/x.toml is no text.",
        ),
        ({"requirements": "r.txt"}, "six\n-r no.txt", "r.txt, line 2, includes no.txt, and there"),
        ({"script": "x.py"}, "import os", "x.py has no header `# /// script`"),
        ({"script": "x.py"}, "# /// script\n# x = [\n# ///", "the `# /// script` header of"),
        (
            {"script": "x.py"},
            HEADER + "x = 1\n" + HEADER,
            "x.py has more than one `# /// script` header",
        ),
        ({"requirements": "."}, None, "can't be read: Is a directory."),
    ],
)
def test_a_file_that_is_of_no_use_is_told_with_step_and_decorator(
    flow: Flow, given: dict[str, Any], text: str | None, told: str
) -> None:
    if text is not None:
        (named,) = given.values()
        flow.write(named, text)
    message = flow.refused(deco("uv", **given))
    assert message.startswith("Step start, @uv at flow.py:7: ")
    assert told.format(folder=flow.folder) in message


def test_a_file_that_is_no_text_is_told(flow: Flow) -> None:
    (flow.folder / "r.txt").write_bytes(b"\xff\xfe")
    assert "r.txt is not UTF-8 text." in flow.refused(deco("uv", requirements="r.txt"))


# Which Python.


def test_the_default_python_is_the_launchers_where_the_file_allows_it(flow: Flow) -> None:
    flow.write("flow.py", HEADER.format(">=3.9,<3.11"))
    assert flow.asked(deco("uv"), python="3.10.4").python == "3.10"
    assert flow.asked(deco("uv"), python="3.12").python == "3.9"
    assert flow.asked(deco("uv", python="3.9.1")).python == "3.9.1"
    told = flow.refused(deco("uv", python="3.12"))
    assert "Python 3.12 is asked for, and the file requires >=3.9,<3.11; change one." in told
    # What the parsers give can be passed on.
    assert flow.asked(deco("pypi", python=">=3.8,<3.10"), python="3.12").python == "3.8"


@pytest.mark.parametrize(
    ("requires", "launcher", "chosen"),
    [
        (None, "3.12", "3.12"),
        (">=3.8", "3.12", "3.12"),
        (">=3.8.5", "3.8", "3.8"),
        (">3.8", "3.8", "3.8"),
        (">3.8.0,<3.8.1", "3.11", None),
        ("<3.9", "3.11", "3.7"),
        ("<=3.9", "3.10", "3.7"),
        ("==3.9.*", "3.11", "3.9"),
        ("==3.9", "3.11", "3.9"),
        ("==3.9.7", "3.11", "3.9"),
        ("3.9", "3.11", "3.9"),
        ("~=3.9", "3.11", "3.11"),
        ("~=3.9", "3.8", "3.9"),
        ("~=3.9.2", "3.11", "3.9"),
        ("!=3.11.*", "3.11", "3.7"),
        ("!=3.11.2", "3.11", "3.11"),
        (">=3.8,!=3.8.*, !=3.9.*", "3.9", "3.10"),
        (">=3,<4", "3.11", "3.11"),
        ("<3.7", "3.11", None),
        (">=3.15", "3.11", None),
        ("~=2.7", "3.11", None),
    ],
)
def test_versions_that_a_file_allows(
    requires: str | None, launcher: str, chosen: str | None
) -> None:
    if chosen is not None:
        assert choose_python(None, requires, launcher) == chosen
        return
    with pytest.raises(EnvironmentFailed, match="No Python from 3.7 to 3.14 is allowed by"):
        choose_python(None, requires, launcher)


def test_a_version_that_is_asked_for_in_full_is_judged_in_full() -> None:
    assert choose_python("3.9.7", ">=3.9.7", "3.11") == "3.9.7"
    with pytest.raises(EnvironmentFailed, match="Python 3.9.6 is asked for"):
        choose_python("3.9.6", ">=3.9.7", "3.11")


def test_a_specifier_that_makes_no_sense_is_told() -> None:
    with pytest.raises(EnvironmentFailed, match="The Python version `python3` is not understood"):
        choose_python(None, "python3", "3.11")


# Who asked.


def test_later_errors_can_name_who_asked(flow: Flow) -> None:
    flow.base = (deco("pypi_base", 3), deco("uv_base", 4, disabled=True))
    description = flow.description(deco("pypi", 12), deco("conda", 13))
    assert origin_of(description, "start") == (
        "step start, @conda at flow.py:13 and @pypi at flow.py:12 and @pypi_base at flow.py:3"
    )
    flow.base = ()
    outside = flow.description(deco("pypi", 0, from_outside=True))
    assert origin_of(outside, "start") == "step start, @pypi from --with"
    plain = flow.description()
    assert origin_of(plain, "start", "pypi") == "step start, --environment=pypi"
    assert origin_of(plain, "start") == "step start"


def test_a_notebooks_paths_start_from_the_working_folder(
    flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(flow.folder)
    flow.write("reqs.txt", "six")
    description = flow.description(deco("uv", requirements="reqs.txt"))
    request = requests_of(description._replace(file="<ipython-input-1>"), None, "3.11")["start"]
    assert request is not None
    assert request.base == str(flow.folder)
