"""From a flow's class to what is described: configs read, delayed values filled in, mutators run.

The order is: configs, arguments of the flow's own decorators, `pre_mutate` of the flow's mutators
and then of the steps', decorators from outside (--with), `mutate` in the same order, and last the
users' step decorators are made ready.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from falaj.authoring.configreading import GivenConfigs, read_configs
from falaj.authoring.configs import Config, declaration_of, fault_of, folded
from falaj.authoring.configvalues import flattened
from falaj.authoring.custom import (
    MUTATORS,
    CustomDecorator,
    FlowDecorator,
    find,
    make_ready,
    misplaced,
    written,
)
from falaj.authoring.decorated import Actor
from falaj.authoring.decorators import Pending, add, settled
from falaj.authoring.decospecs import by_place_and_name, parse_decospec, split_decospec, stands_for
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
from falaj.authoring.shape import SHAPE, Shape, StepShape
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
    """Return the flow in its final shape, and give its class this shape for its tasks.

    Raises what `make_shape` does.
    """
    shape = make_shape(flow_class, given)
    for attribute in parameters_of(flow_class):
        if attribute not in shape.parameters:
            _remove(flow_class, attribute)
    for attribute, parameter in shape.parameters.items():
        setattr(flow_class, attribute, parameter)
    setattr(flow_class, SHAPE, shape)
    return shape


def _remove(flow_class: type, attribute: str) -> None:
    for kind in flow_class.__mro__:
        if attribute in vars(kind):
            delattr(kind, attribute)


def make_shape(flow_class: type, given: Given) -> Shape:
    """Return the flow in its final shape; the class stays as it is.

    Raises ConfigError, DecoratorError or CustomDecoratorError; the latter has what a mutator of
    the user's raised as its cause.
    """
    shape = _unshaped(flow_class, given)
    _settle_decorators(shape)
    for mutator in shape.mutators:
        _run(mutator, "init", make_ready, mutator, shape.names)
    for mutator in _in_turn(shape.mutators):
        _run(mutator, "pre_mutate", mutator.pre_mutate, MutableFlow(shape, Actor(mutator, True)))
    for step in shape.steps.values():
        for mutator in step.mutators:
            _run(mutator, "init", make_ready, mutator, shape.names)
    for step in shape.steps.values():
        _pre_mutate(shape, step)
    shape = shape._replace(applied=_apply(shape, given.decospecs))
    for mutator in shape.mutators:
        _run(mutator, "mutate", mutator.mutate, MutableFlow(shape, Actor(mutator, False)))
    for step in shape.steps.values():
        for mutator in list(step.mutators):
            facade = MutableStep(shape, step, Actor(mutator, False))
            _run(mutator, "mutate", mutator.mutate, facade)
    _settle_parameters(shape)
    for step in shape.steps.values():
        for wrapper in step.wrappers:
            _run(wrapper, "init", make_ready, wrapper, shape.names)
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
        fault = fault_of(declared)
        if fault:
            raise declared.error(fault)
        name = folded(declared.name)
        if attribute in reserved:
            raise declared.error(
                "Config `{}` is held by `{}`, which FlowSpec itself uses; rename it.".format(
                    declared.name, attribute
                )
            )
        if name in seen:
            raise declared.error(
                "Config `{}` is specified twice (also as `{}`); rename one of them.".format(
                    declared.name, seen[name]
                )
            )
        seen[name] = attribute
    for name, member in members_of(flow_class).items():
        problem = misplaced(name, member) if isinstance(member, CustomDecorator) else None
        if problem is not None:
            raise problem


def _settle_decorators(shape: Shape) -> None:
    held = [(shape.decorators, "Flow `{}`".format(shape.flow_class.__name__))]
    held += [(step.decorators, "Step `{}`".format(step.name)) for step in shape.steps.values()]
    for decorators, holder in held:
        known = [_settled(spec, shape.names) for spec in decorators]
        decorators.clear()
        for spec in known:
            add(decorators, spec, holder)


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
            _put_on_all(shape, name, said)
        except DecoratorError as error:
            raise DecoratorError("In the decorator `{}`: {}".format(text, error)) from None
    return tuple(applied)


def _put_on_all(shape: Shape, name: str, said: Mapping[str, Any]) -> None:
    kind = find(name)
    if issubclass(kind, FlowDecorator):
        raise DecoratorError("@{} stands on a flow, and --with is for steps.".format(kind.__name__))
    args, kwargs = by_place_and_name(said)
    for step in shape.steps.values():
        present = [*step.wrappers, *step.mutators]
        if any(other.decorator_name == kind.decorator_name for other in present):
            continue
        made = written(kind, args, kwargs, ("", 0), False)
        _run(made, "init", make_ready, made, shape.names)
        before = list(step.mutators)
        put_on(step, made)
        _pre_mutate(shape, step, before)


def _pre_mutate(shape: Shape, step: StepShape, before: Sequence[Any] = ()) -> None:
    """Have the mutators of a step look at it, but for those that have done so before."""
    for mutator in _in_turn(step.mutators, before):
        facade = MutableStep(shape, step, Actor(mutator, True))
        _run(mutator, "pre_mutate", mutator.pre_mutate, facade)


def _in_turn(mutators: Sequence[Any], before: Sequence[Any] = ()) -> Iterator[Any]:
    """Yield each mutator once, also those that are put among them meanwhile."""
    done = list(before)
    while True:
        waiting = [one for one in mutators if not any(one is other for other in done)]
        if not waiting:
            return
        done.append(waiting[0])
        yield waiting[0]


def _run(decorator: Any, method: str, function: Callable[..., Any], *arguments: Any) -> None:
    try:
        function(*arguments)
    except FalajException:
        raise
    except Exception as error:
        message = "`{}` of @{} failed:".format(method, type(decorator).__name__)
        raise CustomDecoratorError(message) from error
