"""The decorators that set a step's options, in the source or from outside; they only add data."""

from __future__ import annotations

import json
import re
from typing import (
    Any,
    Callable,
    Dict,
    List,
    Mapping,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
    Union,
    overload,
)

from falaj.authoring.options import option_attributes
from falaj.authoring.wording import caller_place, told
from falaj.errors import DecoratorError
from falaj.model.graph import FOREACH, DecoratorSpec, FlowDescription, StepSpec

Step = TypeVar("Step", bound=Callable[..., Any])
Number = Union[int, float]


@overload
def retry(function: Step) -> Step: ...


@overload
def retry(
    *,
    times: int = ...,
    minutes_between_retries: Number = ...,
    seconds_between_retries: Optional[Number] = ...,
    backoff: Number = ...,
    jitter: Number = ...,
) -> Callable[[Step], Step]: ...


def retry(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Run a failed task again, up to `times` (3) more times.

    The wait is `seconds_between_retries` if given, else `minutes_between_retries` (2). It grows
    by the factor `backoff` (1.0) with every attempt, and varies by the share `jitter` (0.0).
    """
    return _decorate("retry", function, arguments)


@overload
def catch(function: Step) -> Step: ...


@overload
def catch(*, var: Optional[str] = ..., print_exception: bool = ...) -> Callable[[Step], Step]: ...


def catch(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Let the flow go on when this step fails after all its retries.

    The exception is kept in the artifact named by `var`, which is None when all went well.
    """
    return _decorate("catch", function, arguments)


@overload
def timeout(function: Step) -> Step: ...


@overload
def timeout(
    *, seconds: Number = ..., minutes: Number = ..., hours: Number = ...
) -> Callable[[Step], Step]: ...


def timeout(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Stop each attempt of the step after the sum of `seconds`, `minutes` and `hours`."""
    return _decorate("timeout", function, arguments)


@overload
def environment(function: Step) -> Step: ...


@overload
def environment(*, vars: Mapping[str, Any] = ...) -> Callable[[Step], Step]: ...


def environment(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Set the environment variables `vars` before the step's code runs; values become strings."""
    return _decorate("environment", function, arguments)


@overload
def resources(function: Step) -> Step: ...


@overload
def resources(
    *,
    cpu: Optional[Number] = ...,
    gpu: Optional[int] = ...,
    disk: Optional[Number] = ...,
    memory: Optional[Number] = ...,
    shared_memory: Optional[Number] = ...,
) -> Callable[[Step], Step]: ...


def resources(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Say what each task of the step needs.

    `cpu` counts processors, `gpu` cards; `disk` and `memory` are in MB, `shared_memory` in MiB.
    """
    return _decorate("resources", function, arguments)


def parse_decospec(spec: str) -> DecoratorSpec:
    """Return the decorator that a text such as `retry:times=4,minutes_between_retries=0` names.

    Raises DecoratorError for an unknown decorator or argument or a bad value.
    """
    name, _, rest = spec.strip().partition(":")
    arguments: Dict[str, Any] = {}
    # A comma parts two arguments only where `name=` follows: values may hold commas.
    for part in re.split(r",(?=[\s\w]+=)", rest) if rest.strip() else ():
        key, equals, text = part.partition("=")
        if not equals:
            raise DecoratorError(
                "In the decorator `{}`, `{}` has no value; write it as `name:argument=value`, "
                "such as `retry:times=4`.".format(spec, part.strip())
            )
        arguments[key.strip()] = _value(text.strip())
    try:
        attributes = option_attributes(name.strip(), arguments)
    except DecoratorError as error:
        raise DecoratorError("In the decorator `{}`: {}".format(spec, error)) from None
    return DecoratorSpec(name.strip(), attributes, from_outside=True)


def attach(description: FlowDescription, specs: Sequence[str]) -> FlowDescription:
    """Return the description with the decorators of `specs` put on every step.

    A step keeps its own decorator of the same name, and of two specs with the same name the first
    holds. `catch` is left off steps that end in a foreach: it can't stand for the missing values.
    """
    outside = [parse_decospec(spec) for spec in specs]
    return description._replace(steps=tuple(_with(step, outside) for step in description.steps))


def _with(step: StepSpec, outside: Sequence[DecoratorSpec]) -> StepSpec:
    decorators = list(step.decorators)
    for decorator in outside:
        present = any(decorator.name == other.name for other in decorators)
        if not present and not (decorator.name == "catch" and step.kind == FOREACH):
            decorators.append(decorator)
    return step._replace(decorators=tuple(decorators))


def _value(text: str) -> Any:
    for parse in (_json, int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    return text


def _json(text: str) -> Any:
    return json.loads(text.replace('\\"', '"'))


def _decorate(name: str, function: Optional[Any], arguments: Mapping[str, Any]) -> Any:
    place = caller_place()
    if function is not None and not callable(function):
        _refuse(place, "@{} takes its arguments by name, not {!r}.".format(name, function))
    try:
        attributes = option_attributes(name, arguments)
    except DecoratorError as error:
        raise DecoratorError(told(place[0], place[1], str(error)), place[1]) from None
    spec = DecoratorSpec(name, attributes, place[1])

    def decorate(step: Any) -> Any:
        _add(step, spec, place)
        return step

    return decorate if function is None else decorate(function)


def _add(step: Any, spec: DecoratorSpec, place: Tuple[str, int]) -> None:
    shown = getattr(step, "__name__", repr(step))
    if not getattr(step, "is_step", False):
        message = "@{} stands above @step, and `{}` is no step; put @step right above its `def`."
        _refuse(place, message.format(spec.name, shown))
    decorators: List[DecoratorSpec] = step.decorators
    for other in decorators:
        if other.name == spec.name:
            message = "Step `{}` has @{} twice (also on line {}); keep one."
            _refuse(place, message.format(shown, spec.name, other.line))
    decorators.append(spec)


def _refuse(place: Tuple[str, int], message: str) -> NoReturn:
    raise DecoratorError(told(place[0], place[1], message), place[1])
