"""Every name of Metaflow's modules stands for one that Falaj has."""

import subprocess
import sys
from importlib import import_module

import pytest

from falaj.compat.names import ABSENT, MODULES

NAMES = [(module, name) for module, names in MODULES.items() for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES, ids=".".join)
def test_a_name_stands_for_one_that_is_there(module, name):
    place, _, attribute = MODULES[module][name].partition(":")
    assert hasattr(import_module(place), attribute)


def test_no_name_is_both_there_and_absent():
    assert not {name for _, name in NAMES} & {*ABSENT}


def test_every_parent_of_a_module_is_a_module():
    assert {module.rpartition(".")[0] for module in MODULES} - {""} <= {*MODULES}


def test_all_modules_are_imported_with_all_their_names():
    code = "import falaj.compat.metaflow\n"
    code += "".join(f"from {module} import *\n" for module in sorted(MODULES))
    code += "print(FlowSpec.__name__, MetaflowException.__name__, MetaflowCode.__name__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout == "FlowSpec FalajException FalajCode\n", done.stderr


def test_looking_through_all_modules_searches_for_no_likely_names():
    code = "import sys, falaj.compat.metaflow, metaflow.client.core\n"
    code += "print([hasattr(one, '__file__') for one in (metaflow, metaflow.client.core)])\n"
    code += "print('difflib' in sys.modules, getattr(metaflow, '__version__', None) is not None)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert done.stdout == "[False, False]\nFalse True\n", done.stderr
