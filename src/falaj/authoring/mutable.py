"""What mutators see of a flow and its steps, and change them through."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence, Tuple, cast

from falaj.authoring.custom import (
    CustomDecorator,
    FlowDecorator,
    arguments_of,
    find,
    make,
    make_ready,
    short_name,
)
from falaj.authoring.decorators import Pending, settled, split_decospec
from falaj.authoring.delayed import unpacked
from falaj.authoring.options import OPTIONS, option_attributes
from falaj.authoring.parameters import Parameter
from falaj.authoring.shape import Shape, StepShape
from falaj.authoring.wording import caller_place, full_path, listed, near_miss, told
from falaj.errors import CustomDecoratorError, DecoratorError
from falaj.model.graph import DecoratorSpec

Spec = Tuple[str, str, List[Any], Dict[str, Any]]


class Actor:
    """The mutator at work: its name, whether it may do all (pre_mutate), and how it got there."""

    def __init__(self, mutator: Any, is_early: bool) -> None:
        """Speak for `mutator`, in `pre_mutate` where `is_early`."""
        said = arguments_of(mutator)
        self.name = type(mutator).__name__
        self.is_early = is_early
        self.is_static = said.is_static
        self.inserted_by = (mutator.decorator_name, *said.inserted_by)

    def need_early(self, doing: str) -> None:
        """Raise CustomDecoratorError outside of pre_mutate."""
        if not self.is_early:
            refuse(
                "{} {} in `mutate`, where it is too late; do it in `pre_mutate`.".format(
                    self.name, doing
                )
            )


class _Decorated:
    """What steps and flows that can be changed have in common: their decorators."""

    IGNORE = 1
    ERROR = 2
    OVERRIDE = 3

    _actor: Actor
    _shape: Shape

    @property
    def decorator_specs(self) -> Iterator[Spec]:
        """Yield name, full name, arguments by place and arguments by name of each decorator."""
        for spec in self._built_in():
            yield spec.name, "falaj." + spec.name, [], dict(spec.attributes)
        for decorator in self._custom():
            said = arguments_of(decorator)
            name = short_name(cast("Any", type(decorator)))
            yield name, decorator.decorator_name, list(said.args), dict(said.kwargs)

    def has_decorator(self, name: str) -> bool:
        """Say whether there is a decorator of that name, or of that full name with its dots."""
        return bool(self.get_decorator_specs(name))

    def get_decorator_specs(self, name: str) -> List[Spec]:
        """Return the specs of all decorators of that name, or of that full name."""
        return [spec for spec in self.decorator_specs if name == spec[1 if "." in name else 0]]

    def add_decorator(
        self,
        deco_type: Any,
        deco_args: Optional[Sequence[Any]] = None,
        deco_kwargs: Optional[Mapping[str, Any]] = None,
        duplicates: int = IGNORE,
    ) -> Any:
        """Add a decorator: the thing itself, its name, or its spec, such as `retry:times=4`.

        Where one of its name stands already, IGNORE leaves that, OVERRIDE replaces it, and ERROR
        raises DecoratorError. Returns what was added, or None.
        """
        if duplicates not in (self.IGNORE, self.ERROR, self.OVERRIDE):
            refuse("`duplicates` is IGNORE, ERROR or OVERRIDE, not {!r}.".format(duplicates))
        args, kwargs = tuple(deco_args or ()), dict(deco_kwargs or {})
        kind: Any = deco_type
        if isinstance(deco_type, str):
            name, said = split_decospec(deco_type)
            if said and (args or kwargs):
                refuse(
                    "The decorator {!r} has arguments already; give them there or as deco_args "
                    "and deco_kwargs, not both.".format(deco_type)
                )
            args, kwargs = (_placed(said, args), _named(said) or kwargs)
            kind = name if name in OPTIONS else self._found(name)
        if isinstance(kind, type) and issubclass(kind, CustomDecorator):
            return self._add_custom(kind, args, kwargs, duplicates)
        name = kind if isinstance(kind, str) else getattr(kind, "__name__", "")
        ours = isinstance(kind, str) or getattr(kind, "__module__", "").startswith("falaj.")
        if not ours or name not in OPTIONS:
            refuse("{!r} is no decorator; give one of {}.".format(kind, listed(OPTIONS, "or")))
        if args:
            refuse("@{} takes its arguments by name; give them as deco_kwargs.".format(name))
        return self._add_built_in(name, kwargs, duplicates)

    def remove_decorator(
        self,
        deco_name: str,
        deco_args: Optional[Sequence[Any]] = None,
        deco_kwargs: Optional[Mapping[str, Any]] = None,
    ) -> bool:
        """Remove the decorators of that name; with arguments, those that have just these.

        Says whether there was one.
        """
        every = deco_args is None and deco_kwargs is None
        args, kwargs = list(deco_args or ()), dict(deco_kwargs or {})
        doomed = self.get_decorator_specs(deco_name)
        if not every:
            accepted = (kwargs, _filled(deco_name, kwargs))
            doomed = [spec for spec in doomed if spec[2] == args and spec[3] in accepted]
        if doomed:
            self._need_removable(doomed)
            self._drop(doomed)
        return bool(doomed)

    def _found(self, name: str) -> Any:
        try:
            return find(name)
        except DecoratorError as error:
            refuse(error.message, DecoratorError)

    def _add_built_in(
        self, name: str, kwargs: Mapping[str, Any], duplicates: int
    ) -> Optional[DecoratorSpec]:
        file, line = caller_place()
        spec = DecoratorSpec(name, {}, line, not self._actor.is_static, full_path(file))
        spec = settled(spec, unpacked(kwargs, self._shape.names))
        held = self._built_in()
        if any(other.name == name for other in held):
            if not self._may_replace(name, duplicates):
                return None
            held[:] = [other for other in held if other.name != name]
        held.append(spec)
        return spec

    def _may_replace(self, name: str, duplicates: int) -> bool:
        if duplicates == self.ERROR and self._actor.is_static:
            refuse("{} already has @{}.".format(self._shown(), name), DecoratorError)
        return duplicates == self.OVERRIDE

    def _new_custom(self, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        made = make(kind, args, kwargs, self._actor.is_static, self._actor.inserted_by)
        make_ready(made, self._shape.names)
        return made

    def _built_in(self) -> List[DecoratorSpec]:
        raise NotImplementedError

    def _custom(self) -> List[Any]:
        raise NotImplementedError

    def _add_custom(
        self, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any], duplicates: int
    ) -> Any:
        raise NotImplementedError

    def _need_removable(self, doomed: Sequence[Spec]) -> None:
        raise NotImplementedError

    def _drop(self, doomed: Sequence[Spec]) -> None:
        raise NotImplementedError

    def _shown(self) -> str:
        raise NotImplementedError


class MutableStep(_Decorated):
    """One step of a flow, to be looked at and changed by a mutator."""

    def __init__(self, shape: Shape, step: StepShape, actor: Actor) -> None:
        """Stand for `step` of `shape`; mutators are given one."""
        self._shape, self._step, self._actor = shape, step, actor

    @property
    def name(self) -> str:
        """The step's name."""
        return self._step.name

    @property
    def flow(self) -> "MutableFlow":
        """The flow that the step is of."""
        return MutableFlow(self._shape, self._actor)

    def _built_in(self) -> List[DecoratorSpec]:
        return self._step.decorators

    def _custom(self) -> List[Any]:
        both = [*self._step.wrappers, *self._step.mutators]
        # One that is of both kinds is in both lists.
        return list({id(decorator): decorator for decorator in both}.values())

    def _add_built_in(
        self, name: str, kwargs: Mapping[str, Any], duplicates: int
    ) -> Optional[DecoratorSpec]:
        if OPTIONS[name].of_flow:
            refuse("@{} stands on a flow, not on step `{}`.".format(name, self.name))
        return super()._add_built_in(name, kwargs, duplicates)

    def _add_custom(
        self, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any], duplicates: int
    ) -> Any:
        if issubclass(kind, FlowDecorator):
            refuse("@{} stands on a flow, not on step `{}`.".format(kind.__name__, self.name))
        if hasattr(kind, "mutate"):
            self._actor.need_early("adds the mutator @{}".format(kind.__name__))
        same = [one for one in self._custom() if one.decorator_name == kind.decorator_name]
        if same:
            if not self._may_replace(kind.__name__, duplicates):
                return None
            self._without(same)
        made = self._new_custom(kind, args, kwargs)
        put_on(self._step, made)
        return made

    def _need_removable(self, doomed: Sequence[Spec]) -> None:
        names = {spec[1] for spec in doomed}
        for mutator in self._step.mutators:
            if mutator.decorator_name in names:
                self._actor.need_early("removes the mutator @{}".format(type(mutator).__name__))

    def _drop(self, doomed: Sequence[Spec]) -> None:
        held = self._step.decorators
        held[:] = [one for one in held if not _is_among(one, doomed)]
        self._without([one for one in self._custom() if _is_custom_among(one, doomed)])

    def _without(self, gone: Sequence[Any]) -> None:
        for held in (self._step.wrappers, self._step.mutators):
            held[:] = [one for one in held if not any(one is other for other in gone)]

    def _shown(self) -> str:
        return "Step `{}`".format(self.name)


