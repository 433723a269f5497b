"""Describing sound flows: their steps, texts, files and graphs, wherever their source lives."""

import json
import linecache
import subprocess
import sys
import textwrap
import types

import pytest

from falaj.authoring.collect import clean_doc, describe
from falaj.errors import InvalidFlow
from falaj.model.graph import END, FOREACH, LINEAR, FlowDescription, Graph

PLAIN = '''
class F(FlowSpec):
    """Count words.

        indented
    last
    """

    rate = Parameter("learning-rate", default=0.5, help="How fast.")

    @retry(
        times=1,
    )
    @catch(var="failure")
    @step
    def start(self):
        """Begin."""
        self.items = [1, 2]
        self.next(self.body, foreach="items")

    @step
    def body(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self): pass
'''


def form(description):
    """Return the graph as (step, kind, targets, joins)."""
    return [(step.name, step.kind, step.targets, step.is_join) for step in description.steps]


def test_all_that_a_flow_says(load, tmp_path):
    description = describe(load(PLAIN.replace('@catch(var="failure")', "@timeout(minutes=1)")))
    path = str(tmp_path / "flow_under_test.py")
    assert description.name == "F"
    assert description.file == path
    assert description.doc == "Count words.\n\n    indented\nlast"
    assert (description.start, description.end) == ("start", "end")
    assert form(description) == [
        ("start", FOREACH, ("body",), False),
        ("body", LINEAR, ("join",), False),
        ("join", LINEAR, ("end",), True),
        ("end", END, (), False),
    ]
    start = description.step("start")
    assert (start.foreach, start.doc, start.file) == ("items", "Begin.", path)
    lines = (tmp_path / "flow_under_test.py").read_text().splitlines()
    assert lines[start.line - 1].strip() == "def start(self):"
    # Innermost first, as they are applied.
    assert [(d.name, lines[d.line - 1].strip()) for d in start.decorators] == [
        ("timeout", "@timeout(minutes=1)"),
        ("retry", "@retry("),
    ]
    (rate,) = description.parameters
    assert (rate.name, rate.attribute, rate.default) == ("learning-rate", "rate", 0.5)
    assert lines[rate.line - 1].strip().startswith("rate =")
    wire = json.loads(json.dumps(description.to_wire()))
    assert FlowDescription.from_wire(wire) == description


GRAPHS = {
    "a linear flow": "start>a; a>b; b>end; end",
    "one step": "only",
    "a split": "start>a,b; a>j; b>j; j*>end; end",
    "a split of one-branch splits": "start>a,b; a>c,d; c>i; d>i; i*>j; b>j; j*>end; end",
    "nested foreach in a branch": (
        "start>a,b; a>c@x; c>d@y; d>e; e*>f; f>g; g*>h; h>j; b>j; j*>end; end"
    ),
    "a split in a foreach": "start>a@x; a>b,c; b>i; c>i; i*>j; j*>end; end",
    "splits one after another": "start>a,b; a>j; b>j; j*>k; k>c,d; c>l; d>l; l*>end; end",
    "a wide split": "start>a,b,c,d,e; a>j; b>j; c>j; d>j; e>j; j*>end; end",
    "a join that follows a join": "start>a@x; a>b@y; b>i; i*>j; j*>end; end",
    "branches of unequal length": "start>a,b; a>c; c>d; d>j; b>j; j*>end; end",
}


def source_of(graph):
    """Return the source of a graph: `a>b,c` splits, `a>b@x` is a foreach, `a*` joins."""
    lines = ["class F(FlowSpec):"]
    for part in graph.split(";"):
        name, _, targets = part.strip().partition(">")
        joins = name.endswith("*")
        targets, _, foreach = targets.partition("@")
        name = name.rstrip("*")
        lines += ["    @step", "    def {}(self{}):".format(name, ", inputs" if joins else "")]
        arguments = [f"self.{target}" for target in targets.split(",") if target]
        if foreach:
            arguments.append(f"foreach={foreach!r}")
        lines.append(f"        self.next({', '.join(arguments)})" if arguments else "        pass")
    return "\n".join(lines)


@pytest.mark.parametrize("graph", sorted(GRAPHS))
def test_sound_graphs_pass(graph, load):
    description = describe(load(source_of(GRAPHS[graph])))
    assert set(Graph(description).order) == {step.name for step in description.steps}


def test_marks_name_start_and_end(load):
    description = describe(
        load(
            """
            class F(FlowSpec):
                @step(end=True)
                def last(self): pass
                @step(start=True)
                def first(self):
                    self.next(self.last)
            """
        )
    )
    assert (description.start, description.end) == ("first", "last")
    assert form(description) == [("last", END, (), False), ("first", LINEAR, ("last",), False)]


def test_a_flow_of_one_step_is_start_and_end(load):
    description = describe(load("class F(FlowSpec):\n    @step\n    def only(self): pass"))
    assert (description.start, description.end) == ("only", "only")
    assert description.steps[0].kind == END


