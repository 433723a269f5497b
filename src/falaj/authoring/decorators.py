"""The decorators that set options, where they stand in the source; they only add data."""

from __future__ import annotations

import sys
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
    cast,
    overload,
)

from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.options import OPTIONS, option_attributes
from falaj.authoring.wording import caller_place, full_path, told
from falaj.errors import DecoratorError
from falaj.model.graph import (
    DecoratorSpec,
)

Step = TypeVar("Step", bound=Callable[..., Any])
Number = Union[int, float]
# Where a class keeps the decorators that stand above it; a dunder name is no artifact.
ON_CLASS = "__falaj_decorators__"


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
    return decorate("retry", function, arguments)


@overload
def catch(function: Step) -> Step: ...


@overload
def catch(*, var: Optional[str] = ..., print_exception: bool = ...) -> Callable[[Step], Step]: ...


def catch(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Let the flow go on when this step fails after all its retries.

    The exception is kept in the artifact named by `var`, which is None when all went well.
    """
    return decorate("catch", function, arguments)


@overload
def timeout(function: Step) -> Step: ...


@overload
def timeout(
    *, seconds: Number = ..., minutes: Number = ..., hours: Number = ...
) -> Callable[[Step], Step]: ...


def timeout(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Stop each attempt of the step after the sum of `seconds`, `minutes` and `hours`."""
    return decorate("timeout", function, arguments)


@overload
def environment(function: Step) -> Step: ...


@overload
def environment(*, vars: Mapping[str, Any] = ...) -> Callable[[Step], Step]: ...


def environment(function: Optional[Any] = None, **arguments: Any) -> Any:
    """Set the environment variables `vars` before the step's code runs; values become strings."""
    return decorate("environment", function, arguments)


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
    return decorate("resources", function, arguments)


def decorate(name: str, target: Optional[Any], arguments: Mapping[str, Any]) -> Any:
    """Put decorator `name` on a step or a flow's class, or return the function that does so.

    Raises DecoratorError, with the place of the call, for wrong arguments and targets.
    """
    place = caller_place()
    if target is not None and not callable(target):
        _refuse(place, "@{} takes its arguments by name, not {!r}.".format(name, target))
    attributes = _checked(name, arguments, place)
    spec = DecoratorSpec(name, attributes, place[1], file=full_path(place[0]))
    put = _add_to_class if OPTIONS[name].of_flow else _add_to_step

    def mark(marked: Any) -> Any:
        put(marked, spec, place)
        return marked

    return mark if target is None else mark(target)


def stated(**arguments: Any) -> Dict[str, Any]:
    """Return the arguments that are not None, those that `**config` stands for among them."""
    return {name: value for name, value in arguments.items() if value is not None}


class Pending(Dict[str, Any]):
    """Arguments that wait for configs, and are checked once these are known."""


def settled(spec: DecoratorSpec, arguments: Mapping[str, Any]) -> DecoratorSpec:
    """Return a decorator whose arguments are now known, checked as if they stood in the source."""
    return spec._replace(attributes=_checked(spec.name, arguments, (spec.file, spec.line)))


def _checked(name: str, arguments: Mapping[str, Any], place: Tuple[str, int]) -> Dict[str, Any]:
    # Without the module no value can be delayed; most flows never load it.
    delayed = sys.modules.get("falaj.authoring.delayed")
    if delayed is not None and delayed.holds_delayed(arguments):
        return Pending(arguments)
    try:
        return option_attributes(name, arguments)
    except DecoratorError as error:
        raise DecoratorError(told(place[0], place[1], str(error)), place[1]) from None


def _add_to_step(step: Any, spec: DecoratorSpec, place: Tuple[str, int]) -> None:
    shown = getattr(step, "__name__", repr(step))
    if isinstance(step, type) and spec.name + "_base" in OPTIONS:
        message = "@{0} stands on steps, and `{1}` is a class; use @{0}_base there."
        _refuse(place, message.format(spec.name, shown))
    if not getattr(step, "is_step", False):
        message = "@{} stands above @step, and `{}` is no step; put @step right above its `def`."
        _refuse(place, message.format(spec.name, shown))
    add(cast("Any", step).decorators, spec, "Step `{}`".format(shown))


def _add_to_class(flow_class: Any, spec: DecoratorSpec, place: Tuple[str, int]) -> None:
    shown = getattr(flow_class, "__name__", repr(flow_class))
    if not isinstance(flow_class, type) or not issubclass(flow_class, FlowSpec):
        message = "@{} stands above the class of a flow, and `{}` is {}{}."
        kind = "a class without FlowSpec" if isinstance(flow_class, type) else "no class"
        instead = on_steps(spec.name)
        mend = "; use @{} on a step".format(instead) if instead else ""
        _refuse(place, message.format(spec.name, shown, kind, mend))
    if ON_CLASS not in vars(flow_class):
        setattr(flow_class, ON_CLASS, [])
    add(vars(flow_class)[ON_CLASS], spec, "Flow `{}`".format(shown))


def on_steps(name: str) -> str:
    """Return the decorator of steps that is like one of flows, or nothing."""
    return name[: -len("_base")] if name.endswith("_base") else ""


def add(decorators: List[DecoratorSpec], spec: DecoratorSpec, holder: str) -> None:
    """Add a decorator to those of `holder`; raise DecoratorError beside one that rules it out."""
    place = spec.file, spec.line
    for other in rivals(decorators, spec):
        if OPTIONS[spec.name].repeats:
            message = "{} has two of @{} with the id {!r} (also on line {}); rename one."
            _refuse(place, message.format(holder, spec.name, spec.attributes.get("id"), other.line))
        message = "{} has @{} twice (also on line {}); keep one."
        _refuse(place, message.format(holder, spec.name, other.line))
    decorators.append(spec)


def rivals(decorators: Sequence[DecoratorSpec], spec: DecoratorSpec) -> List[DecoratorSpec]:
    """Return those that can't stand beside a decorator: of its name, and its id if it repeats."""
    same = [other for other in decorators if other.name == spec.name]
    if not OPTIONS[spec.name].repeats:
        return same
    taken = _id_of(spec)
    return [other for other in same if taken is not None and _id_of(other) == taken]


def _id_of(spec: DecoratorSpec) -> Any:
    # One from a config is compared once it is known.
    return None if isinstance(spec.attributes, Pending) else spec.attributes.get("id")


def _refuse(place: Tuple[str, int], message: str) -> NoReturn:
    raise DecoratorError(told(place[0], place[1], message), place[1])
