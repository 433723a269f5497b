"""Decorators for environments: what they take, where they stand, and what they leave on flows."""

import json
import sys

import pytest

from falaj import FlowSpec, conda, conda_base, pypi, pypi_base, step, uv, uv_base
from falaj.authoring.collect import describe
from falaj.authoring.decospecs import attach, parse_decospec
from falaj.authoring.options import OPTIONS
from falaj.authoring.packages import conda_spec, parse_package, parse_requirement, without_secrets
from falaj.errors import DecoratorError
from falaj.model.graph import FlowDescription

KINDS = {"pypi": (pypi, pypi_base), "conda": (conda, conda_base), "uv": (uv, uv_base)}
EVERYTHING = {
    "pypi": {
        "packages": {"pandas": "0.24.2", "requests[socks]": ">=2"},
        "python": "3.7.16",
        "disabled": False,
        "index_url": "https://me:${TOKEN}@host/simple",
        "extra_index_urls": ["https://other/simple"],
        "find_links": ["./wheels"],
        "exclude_newer": "2023-01-01",
        "metadata": {"pandas==0.24.2": ["numpy>=1.12.0", "pytz>=2011.11"]},
    },
    "conda": {
        "packages": {"numpy": "1.21.5"},
        "libraries": {"conda-forge::scipy": ">=1.2"},
        "python": "3.9",
        "channels": ["conda-forge"],
        "disabled": None,
        "environment_yml": "environment.yml",
        "exclude_newer": "2023-01-01T12:00:00.5+02:00",
    },
    "uv": {
        "pyproject": "../pyproject.toml",
        "requirements": None,
        "script": None,
        "extras": ["plot"],
        "groups": ["dev"],
        "python": "3.11",
        "disabled": True,
        "index_url": None,
        "extra_index_urls": [],
        "find_links": [],
        "exclude_newer": None,
    },
}


def on_step(decorator):
    @step
    def a(self): ...

    assert decorator(a) is a
    (spec,) = a.decorators
    return spec


def on_flow(decorator):
    class F(FlowSpec):
        @step
        def start(self): ...

    assert decorator(F) is F
    (spec,) = describe(F).decorators
    return spec


@pytest.mark.parametrize("kind", KINDS)
def test_bare_and_with_arguments_on_steps_and_on_flows(kind):
    given = EVERYTHING[kind]
    assert given.keys() == OPTIONS[kind].defaults.keys()
    for name, decorator, put in zip(
        (kind, kind + "_base"), KINDS[kind], (on_step, on_flow), strict=True
    ):
        bare = put(decorator)
        assert (bare.name, bare.attributes) == (name, OPTIONS[name].defaults)
        full = put(decorator(**given))
        assert (full.name, full.attributes) == (name, given)
        assert full.line > 0
        assert full.file == __file__
        assert json.loads(json.dumps(full.attributes)) == full.attributes


def test_decorators_of_two_steps_share_nothing():
    first, second = on_step(pypi), on_step(pypi)
    first.attributes["packages"]["six"] = ""
    first.attributes["find_links"].append("x")
    assert second.attributes == OPTIONS["pypi"].defaults