def test_other_spellings_of_a_sound_flow(load):
    description = describe(
        load(
            """
            import functools

            VARIABLE = "items"

            def logged(function):
                @functools.wraps(function)
                def wrapper(*arguments):
                    return function(*arguments)
                return wrapper

            class F(FlowSpec):
                class Frame:
                    is_step = "not a step"
                frame = Frame()

                @step
                def start(this):
                    def helper(this):
                        this.next(this.nowhere)
                    this.next(
                        this.body,
                        foreach=VARIABLE,
                    )
                @logged
                @step
                def body(self):
                    self.next(self.join)
                @step
                @logged
                def join(self, inputs):
                    next(iter(inputs))
                    self.next(self.end)
                @step
                def end(self):
                    pass
                def plain(self):
                    next(iter([1]))
            """
        )
    )
    assert form(description) == [
        ("start", FOREACH, ("body",), False),
        ("body", LINEAR, ("join",), False),
        ("join", LINEAR, ("end",), True),
        ("end", END, (), False),
    ]
    assert description.step("start").foreach == "items"


def test_bases_in_other_files_and_overrides(load, tmp_path):
    load(
        """
        class Base(FlowSpec):
            rate = Parameter("rate", default=1)
            size = Parameter("size", default=2)
            @step
            def start(self):
                self.next(self.middle)
            @step
            def middle(self):
                self.next(self.missing)
            @step
            def end(self): pass
        """,
        "base_flow",
    )
    description = describe(
        load(
            """
            from base_flow import Base
            class F(Base):
                rate = Parameter("rate", default=9)
                size = None
                @step
                def middle(self):
                    self.next(self.end)
            """
        )
    )
    assert description.file == str(tmp_path / "flow_under_test.py")
    assert [step.name for step in description.steps] == ["start", "middle", "end"]
    assert description.step("start").file == str(tmp_path / "base_flow.py")
    assert description.step("middle").file == description.file
    assert description.step("middle").targets == ("end",)
    assert [(p.name, p.default) for p in description.parameters] == [("rate", 9)]


def test_a_problem_of_a_base_names_the_file_of_the_base(load, tmp_path):
    load(
        """
        class Base(FlowSpec):
            @step
            def start(self):
                self.next(self.missing)
            @step
            def end(self): pass
        """,
        "base_flow",
    )
    with pytest.raises(InvalidFlow) as caught:
        describe(load("from base_flow import Base\nclass F(Base): pass"))
    (problem,) = caught.value.problems
    assert problem.startswith(f"{tmp_path / 'base_flow.py'}:5: Step `start` goes to `missing`")
    assert caught.value.flow == "F"


def test_a_class_that_only_inherits(load, tmp_path):
    flow = load("class Base(FlowSpec):\n    @step\n    def only(self): pass\nclass F(Base): pass")
    assert describe(flow).file == str(tmp_path / "flow_under_test.py")
    assert describe(flow).name == "F"


def in_notebook(source, cell):
    """Run a source as a notebook runs a cell: no file, but lines in the line cache."""
    text = textwrap.dedent(source)
    linecache.cache[cell] = (len(text), None, text.splitlines(True), cell)
    module = types.ModuleType("__main__")
    exec(compile("from falaj import *", cell, "exec"), module.__dict__)
    exec(compile(text, cell, "exec"), module.__dict__)
    return module.F


@pytest.mark.parametrize("cell", ["<ipython-input-1-abc>", "/tmp/ipykernel_1/2.py"])
def test_a_flow_in_a_notebook_cell(cell):
    description = describe(in_notebook(PLAIN.replace('@catch(var="failure")', ""), cell))
    assert [step.name for step in description.steps] == ["start", "body", "join", "end"]
    assert description.file == cell
    assert description.step("body").file == cell


def test_a_source_that_is_gone_or_has_changed(load, tmp_path):
    flow = load(source_of(GRAPHS["a linear flow"]))
    path = tmp_path / "flow_under_test.py"
    path.write_text("\n\n" + path.read_text())
    with pytest.raises(InvalidFlow) as caught:
        describe(flow)
    assert caught.value.problems[0] == (
        f"{path}:3: The source of step `start` can't be read, or has changed since it was "
        "imported; keep the flow in a file or in one notebook cell, and load it again."
    )
    assert len(caught.value.problems) == 4
    path.write_text("class F(:")
    with pytest.raises(InvalidFlow, match="The source of step `a` can't be read"):
        describe(flow)


def test_problems_are_shown_from_the_working_directory(load, tmp_path, monkeypatch):
    flow = load("class F(FlowSpec): pass")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidFlow) as caught:
        describe(flow)
    assert caught.value.problems == [
        "flow_under_test.py:2: Flow `F` has no steps; mark its methods with @step."
    ]


def test_a_script_run_by_a_relative_path(tmp_path):
    source = "from falaj import FlowSpec, step\n" + source_of(GRAPHS["one step"])
    source += "\nfrom falaj.authoring.collect import describe\nprint(describe(F).file)\n"
    (tmp_path / "flow.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "flow.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(tmp_path / "flow.py")


@pytest.mark.parametrize(
    ("doc", "clean"),
    [
        (None, ""),
        ("One.", "One."),
        ("  One.\n\n    Two\n      deeper\n    ", "One.\n\nTwo\n  deeper"),
        ("\n\tOne.\n\tTwo.\n", "One.\nTwo."),
    ],
)
def test_docstrings_lose_the_indentation_of_their_source(doc, clean):
    assert clean_doc(doc) == clean
