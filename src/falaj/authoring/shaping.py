"""From a flow's class to what is described: configs read, delayed values filled in, mutators run.

The order is: configs, arguments of the flow's own decorators, `pre_mutate` of the flow's mutators
and then of the steps', decorators from outside (--with), `mutate` in the same order, and last the
users' step decorators are made ready.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from falaj.authoring.configreading import GivenConfigs, read_configs
from falaj.authoring.configs import Config, declaration_of
from falaj.authoring.configvalues import flattened
from falaj.authoring.custom import (
    MUTATORS,
    CustomDecorator,
    FlowDecorator,
    find,
    make,
    make_ready,
    misplaced,
)
from falaj.authoring.decorated import Actor
from falaj.authoring.decorators import Pending, settled
from falaj.authoring.decospecs import parse_decospec, split_decospec, stands_for
from falaj.authoring.delayed import holds_delayed, resolved, unpacked
from falaj.authoring.members import (
    classes_of,
    flow_decorators_of,
    members_of,
    parameters_of,
    reserved_names,
    steps_of,
)
from falaj.authoring.mutable import MutableFlow, MutableStep, put_on
from falaj.authoring.options import OPTIONS
from falaj.authoring.parameters import Parameter
from falaj.authoring.shape import ADDING, CONFIGS, WRAPPERS, Shape, StepShape
from falaj.errors import CustomDecoratorError, DecoratorError, FalajException
from falaj.model.graph import DecoratorSpec


class Given(NamedTuple):
    """What a flow is shaped with besides its source: configs, and specs of --with."""

    configs: GivenConfigs = GivenConfigs()
    decospecs: Tuple[str, ...] = ()
    user: str = ""
    file: str = ""


def configs_of(flow_class: type) -> Dict[str, Config]:
    """Return the flow's configs by attribute, in the order of their definition."""
    members = members_of(flow_class)
    return {name: value for name, value in members.items() if isinstance(value, Config)}


def mutators_of(flow_class: type) -> List[Any]:
    """Return the mutators above the flow's classes, bases first, the innermost first."""
    held: List[Any] = []
    for kind in classes_of(flow_class):
        held.extend(vars(kind).get(MUTATORS, ()))
    return held


def needs_shape(flow_class: type) -> bool:
    """Say whether a flow has anything that shapes it: configs, delayed values, own decorators."""
    if mutators_of(flow_class):
        return True
    for member in members_of(flow_class).values():
        if isinstance(member, (Config, CustomDecorator)):
            return True
        if isinstance(member, Parameter) and holds_delayed(vars(member)):
            return True
    for step in steps_of(flow_class).values():
        marks = getattr(step, "__func__", step)
        if marks.wrappers or marks.config_decorators:
            return True
        if any(isinstance(spec.attributes, Pending) for spec in marks.decorators):
            return True
    return any(isinstance(spec.attributes, Pending) for spec in flow_decorators_of(flow_class))


def shape_flow(flow_class: type, given: Given) -> Shape:
    """Return the flow in its final shape, and leave with its class what its tasks need.

    Raises ConfigError, DecoratorError or CustomDecoratorError; the latter has what a mutator of
    the user's raised as its cause.
    """
    shape = _unshaped(flow_class, given)
    setattr(flow_class, CONFIGS, shape.configs)
    _settle_decorators(shape)
    for mutator in shape.mutators:
        _run(mutator, "init", make_ready, mutator, shape.names)
    # Those that are added meanwhile have their turn, too.
    for mutator in shape.mutators:
        _run(mutator, "pre_mutate", mutator.pre_mutate, MutableFlow(shape, Actor(mutator, True)))
    for step in shape.steps.values():
        for mutator in step.mutators:
            _run(mutator, "init", make_ready, mutator, shape.names)
    for step in shape.steps.values():
        _pre_mutate(shape, step, 0)
    shape = shape._replace(applied=_apply(shape, given.decospecs))
    for mutator in shape.mutators:
        _run(mutator, "mutate", mutator.mutate, MutableFlow(shape, Actor(mutator, False)))
    for step in shape.steps.values():
        for mutator in list(step.mutators):
            facade = MutableStep(shape, step, Actor(mutator, False))
            _run(mutator, "mutate", mutator.mutate, facade)
    _settle_parameters(shape)
    wrappers: Dict[str, Tuple[Any, ...]] = {}
    for step in shape.steps.values():
        for wrapper in step.wrappers:
            _run(wrapper, "init", make_ready, wrapper, shape.names)
        if step.wrappers:
            # The outermost, which comes first, was added last.
            wrappers[step.name] = tuple(reversed(step.wrappers))
    setattr(flow_class, WRAPPERS, wrappers)
    of_steps = [mutator for step in shape.steps.values() for mutator in step.mutators]
    setattr(flow_class, ADDING, (*shape.mutators, *of_steps))
    return shape


