"""Running a step's body within the decorators that users wrote for it."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, cast

from falaj.authoring.flowspec import FlowSpec, forget_next
from falaj.errors import CustomDecoratorError, InvalidNextException
from falaj.model.graph import END, PARALLEL, SWITCH, StepSpec


class Asked:
    """What decorators make of a step's end; `options` are arguments of self.next.

    `options` of None leaves what the step has called.
    """

    def __init__(self) -> None:
        """Begin with nothing asked for and nothing wrong."""
        self.options: Optional[Dict[str, Any]] = None
        self.error: Optional[Exception] = None
        self.by = ""

    def take(self, said: Any, by: str) -> None:
        """Note the arguments that a decorator gives: a dict, True for the step's own, or none."""
        if said is None or said is False:
            return
        if said is not True and not isinstance(said, dict):
            raise CustomDecoratorError(
                "@{} gives {!r} for self.next; it takes a dict of its arguments, or True.".format(
                    by, said
                )
            )
        self.options, self.by = dict(cast("Dict[str, Any]", said)) if said is not True else {}, by


def run_wrapped(
    wrappers: Sequence[Any], flow: FlowSpec, spec: StepSpec, body: Callable[..., Any], inputs: Any
) -> bool:
    """Run `body` within `wrappers`, the outermost first.

    Says whether decorators, not the step, have called self.next. What the step raises and no
    decorator keeps is raised.
    """
    asked = Asked()
    entered: List[Any] = []
    failed = False
    try:
        _enter(wrappers, flow, spec, body, inputs, entered, asked)
    except Exception as error:
        asked.error, failed = error, True
    for wrapper in reversed(entered):
        _leave(wrapper, flow, spec, asked)
    if asked.error is not None:
        raise asked.error
    if asked.options is None and not failed:
        return False
    _call_next(flow, spec, asked.options or {}, asked.by or _name(entered[0]))
    return True


def _enter(
    wrappers: Sequence[Any],
    flow: FlowSpec,
    spec: StepSpec,
    body: Callable[..., Any],
    inputs: Any,
    entered: List[Any],
    asked: Asked,
) -> None:
    for wrapper in wrappers:
        instead = wrapper.pre_step(spec.name, flow, inputs)
        entered.append(wrapper)
        if wrapper.skip_step is not False and wrapper.skip_step is not None:
            asked.take(wrapper.skip_step, _name(wrapper))
            return
        if instead is not None:
            if not callable(instead):
                raise CustomDecoratorError(
                    "`pre_step` of @{} returned {!r}; it returns nothing, or a function that runs "
                    "instead of the step.".format(_name(wrapper), instead)
                )
            more = () if inputs is None else (inputs,)
            asked.take(instead(flow, *more), _name(wrapper))
            return
    body()


def _leave(wrapper: Any, flow: FlowSpec, spec: StepSpec, asked: Asked) -> None:
    try:
        said = wrapper.post_step(spec.name, flow, asked.error)
        error, options = _split(said, _name(wrapper))
        asked.error = error
        asked.take(options, _name(wrapper))
    except Exception as error:
        asked.error = error


def _split(said: Any, by: str) -> "Tuple[Optional[Exception], Any]":
    if said is None or isinstance(said, Exception):
        return said, None
    if isinstance(said, tuple):
        parts = cast("Tuple[Any, ...]", said)
        if len(parts) == 2 and (parts[0] is None or isinstance(parts[0], Exception)):
            return parts[0], parts[1]
    raise CustomDecoratorError(
        "`post_step` of @{} returned {!r}; it returns None, an exception, or a pair of these and "
        "the arguments of self.next.".format(by, cast("Any", said))
    )


def _call_next(flow: FlowSpec, spec: StepSpec, options: Mapping[str, Any], by: str) -> None:
    forget_next(flow)
    if spec.kind == END:
        return
    arguments = {**_written(spec), **options}
    if spec.kind == PARALLEL and "num_parallel" not in arguments:
        raise InvalidNextException(
            "@{} ends step {} in place of its self.next, which computes the size of the gang; give "
            "it in a dict: {{'num_parallel': 4}}.".format(by, spec.name),
            spec.line,
        )
    targets: List[Any] = [getattr(flow, target) for target in spec.targets]
    if spec.kind == SWITCH:
        targets = [{case.value: getattr(flow, case.target) for case in spec.cases}]
    try:
        flow.next(*targets, **arguments)
    except InvalidNextException as error:
        raise InvalidNextException(
            "@{} ends step {} in place of its self.next: {}".format(by, spec.name, error.message),
            spec.line,
        ) from None


def _written(spec: StepSpec) -> Dict[str, Any]:
    """Return the arguments that the step's own self.next has, as far as its source says them."""
    written = {
        "foreach": spec.foreach,
        "condition": spec.condition,
        "num_parallel": spec.num_parallel,
    }
    return {name: value for name, value in written.items() if value is not None}


def _name(wrapper: Any) -> str:
    return type(wrapper).__name__