def test_a_class_hands_its_decorators_down_and_its_own_replace_them(load, tmp_path):
    flow = load(
        """
        from falaj import pypi_base, conda_base, uv_base
        @conda_base
        @pypi_base(packages={"six": "1.16"}, python="3.9")
        class Base(FlowSpec):
            @step
            def start(self): ...

        @pypi_base(packages={"tomli": ""})
        class F(Base): ...

        class G(F): ...
        """
    )
    module = sys.modules["flow_under_test"]
    base, own, inherited = (describe(kind) for kind in (module.Base, flow, module.G))

    def told(description):
        return {
            one.name: (one.line, one.attributes.get("packages")) for one in description.decorators
        }

    assert told(base) == {"pypi_base": (4, {"six": "1.16"}), "conda_base": (3, {})}
    assert told(own) == {"pypi_base": (9, {"tomli": ""}), "conda_base": (3, {})}
    assert inherited.decorators == own.decorators
    assert own.decorator("pypi_base").file == str(tmp_path / "flow_under_test.py")
    assert own.decorator("uv_base") is None
    wire = json.loads(json.dumps(own.to_wire()))
    assert FlowDescription.from_wire(wire) == own
    # Runs that were recorded before flows had decorators.
    del wire["decorators"]
    assert FlowDescription.from_wire(wire).decorators == ()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "@pypi_base\n@pypi_base(python='3.9')\nclass F(FlowSpec): ...",
            "3: Flow `F` has @pypi_base twice (also on line 4); keep one.",
        ),
        (
            "@pypi_base\nclass F: ...",
            "@pypi_base stands above the class of a flow, and `F` is a class without FlowSpec; "
            "use @pypi on a step.",
        ),
        (
            "class F(FlowSpec):\n    @conda_base\n    @step\n    def start(self): ...",
            "@conda_base stands above the class of a flow, and `start` is no class; use @conda on "
            "a step.",
        ),
        (
            "@uv\nclass F(FlowSpec): ...",
            "@uv stands on steps, and `F` is a class; use @uv_base there.",
        ),
        (
            "class F(FlowSpec):\n    @pypi\n    @pypi()\n    @step\n    def a(self): ...",
            "4: Step `a` has @pypi twice (also on line 5); keep one.",
        ),
        (
            "class F(FlowSpec):\n    @step\n    @pypi\n    def start(self): ...",
            "@pypi stands above @step, and `start` is no step; put @step right above its `def`.",
        ),
        ("@pypi_base('six')\nclass F(FlowSpec): ...", "@pypi_base takes its arguments by name"),
    ],
)
def test_a_decorator_in_the_wrong_place(load, source, told):
    with pytest.raises(DecoratorError) as caught:
        load("from falaj import *\n" + source)
    assert "flow_under_test.py:" in str(caught.value)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("use", "told"),
    [
        (lambda: pypi(pakages={}), "@pypi has no argument `pakages` (did you mean `packages`?)"),
        (lambda: pypi(packages=["six"]), "@pypi: `packages` takes a dict of names and versions, "),
        (lambda: pypi(packages={"six": 1.16}), "the version of `six` in quotes, not 1.16."),
        (lambda: pypi(packages={"six": None}), "takes '' for any version of `six`, not None."),
        (lambda: pypi(packages={1: "1"}), "takes names of packages in quotes, not 1."),
        (lambda: pypi(packages={"six": "latest"}), "'latest' is no version; write '1.2', '1.*'"),
        (lambda: pypi(packages={"six": "=1.16"}), "'=1.16' is no version; write"),
        (lambda: pypi(packages={"six": "1.0,<2"}), "'1.0,<2' is no version; write"),
        (lambda: pypi(packages={"six==1": ""}), "'six==1' is no name of a package; put the ver"),
        (lambda: pypi(packages={"-six": ""}), "'-six' is no name of a package."),
        (lambda: pypi(packages={"x": "git+https://h/x"}), "write it as '@ git+https://h/x'."),
        (lambda: pypi(packages={"x": "@"}), "'@' names no source; write '@ URL'"),
        (lambda: pypi(packages={"git+https://h/x": "main"}), "'main' is no revision of"),
        (lambda: pypi(packages={"x @ https://h/x": "1"}), "names its source already; leave '1'"),
        (lambda: pypi(packages={"Six": "", "six": ""}), "for six twice, as 'Six' and as 'six'"),
        (lambda: pypi(packages={"python": "3.9"}), "Python is no package; write python='3.9'"),
        (lambda: pypi(python=3.7), "`python` takes a version in quotes, such as '3.11' or"),
        (lambda: pypi(python=3.1), "(without them 3.10 is the number 3.1), not 3.1."),
        (lambda: pypi(python="3"), "`python` takes a version in quotes"),
        (lambda: pypi(python=""), "`python` takes a version in quotes"),
        (lambda: pypi(python="3.6"), "`python` takes Python 3.7 or newer, not '3.6'."),
        (lambda: pypi(python="2.7.18"), "`python` takes Python 3.7 or newer, not '2.7.18'."),
        (lambda: pypi(disabled="no"), "`disabled` takes True or False, not 'no'."),
        (lambda: pypi(index_url=3), "`index_url` takes a text, not 3."),
        (lambda: pypi(find_links="./x"), "`find_links` takes a list; write ['./x'], not './x'."),
        (lambda: pypi(find_links=[3]), "`find_links` takes a list of texts, not 3."),
        (lambda: pypi(exclude_newer="yesterday"), "takes a date such as '2023-01-01', or a time"),
        (lambda: pypi(exclude_newer="2023-02-31"), "takes a date such as '2023-01-01', or a time"),
        (lambda: pypi(exclude_newer="2023-02-01T10:00"), "takes a date such as '2023-01-01'"),
        (lambda: pypi(metadata={"pandas": []}), "`metadata` takes a dict such as {'pandas==0.24.2"),
        (lambda: pypi(metadata={"a==1": "b"}), "`metadata` takes a list; write ['b'], not 'b'."),
        (lambda: pypi(metadata={"a==1": ["b>>1"]}), "'>>1' is no version"),
        (lambda: conda(packages={"numpy": "@ x"}), "'@ x' is no version of a conda package"),
        (lambda: conda(packages={"num py": ""}), "'num py' is no name of a conda package."),
        (lambda: conda(libraries={"numpy": "1 2 3"}), "'1 2 3' is no version of a conda package"),
        (lambda: conda(channels="conda-forge"), "takes a list; write ['conda-forge']"),
        (lambda: conda(environment_yml=True), "`environment_yml` takes the path of a file"),
        (lambda: uv(pyproject="a", script=True), "`pyproject` and `script` exclude each other"),
        (lambda: uv(script=False), "`script` takes True for the flow's own file, or the path"),
        (lambda: uv(requirements="r.txt", extras=["a"]), "`extras` are those of a pyproject.toml"),
        (lambda: uv(packages={"six": ""}), "@uv has no argument `packages`"),
        (lambda: uv_base(groups="dev"), "@uv_base: `groups` takes a list; write ['dev']"),
    ],
)
def test_a_wrong_argument_is_refused_with_its_place_and_its_mend(use, told):
    with pytest.raises(DecoratorError) as caught:
        use()
    assert told in str(caught.value)
    line = use.__code__.co_firstlineno
    assert f"test_environment_decorators.py:{line}: @" in str(caught.value)
    assert caught.value.line_no == line


