"""Which file a cell becomes, without a kernel: what is kept, what is missed."""

import linecache
import sys
import types

import pytest

from falaj import FlowSpec, step
from falaj.errors import NotebookFlowError
from falaj.runner.cells import flow_file_text

FLOW = """class CellFlow(FlowSpec):
    @step
    def start(self):
        self.x = {uses}
"""


@pytest.fixture
def cell(monkeypatch):
    """Return a function that executes cells as a notebook does, and gives the last one's file."""
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    names = []

    def execute(*sources):
        for number, source in enumerate(sources):
            name = f"<cell {number}>"
            names.append(name)
            lines = source.splitlines(True)
            linecache.cache[name] = (len(source), None, lines, name)
            exec(compile(source, name, "exec"), module.__dict__)
        return flow_file_text(module.CellFlow, "Runner")

    yield execute
    for name in names:
        linecache.cache.pop(name, None)


IMPORTS = "from falaj import FlowSpec, step\n"


def test_the_file_ends_with_the_call_of_the_flow(cell):
    text = cell(IMPORTS + FLOW.format(uses="1"))
    assert text == IMPORTS + FLOW.format(uses="1") + (
        '\n\nif __name__ == "__main__":\n    CellFlow()\n'
    )


def test_lines_stay_where_they_are_and_calls_behind_the_class_go(cell):
    source = (
        IMPORTS
        + "LIMIT = len('\u00e9'); # comment\n"
        + FLOW.format(uses="LIMIT + helper() + late")
        + "a = (1,\n     2); b = 3\nimport os as late\ndef helper():\n    return 1\nprint(a)\n"
    )
    text = cell(source)
    lines = text.splitlines()
    assert lines[:6] == source.splitlines()[:6]
    assert lines[6:12] == ["pass; pass", "", *source.splitlines()[8:11], "pass"]
    compile(text, "flow.py", "exec")


@pytest.mark.parametrize(
    ("uses", "missed"),
    [
        ("other", "Define in that cell, or pass as a parameter: `other`"),
        ("path.join('a')", "    import posixpath as path"),
        ("Decimal(1)", "    from decimal import Decimal"),
        ("D(1)", "    from decimal import Decimal as D"),
        ("[n for n in range(3) if n in other]", "`other`"),
        ("(lambda: other)()", "`other`"),
    ],
)
def test_what_another_cell_defines_is_missed(cell, uses, missed):
    others = "import os.path as path\nfrom decimal import Decimal\nD = Decimal\nother = [1]\n"
    with pytest.raises(NotebookFlowError) as caught:
        cell(others, IMPORTS + FLOW.format(uses=uses))
    assert missed in str(caught.value)
    assert "The cell that defines CellFlow uses" in str(caught.value)


@pytest.mark.parametrize(
    ("before", "uses"),
    [
        ("from math import *\n", "sqrt(4)"),
        ("import math\n", "[math.sqrt(n) for n in range(3)]"),
        ("", "__name__"),
        ("", "print and len and __file__ if False else 1"),
        ("def f():\n    global made\n    made = 1\nf()\n", "made"),
        ("", "not_there_either"),
        ("class A:\n    B = 1\n    C = B\n", "A.C"),
        ("try:\n    pass\nexcept ValueError as error:\n    print(error)\n", "1"),
    ],
)
def test_what_the_cell_has_is_not_missed(cell, before, uses):
    assert "CellFlow()" in cell(IMPORTS + before + FLOW.format(uses=uses))


def test_a_flow_of_a_file_is_sent_to_runner():
    class FileFlow(FlowSpec):
        @step
        def start(self):
            pass

    with pytest.raises(NotebookFlowError, match=r"not from a cell. Use Runner\("):
        flow_file_text(FileFlow, "Runner")
    with pytest.raises(NotebookFlowError, match="The first argument is a flow's class"):
        flow_file_text("flow.py", "Runner")


def test_a_cell_that_is_not_kept_is_told(cell, monkeypatch):
    with pytest.raises(NotebookFlowError, match="The cell that defines CellFlow can't be found"):
        cell(
            IMPORTS
            + "import linecache\n"
            + FLOW.format(uses="1")
            + "linecache.cache.pop('<cell 0>')\n"
        )