class MutableFlow(_Decorated):
    """A flow, to be looked at and changed by a mutator.

    Its steps, parameters and configs are attributes of their names as well.
    """

    def __init__(self, shape: Shape, actor: Actor) -> None:
        """Stand for the flow of `shape`; mutators are given one."""
        self._shape, self._actor = shape, actor

    @property
    def steps(self) -> Iterator[Tuple[str, MutableStep]]:
        """Yield the name of each step, and the step, in the order of their definition."""
        for name, step in self._shape.steps.items():
            yield name, MutableStep(self._shape, step, self._actor)

    @property
    def configs(self) -> Iterator[Tuple[str, Any]]:
        """Yield the name of each config, and its value."""
        for spec in self._shape.config_specs:
            yield spec.name, self._shape.configs[spec.attribute]

    @property
    def parameters(self) -> Iterator[Tuple[str, Parameter]]:
        """Yield the attribute of each parameter, and the parameter."""
        yield from list(self._shape.parameters.items())

    def add_parameter(self, name: str, value: Parameter, overwrite: bool = False) -> None:
        """Add a parameter under an attribute, in pre_mutate."""
        self._actor.need_early("adds the parameter `{}`".format(name))
        if not isinstance(value, Parameter):  # pyright: ignore[reportUnnecessaryIsInstance]
            refuse("add_parameter takes a Parameter or an IncludeFile, not {!r}.".format(value))
        if not overwrite and hasattr(self._shape.flow_class, name):
            refuse(
                "Flow `{}` already has an attribute `{}`; choose another name, or say "
                "overwrite=True.".format(self._shape.flow_class.__name__, name)
            )
        self._shape.parameters[name] = value
        setattr(self._shape.flow_class, name, value)

    def remove_parameter(self, parameter_name: str) -> bool:
        """Remove the parameter of that name, in pre_mutate; say whether there was one."""
        self._actor.need_early("removes the parameter `{}`".format(parameter_name))
        for attribute, parameter in self._shape.parameters.items():
            if parameter.name == parameter_name:
                del self._shape.parameters[attribute]
                for kind in self._shape.flow_class.__mro__:
                    if attribute in vars(kind):
                        delattr(kind, attribute)
                return True
        return False

    def __getattr__(self, name: str) -> Any:
        shape: Shape = self.__dict__["_shape"]
        if name in shape.steps:
            return MutableStep(shape, shape.steps[name], self._actor)
        for found in (shape.parameters, shape.configs):
            if name in found:
                return found[name]
        known = [*shape.steps, *shape.parameters, *shape.configs]
        raise AttributeError(
            "Flow {} has no step, parameter or config `{}`{}".format(
                shape.flow_class.__name__, name, near_miss(name, known)
            )
        )

    def _built_in(self) -> List[DecoratorSpec]:
        return self._shape.decorators

    def _custom(self) -> List[Any]:
        return self._shape.mutators

    def _add_built_in(
        self, name: str, kwargs: Mapping[str, Any], duplicates: int
    ) -> Optional[DecoratorSpec]:
        self._actor.need_early("adds @{} to the flow".format(name))
        if not OPTIONS[name].of_flow:
            refuse("@{} stands on steps; add it to a step of the flow.".format(name))
        return super()._add_built_in(name, kwargs, duplicates)

    def _add_custom(
        self, kind: Any, args: Sequence[Any], kwargs: Mapping[str, Any], duplicates: int
    ) -> Any:
        self._actor.need_early("adds the mutator @{}".format(kind.__name__))
        if not issubclass(kind, FlowDecorator):
            refuse("@{} stands on steps; add it to a step of the flow.".format(kind.__name__))
        held = self._shape.mutators
        if any(one.decorator_name == kind.decorator_name for one in held):
            if not self._may_replace(kind.__name__, duplicates):
                return None
            held[:] = [one for one in held if one.decorator_name != kind.decorator_name]
        made = self._new_custom(kind, args, kwargs)
        held.append(made)
        return made

    def _need_removable(self, doomed: Sequence[Spec]) -> None:
        self._actor.need_early("removes @{} from the flow".format(doomed[0][0]))
        names = {spec[1] for spec in doomed}
        for mutator in self._shape.mutators:
            if mutator.decorator_name in names:
                refuse(
                    "{} can't remove @{}: the mutators of a flow stay.".format(
                        self._actor.name, type(mutator).__name__
                    )
                )

    def _drop(self, doomed: Sequence[Spec]) -> None:
        held = self._shape.decorators
        held[:] = [one for one in held if not _is_among(one, doomed)]

    def _shown(self) -> str:
        return "Flow `{}`".format(self._shape.flow_class.__name__)


