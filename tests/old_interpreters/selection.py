"""The unit tests of falaj that need nothing but falaj: chosen by their imports, made portable."""

import ast
import shutil
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
CONTROL = TESTS.parent / "src" / "falaj_control"
AREAS = ("authoring", "cards", "client", "model", "runtime", "store")
TOOLS = ("pytest", "pytest-timeout", "hypothesis")
# The schema is data alone; tests of the client fill a database with it.
DATA = ("__init__.py", "records/__init__.py", "records/schema.py")
AT_HAND = sys.stdlib_module_names | {"falaj", "pytest", "hypothesis"}
HAVE_DATA = "falaj_control.records.schema"

_MISTAKE = "test_mistake_is_told_with_its_line_and_mend"

# Oldest version, test, and what an older one lacks. Lines: where a class is decorated, or a
# decorator is bare, interpreters before 3.11 call it from another line than the decorator's.
NEED_NEWER = (
    ((3, 11), "runtime/test_failure.py::test_a_group_shows_its_members", "ExceptionGroup"),
    (
        (3, 9),
        "runtime/test_processes.py::test_a_tree_is_killed_with_what_left_its_session",
        "pidfd",
    ),
    (
        (3, 9),
        "runtime/test_snapshot.py::test_a_file_that_can_not_be_parsed_is_kept_and_not_followed",
        "a parser that calls deep nesting a SyntaxError",
    ),
    ((3, 8), "authoring/test_collect.py::test_all_that_a_flow_says", "lines"),
    *(
        (oldest, f"authoring/test_checks.py::{_MISTAKE}[{mistake}]", "lines")
        for oldest, mistake in (
            ((3, 8), "two joins of one split"),
            ((3, 8), "ways with different splits open"),
            ((3, 11), "a gang at the start, with two marks"),
            ((3, 11), "a gang that joins"),
            ((3, 11), "a gang that no join follows"),
            ((3, 11), "steps of gangs that are reached in other ways"),
        )
    ),
    ((3, 8), "authoring/test_decorators.py::test_same_decorator_twice_names_both_lines", "lines"),
    *(
        ((3, 11), f"authoring/{test}", "lines")
        for test in (
            "test_environment_decorators.py::test_a_class_hands_its_decorators_down_and_its_own"
            "_replace_them",
            "test_environment_decorators.py::test_a_decorator_in_the_wrong_place",
            "test_steps.py::test_misplaced_step_is_refused_with_its_line",
        )
    ),
    (
        (3, 10),
        "authoring/test_environment_decorators.py"
        "::test_bare_and_with_arguments_on_steps_and_on_flows",
        "a zip that is strict",
    ),
    (
        (3, 9),
        "authoring/test_flow_decorators.py::test_what_decorators_of_a_flow_refuse"
        "[schedule-arguments11",
        "zoneinfo",
    ),
    # It is there where pages are opened, and does not travel.
    *(
        ((4, 0), f"cards/test_page.py::{test}", "the chart library")
        for test in (
            "test_the_chart_library_is_put_in_when_a_card_is_opened",
            "test_a_users_own_page_may_ask_for_the_library",
            "test_the_chart_library_is_what_it_should_be",
        )
    ),
)


def left_out(version: str) -> list[str]:
    """Return the tests, as pytest names them, that `version` (3.8) can't run."""
    numbers = tuple(int(part) for part in version.split("."))
    for _, test, _ in NEED_NEWER:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}(" in (TESTS / "unit" / file).read_text(
            encoding="utf-8"
        ), test
    return [f"tests/unit/{test}" for oldest, test, _ in NEED_NEWER if numbers < oldest]


def copy_tests(place: Path) -> int:
    """Copy the tests, and the data they need, into `place`; return how many files of tests."""
    _copy(TESTS / "conftest.py", place)
    for part in DATA:
        target = place / "data" / "falaj_control" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CONTROL / part, target)
    chosen = [
        path
        for area in AREAS
        for path in sorted((TESTS / "unit" / area).glob("*.py"))
        if path.name == "conftest.py" or not _missing(path)
    ]
    for path in chosen:
        _copy(path, place)
    return sum(path.name.startswith("test_") for path in chosen)


def _missing(path: Path) -> set[str]:
    """Return what a test imports, wherever in it, that is not at hand."""
    modules: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            modules.add(node.module or "")
    return {m for m in modules if m.partition(".")[0] not in AT_HAND and m != HAVE_DATA}


def _copy(path: Path, place: Path) -> None:
    # Tests are written for 3.10: older interpreters must not evaluate their annotations, and can't
    # subscript what collections.abc holds. No line moves.
    text = path.read_text(encoding="utf-8").replace(
        "from collections.abc import", "from typing import"
    )
    tree = ast.parse(text)
    first = tree.body[0 if ast.get_docstring(tree) is None else 1].lineno - 1
    lines = text.splitlines(keepends=True)
    if not lines[first].startswith("from __future__"):
        lines[first] = f"from __future__ import annotations; {lines[first]}"
    target = place / "tests" / path.relative_to(TESTS)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(lines), encoding="utf-8")
