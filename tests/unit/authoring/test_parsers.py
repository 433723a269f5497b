"""Requirements files as dicts that decorators take, and the lines that can't be."""

import sys
import textwrap

import pytest

import falaj
from falaj import (
    conda_environment_yml_parser,
    pyproject_toml_parser,
    requirements_txt_parser,
)
from falaj.authoring import parsers
from falaj.authoring.parsers import ParserError, read_environment_yml
from falaj.errors import FalajException


def test_parsers_are_part_of_falaj_and_their_errors_are_for_people():
    assert falaj.requirements_txt_parser is requirements_txt_parser
    assert issubclass(ParserError, FalajException)


def test_requirements_txt():
    text = """
        # what the model needs
        pandas==0.24.2   # pinned
        Requests[socks]>=2,<3
        numpy
        mylib @ git+https://host/mylib@v1
        tomli==1.*; python_version < "3.11"
        colorama; os_name == "nt"
        -e file:.
        python==3.9
    """
    parsed = requirements_txt_parser(text)
    assert parsed == {
        "packages": {
            "pandas": "0.24.2",
            "Requests[socks]": ">=2,<3",
            "numpy": "",
            "mylib@git+https://host/mylib@v1": "",
            "tomli": '1.*; python_version < "3.11"',
            "colorama": '; os_name == "nt"',
        },
        "python": "3.9",
    }
    falaj.pypi(**parsed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("six\n-r more.txt", "Line 2: `-r more.txt` can't be said in a dict of packages; let @uv("),
        ("-e ./x", "Line 1: `-e ./x` can't be said in a dict"),
        ("--index-url https://h/", "Line 1: `--index-url https://h/` can't be said"),
        ("six==1 \\\n  --hash=sha256:00", "Line 1: `six==1 \\` can't be said"),
        ("six\nsix 1.16", "Line 2: `six 1.16` is no requirement: '1.16' is no version"),
        ("six>=1\nSix<2", "Line 2: `Six<2` is asked for twice (also as `six>=1`)"),
        ("python>=3.8\npython<4", "Line 2: Python is asked for twice; keep one."),
    ],
)
def test_requirements_that_no_dict_can_hold(text, told):
    with pytest.raises(ParserError) as caught:
        requirements_txt_parser(text)
    assert told in str(caught.value)


def test_pyproject_toml():
    text = """
        [project]
        name = "x"
        requires-python = ">=3.8"
        dependencies = ["pandas==2.*", "Requests[socks] ~= 2.0"]
        [tool.ruff]
        line-length = 100
    """
    parsed = pyproject_toml_parser(textwrap.dedent(text))
    assert parsed == {"packages": {"pandas": "2.*", "Requests[socks]": "~=2.0"}, "python": ">=3.8"}
    falaj.pypi(**parsed)
    assert pyproject_toml_parser("[project]") == {"packages": {}, "python": None}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[project", "This is no valid TOML: "),
        ("[tool.x]", "has no table [project]"),
        ('[project]\ndependencies = ["six 1"]', "`dependencies`: `six 1` is no requirement"),
        ('[project]\ndependencies = "six"', "is no list of texts"),
        ('[project]\ndynamic = ["dependencies"]', "leaves its dependencies to the build"),
    ],
)
def test_a_pyproject_that_says_nothing_usable(text, told):
    with pytest.raises(ParserError) as caught:
        pyproject_toml_parser(text)
    assert told in str(caught.value)


def test_without_a_reader_of_toml_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(ParserError, match="install tomli"):
        pyproject_toml_parser("[project]")


YML = """
---
name: model   # ours
channels:
  - conda-forge
  - "defaults"
  - nodefaults
prefix: /opt/conda/envs/model
dependencies:
- python=3.9
- numpy=1.21
- 'scipy>=1.2,<2'
- openssl==1.1.1w=h7f98852_0
- bioconda::samtools
- pip
- pip:
  - six==1.16
  - mylib @ git+https://host/mylib
- zlib
"""


def test_environment_yml():
    parsed = conda_environment_yml_parser(YML)
    assert parsed == {
        "packages": {
            "numpy": "1.21",
            "scipy": ">=1.2,<2",
            "openssl": "1.1.1w=h7f98852_0",
            "bioconda::samtools": "",
            "pip": "",
            "zlib": "",
        },
        "python": "3.9",
        "channels": ["conda-forge", "defaults"],
        "pypi": {"six": "1.16", "mylib@git+https://host/mylib": ""},
    }
    pypi = parsed.pop("pypi")
    falaj.conda(**parsed)
    falaj.pypi(packages=pypi)


def test_a_single_equals_sign_is_kept_for_conda_itself():
    found = read_environment_yml(YML)
    assert found.packages["numpy"] == "=1.21"
    assert found.pip == ("six==1.16", "mylib @ git+https://host/mylib")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\nvariables:\n  A: b", "Line 2: `variables:` is not understood. An environment"),
        ("channels: [a, b]", "Line 1: `channels: [a, b]` is not understood."),
        ("name:\n", "Line 1: `name:` is not understood."),
        ("- numpy", "Line 1: `- numpy` is not understood."),
        ("dependencies:\n  - numpy\n  scipy", "Line 3: `scipy` is not understood."),
        ("dependencies:\n  - conda:\n    - x", "Line 2: `- conda:` is not understood."),
        ("dependencies:\n  - {a: b}", "Line 2: `- {a: b}` is not understood."),
        ("dependencies:\n\t- numpy", "Line 2: "),
        ("dependencies:\n  - numpy[version='>=1']", "Line 2: \"[version='>=1']\" is no version"),
        ("dependencies:\n  - a\n  - a=1", "Line 3: `a` is asked for twice; keep one."),
        ("dependencies:\n  - python\n  - pip:\n    - -e .", "Line 4: `-e .` is no requirement"),
    ],
)
def test_an_environment_yml_is_refused_with_the_line(text, told):
    with pytest.raises(ParserError) as caught:
        conda_environment_yml_parser(text)
    assert told in str(caught.value)


def test_parsers_are_not_loaded_with_falaj():
    # A flow that names none does without them.
    assert parsers.__name__ == "falaj.authoring.parsers"
    assert "conda_environment_yml_parser" not in vars(falaj)