@pytest.mark.parametrize(
    "use",
    [
        lambda: pypi(index_url="https://me:hunter2@host/simple"),
        lambda: pypi(extra_index_urls=["https://hunter2:@host/simple"]),
        lambda: pypi(find_links=["https://hunter2hunter2hunter2@host/"]),
        lambda: pypi(packages={"x": "@ git+https://me:hunter2@host/x"}),
        lambda: pypi(packages={"git+https://me:hunter2@host/x": ""}),
        lambda: conda(channels=["https://conda.example.com/t/hunter2/private"]),
        lambda: parse_decospec("pypi:index_url=https://me:hunter2@host/simple"),
    ],
)
def test_a_secret_in_a_url_is_refused_and_not_repeated(use):
    with pytest.raises(DecoratorError) as caught:
        use()
    assert "a URL holds a password or token" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/simple",
        "https://me:${TOKEN}@host/simple",
        "https://${USER}:${TOKEN}@host/simple",
        "https://${TOKEN}:@host/simple",
        "https://oauth2accesstoken@host/simple",
    ],
)
def test_urls_that_name_variables_or_users_pass(url):
    assert on_step(pypi(index_url=url)).attributes["index_url"] == url


def test_texts_are_shown_without_users_and_tokens():
    shown = without_secrets("at https://me:p@ss@host/x and https://host/t/abc/x")
    assert shown == "at https://***@host/x and https://host/t/***/x"


@pytest.mark.parametrize(
    ("key", "value", "requirement"),
    [
        ("pandas", "0.24.2", "pandas==0.24.2"),
        ("Foo_Bar.baz", "v1.0", "foo-bar-baz==v1.0"),
        ("pandas", "", "pandas"),
        ("pandas", "*", "pandas"),
        ("pandas", ">= 1.0, <2", "pandas>=1.0,<2"),
        ("pandas", "1.*", "pandas==1.*"),
        ("pandas", "!=1.5.*,~=1.4", "pandas!=1.5.*,~=1.4"),
        ("torch", "2.1.0+cpu", "torch==2.1.0+cpu"),
        ("requests[socks]", "", "requests[socks]"),
        ("requests[use_chardet, socks]", "2.0", "requests[socks,use-chardet]==2.0"),
        ("x", "1.0; python_version < '3.8'", "x==1.0; python_version < '3.8'"),
        ("mylib", "@ git+https://host/x@rev", "mylib @ git+https://host/x@rev"),
        ("mylib", "@./libs/mylib", "mylib @ ./libs/mylib"),
        ("mylib", "@ https://host/x.whl ; os_name == 'nt'", "mylib @ https://host/x.whl ; os_name"),
        ("mylib@git+ssh://git@host/x", "", "mylib @ git+ssh://git@host/x"),
        ("git+https://host/x", "", "git+https://host/x"),
        ("git+https://host/x", "@rev", "git+https://host/x@rev"),
        ("git+https://host/x#subdirectory=a", "@ rev", "git+https://host/x@rev#subdirectory=a"),
    ],
)
def test_an_entry_of_packages_as_a_requirement(key, value, requirement):
    on_step(pypi(packages={key: value}))
    assert parse_package(key, value).requirement.startswith(requirement)


