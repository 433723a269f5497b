"""What `@step` marks, and what it refuses to stand on."""

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
    assert (F.only.start_mark, F.only.end_mark) == (True, True)
    assert F.only.node_info == {"team": "a"}
    assert F.only.__doc__ == "Do it all."


def test_bare_step_marks_neither_start_nor_end():
    @step
    def a(self): ...

    assert (a.start_mark, a.end_mark) == (False, False)


def test_step_above_another_decorator_is_refused_with_its_line():
    with pytest.raises(DecoratorError) as caught:

        @step
        @retry
        def a(self): ...

    line = a_line("def a(self): ...", after=caught.traceback[0].frame.code.firstlineno)
    assert line - 2 <= caught.value.line_no <= line
    assert str(caught.value).startswith(f"tests/unit/authoring/test_steps.py:{caught.value.line_no}: ") or (
        f"test_steps.py:{caught.value.line_no}: @retry stands above @step, and `a` is no step; put "
        "@step right above its `def`."
    ) in str(caught.value)
