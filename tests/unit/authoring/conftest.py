"""Flows written as text: loaded from a file of their own, as a person's flow is."""

import importlib.util
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from falaj.authoring.collect import describe
from falaj.errors import InvalidFlow

HEADER = (
    "from falaj.authoring.flowspec import FlowSpec; from falaj.authoring.steps import step; "
    "from falaj.authoring.decorators import *; from falaj.authoring.parameters import *; "
    "from falaj.authoring.gangs import parallel, pytorch_parallel\n"
)

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Return a function that imports a source (its first line is line 2) and gives its `F`."""
    names: list[str] = []

    def import_source(source: str, name: str = "flow_under_test") -> Any:
        path = tmp_path / (name + ".py")
        path.write_text(HEADER + textwrap.dedent(source).lstrip("\n"))
        spec = importlib.util.spec_from_file_location(name, str(path))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        names.append(name)
        spec.loader.exec_module(module)
        return getattr(module, "F", module)

    yield import_source
    for name in names:
        del sys.modules[name]


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Callable[[str], list[str]]:
    """Return a function that gives the problems of a source, as `line: sentence`.

    Every problem comes back as `line: sentence`; a line that carries `# <-` is written `<-`.
    """

    def told(source: str) -> list[str]:
        flow = load(source)
        path = tmp_path / "flow_under_test.py"
        marked = [
            number
            for number, line in enumerate(path.read_text().splitlines(), 1)
            if line.rstrip().endswith("# <-")
        ]
        with pytest.raises(InvalidFlow) as caught:
            describe(flow)
        shown = []
        for problem in caught.value.problems:
            assert problem.startswith(str(path) + ":"), problem
            line, _, sentence = problem[len(str(path)) + 1 :].partition(": ")
            shown.append("{}: {}".format("<-" if int(line) in marked else line, sentence))
        return shown

    return told
