"""What `@step` marks, and what it refuses to stand on."""

import functools

import pytest

from falaj import FlowSpec, retry, step
from falaj.authoring.members import steps_of
from falaj.errors import DecoratorError


def test_marks_are_data_on_the_function():
    class F(FlowSpec):
        @step(start=True, end=True, node_info={"team": "a"})
        def only(self):
            """Do it all."""

    assert F.only.is_step is True
    assert F.only.name == "only"
    assert F.only.decorators == []
    assert (F.only.is_start_step, F.only.is_end_step) == (True, True)
    assert F.only.node_info == {"team": "a"}
    assert F.only.__doc__ == "Do it all."


def test_bare_step_marks_neither_start_nor_end():
    @step
    def a(self): ...

    assert (a.is_start_step, a.is_end_step) == (False, False)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "@step\n@retry(times=1)\ndef a(self): ...",
            "3: @retry stands above @step, and `a` is no step; put @step right above its `def`.",
        ),
        (
            "@step\n@step\ndef a(self): ...",
            "2: `a` is already a step: @step stands once, as the last decorator before the method.",
        ),
        (
            "@step\nclass A: ...",
            "2: @step marks a plain method of a flow, not a class; take the other away.",
        ),
        (
            "@step\n@staticmethod\ndef a(): ...",
            "2: @step marks a plain method of a flow, not a staticmethod; take the other away.",
        ),
        (
            "@step\n@property\ndef a(self): ...",
            "2: @step marks a plain method of a flow, not a property; take the other away.",
        ),
    ],
)
def test_misplaced_step_is_refused_with_its_line(source, told, load, tmp_path):
    with pytest.raises(DecoratorError) as caught:
        load(source)
    assert str(caught.value) == f"{tmp_path / 'flow_under_test.py'}:{told}"
    assert caught.value.line_no == int(told[0])


def test_wrappers_of_functools_may_stand_on_either_side_of_a_step():
    def wrapper(function):
        @functools.wraps(function)
        def wrapped(*arguments):
            return function(*arguments)

        return wrapped

    class F(FlowSpec):
        @wrapper
        @retry
        @wrapper
        @step
        @wrapper
        def a(self): ...

    assert list(steps_of(F)) == ["a"]
    assert [decorator.name for decorator in F.a.decorators] == ["retry"]
