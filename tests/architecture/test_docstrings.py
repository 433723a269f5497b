"""Every module opens with one sentence that says what it is for."""

import ast
import re
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
MODULES = sorted(path.relative_to(SRC).as_posix() for path in SRC.rglob("*.py"))


def _fault(docstring: str | None) -> str | None:
    opening = (docstring or "").strip().split("\n\n")[0]
    if not opening:
        return "has no docstring"
    if not opening.endswith("."):
        return "does not open with a sentence that ends in a full stop"
    if re.search(r"[.!?]\s+[A-Z`]", opening):
        return "opens with more than one sentence; put the rest into a paragraph of its own"
    return None


@pytest.mark.parametrize("module", MODULES)
def test_module_opens_with_one_sentence(module: str) -> None:
    tree = ast.parse((SRC / module).read_text(encoding="utf-8"))
    assert _fault(ast.get_docstring(tree)) is None


@pytest.mark.parametrize(
    ("docstring", "fault"),
    [
        (None, "no docstring"),
        ("Blobs and their names", "full stop"),
        ("Blobs. Also names.", "more than one"),
        ("Blobs and their names.\n\nMore. And more.", None),
        ("Reads flow.py and\nkeeps it.", None),
    ],
)
def test_the_rule_itself(docstring: str | None, fault: str | None) -> None:
    found = _fault(docstring)
    assert found == fault if fault is None else fault in (found or "")