def _unshaped(flow_class: type, given: Given) -> Shape:
    configs = configs_of(flow_class)
    _check_members(flow_class, configs)
    values, specs = read_configs(
        flow_class.__name__, given.file, given.user, configs, given.configs
    )
    names = dict(values)
    for spec in specs:
        for name in (spec.name, spec.name.replace("-", "_")):
            names[name] = values[spec.attribute]
    steps: Dict[str, StepShape] = {}
    for name, member in steps_of(flow_class).items():
        marks = getattr(member, "__func__", member)
        own = (marks.decorators, marks.wrappers, marks.config_decorators)
        steps[name] = StepShape(name, marks.__doc__ or "", *map(list, own))
    return Shape(
        flow_class,
        values,
        names,
        specs,
        steps,
        parameters_of(flow_class),
        list(flow_decorators_of(flow_class)),
        mutators_of(flow_class),
    )


def _check_members(flow_class: type, configs: Mapping[str, Config]) -> None:
    reserved = reserved_names(flow_class)
    seen: Dict[str, str] = {}
    for attribute, config in configs.items():
        declared = declaration_of(config)
        folded = str(declared.name).lower().replace("-", "_")
        if attribute in reserved:
            raise declared.error(
                "Config `{}` is held by `{}`, which FlowSpec itself uses; rename it.".format(
                    declared.name, attribute
                )
            )
        if folded in seen:
            raise declared.error(
                "Config `{}` is specified twice (also as `{}`); rename one of them.".format(
                    declared.name, seen[folded]
                )
            )
        seen[folded] = attribute
    for name, member in members_of(flow_class).items():
        problem = misplaced(name, member) if isinstance(member, CustomDecorator) else None
        if problem is not None:
            raise problem


def _settle_decorators(shape: Shape) -> None:
    for held in [shape.decorators, *(step.decorators for step in shape.steps.values())]:
        held[:] = [_settled(spec, shape.names) for spec in held]


def _settled(spec: DecoratorSpec, names: Mapping[str, Any]) -> DecoratorSpec:
    if not isinstance(spec.attributes, Pending):
        return spec
    return settled(spec, flattened(unpacked(spec.attributes, names)))


def _settle_parameters(shape: Shape) -> None:
    for attribute, parameter in list(shape.parameters.items()):
        if holds_delayed(vars(parameter)):
            known = resolved(dict(vars(parameter)), shape.names)
            options = known["options"]
            for name in list(options):
                # Those that `**cfg.x` has brought are arguments like those written out.
                if name in parameter.arguments:
                    known[name] = options.pop(name)
            settled_one: Parameter = object.__new__(type(parameter))
            settled_one.__dict__.update(known)
            shape.parameters[attribute] = settled_one
            setattr(shape.flow_class, attribute, settled_one)


def _apply(shape: Shape, decospecs: Sequence[str]) -> Tuple[str, ...]:
    """Put the decorators of --with on every step that lacks them; return those that are done."""
    applied: List[str] = []
    for text in dict.fromkeys(decospecs):
        name, said = split_decospec(text)
        if name == "catch":
            # It is left off some steps, which only their description tells.
            continue
        applied.append(text)
        if name in OPTIONS:
            spec = parse_decospec(text)
            for step in shape.steps.values():
                if not any(stands_for(other, spec) for other in step.decorators):
                    step.decorators.append(spec)
            continue
        try:
            kind = find(name)
        except DecoratorError as error:
            raise DecoratorError("In the decorator `{}`: {}".format(text, error)) from None
        if issubclass(kind, FlowDecorator):
            raise DecoratorError(
                "In the decorator `{}`: @{} stands on a flow, and --with is for steps.".format(
                    text, kind.__name__
                )
            )
        args = [said.pop(key) for key in sorted(key for key in said if key.isdigit())]
        for step in shape.steps.values():
            _put(shape, step, kind, args, said)
    return tuple(applied)


def _put(
    shape: Shape, step: StepShape, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    present = [*step.wrappers, *step.mutators]
    if any(other.decorator_name == kind.decorator_name for other in present):
        return
    made = make(kind, args, kwargs, False, ())
    _run(made, "init", make_ready, made, shape.names)
    before = len(step.mutators)
    put_on(step, made)
    _pre_mutate(shape, step, before)


def _pre_mutate(shape: Shape, step: StepShape, first: int) -> None:
    """Have the mutators of a step look at it, from the `first` on, and those that they add."""
    position = first
    while position < len(step.mutators):
        mutator = step.mutators[position]
        facade = MutableStep(shape, step, Actor(mutator, True))
        _run(mutator, "pre_mutate", mutator.pre_mutate, facade)
        # It may have removed some of those before it.
        position = 1 + next(
            (i for i, one in enumerate(step.mutators) if one is mutator), position - 1
        )


def _run(decorator: Any, method: str, function: Callable[..., Any], *arguments: Any) -> None:
    try:
        function(*arguments)
    except FalajException:
        raise
    except Exception as error:
        message = "`{}` of @{} failed:".format(method, type(decorator).__name__)
        raise CustomDecoratorError(message) from error