def put_on(step: StepShape, decorator: Any) -> None:
    """Put a decorator of a user's above a step, the outermost of its kind."""
    if hasattr(decorator, "pre_step"):
        step.wrappers.append(decorator)
    if hasattr(decorator, "mutate"):
        step.mutators.append(decorator)


def refuse(message: str, kind: Any = CustomDecoratorError) -> NoReturn:
    """Raise the error about what a mutator does, at its line."""
    file, line = caller_place()
    raise kind(told(file, line, message), line)


def _is_among(spec: DecoratorSpec, doomed: Sequence[Spec]) -> bool:
    if isinstance(spec.attributes, Pending):
        return any(spec.name == name for name, _, _, _ in doomed)
    return any(spec.name == name and spec.attributes == kwargs for name, _, _, kwargs in doomed)


def _is_custom_among(decorator: Any, doomed: Sequence[Spec]) -> bool:
    said = arguments_of(decorator)
    return any(
        (decorator.decorator_name, list(said.args), dict(said.kwargs)) == spec[1:]
        for spec in doomed
    )


def _filled(name: str, kwargs: Mapping[str, Any]) -> Dict[str, Any]:
    if name not in OPTIONS:
        return dict(kwargs)
    try:
        return option_attributes(name, kwargs)
    except DecoratorError:
        return dict(kwargs)


def _placed(said: Mapping[str, Any], otherwise: Tuple[Any, ...]) -> Tuple[Any, ...]:
    places = sorted(int(name) for name in said if name.isdigit())
    return tuple(said[str(place)] for place in places) or otherwise


def _named(said: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in said.items() if not name.isdigit()}