def test_spellings_of_one_package_are_known_as_one():
    assert parse_package("Foo.Bar", "1").identity == parse_package("foo_bar[x]", "2").identity
    first, second = (parse_package("git+ssh://git@h/x", rev) for rev in ("@a", "@b"))
    assert first.identity == second.identity == "git+ssh://git@h/x"


@pytest.mark.parametrize(
    ("line", "requirement"),
    [
        ("numpy", "numpy"),
        ("numpy (>=1.12)", "numpy>=1.12"),
        ("Numpy[a] >=1.12 ; python_version<'3'", "numpy[a]>=1.12; python_version<'3'"),
        ("x @ https://host/x.whl", "x @ https://host/x.whl"),
        ("git+https://host/x@rev", "git+https://host/x@rev"),
    ],
)
def test_a_line_as_a_requirement(line, requirement):
    assert parse_requirement(line).requirement == requirement


@pytest.mark.parametrize("line", ["numpy 1.0", "./folder", "numpy=1.0", "https://h/x y"])
def test_a_line_that_is_no_requirement(line):
    with pytest.raises(ValueError, match="is no "):
        parse_requirement(line)


@pytest.mark.parametrize(
    ("key", "value", "spec"),
    [
        ("numpy", "1.21.5", "numpy ==1.21.5"),
        ("NumPy", "==1.21.5", "numpy ==1.21.5"),
        ("numpy", "=1.21", "numpy 1.21.*"),
        ("numpy", "1.*", "numpy 1.*"),
        ("numpy", "", "numpy"),
        ("numpy", ">=1.2, <2", "numpy >=1.2,<2"),
        ("numpy", "1.21.5|1.22", "numpy 1.21.5|1.22"),
        ("numpy", "1.21.5=py39_0", "numpy ==1.21.5 py39_0"),
        ("conda-forge::numpy", "1.21.5", "conda-forge::numpy ==1.21.5"),
    ],
)
def test_an_entry_of_conda_as_a_match_spec(key, value, spec):
    on_step(conda(packages={key: value}))
    assert conda_spec(key, value) == spec


@pytest.mark.parametrize(
    ("given", "kept"),
    [("3.7", "3.7"), ("3.7.16", "3.7.16"), ("3.9.*", "3.9"), (">= 3.8, <3.12", ">=3.8,<3.12")],
)
def test_versions_of_python(given, kept):
    assert on_step(pypi(python=given)).attributes["python"] == kept


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ('pypi:packages={"six":"1.16"}', {"packages": {"six": "1.16"}}),
        (
            'pypi:packages={"six": ">=1.0, ==1.*", "tomli":""},python=3.10',
            {"packages": {"six": ">=1.0, ==1.*", "tomli": ""}, "python": "3.10"},
        ),
        ('conda:python="3.9",channels=["a","b"]', {"python": "3.9", "channels": ["a", "b"]}),
        ("uv:script=true", {"script": True}),
        ("uv:requirements=reqs.txt,disabled=false", {"requirements": "reqs.txt"}),
        ("pypi:exclude_newer=2023-01-01", {"exclude_newer": "2023-01-01"}),
    ],
)
def test_environments_from_outside(text, attributes):
    spec = parse_decospec(text)
    assert spec.from_outside
    assert spec.attributes.items() >= attributes.items()


def test_from_outside_only_steps_get_environments():
    with pytest.raises(DecoratorError) as caught:
        parse_decospec("pypi_base")
    assert str(caught.value) == (
        "In the decorator `pypi_base`: @pypi_base stands on a flow; for every step write `pypi`."
    )


def test_a_step_keeps_its_own_environment(load):
    flow = load(
        """
        from falaj import pypi
        class F(FlowSpec):
            @pypi(packages={"six": "1.15"})
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self): ...
        """
    )
    attached = attach(describe(flow), ['pypi:packages={"six": "1.16"}'])
    found = {one.name: one.decorator("pypi").attributes["packages"] for one in attached.steps}
    assert found == {"start": {"six": "1.15"}, "end": {"six": "1.16"}}
