"""The `@step` decorator, which turns a method of a flow into a step."""

from __future__ import annotations

from types import FunctionType
from typing import Any, Callable, Dict, List, Optional, TypeVar, overload

from falaj.authoring.wording import caller_place, told
from falaj.errors import DecoratorError
from falaj.model.graph import DecoratorSpec

Method = TypeVar("Method", bound=Callable[..., Any])


@overload
def step(function: Method) -> Method: ...


@overload
def step(
    *, start: bool = ..., end: bool = ..., node_info: Optional[Dict[str, Any]] = ...
) -> Callable[[Method], Method]: ...


def step(
    function: Optional[Any] = None,
    *,
    start: bool = False,
    end: bool = False,
    node_info: Optional[Dict[str, Any]] = None,
) -> Any:
    """Mark a method of a FlowSpec as a step; the innermost of its decorators.

    `start` and `end` mark the first and the last step of a flow whose steps are not named so.
    Raises DecoratorError for anything but a plain method.
    """

    def mark(method: Any) -> Any:
        _refuse_unmarkable(method)
        decorators: List[DecoratorSpec] = []
        method.is_step = True
        method.name = method.__name__
        method.decorators = decorators
        method.wrappers = []
        method.config_decorators = []
        method.is_start_step = bool(start)
        method.is_end_step = bool(end)
        method.node_info = dict(node_info or {})
        return method

    return mark if function is None else mark(function)


def _refuse_unmarkable(method: Any) -> None:
    if not isinstance(method, FunctionType):
        inner = getattr(method, "__func__", None) or getattr(method, "fget", None)
        code = getattr(inner, "__code__", None)
        kind = "a class" if isinstance(method, type) else "a {}".format(type(method).__name__)
        message = "@step marks a plain method of a flow, not {}; take the other away.".format(kind)
        file, line = (code.co_filename, code.co_firstlineno) if code else caller_place()
        raise DecoratorError(told(file, line, message), line)
    if getattr(method, "is_step", False):
        code = method.__code__
        message = (
            "`{}` is already a step: @step stands once, as the last decorator before the "
            "method.".format(method.__name__)
        )
        raise DecoratorError(
            told(code.co_filename, code.co_firstlineno, message), code.co_firstlineno
        )
