"""What mutators see of a flow and its steps, and change them through."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from falaj.authoring.custom import FlowDecorator
from falaj.authoring.decorated import (
    Actor,
    Decorated,
    Spec,
    is_among,
    is_custom_among,
    refuse,
)
from falaj.authoring.options import OPTIONS
from falaj.authoring.parameters import Parameter
from falaj.authoring.shape import Shape, StepShape
from falaj.authoring.wording import near_miss
from falaj.model.graph import DecoratorSpec


class MutableStep(Decorated):
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
        held[:] = [one for one in held if not is_among(one, doomed)]
        self._without([one for one in self._custom() if is_custom_among(one, doomed)])

    def _without(self, gone: Sequence[Any]) -> None:
        for held in (self._step.wrappers, self._step.mutators):
            held[:] = [one for one in held if not any(one is other for other in gone)]

    def _shown(self) -> str:
        return "Step `{}`".format(self.name)


class MutableFlow(Decorated):
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
        if not overwrite and self._is_taken(name):
            refuse(
                "Flow `{}` already has an attribute `{}`; choose another name, or say "
                "overwrite=True.".format(self._shape.flow_class.__name__, name)
            )
        self._shape.parameters[name] = value

    def _is_taken(self, name: str) -> bool:
        if name in self._shape.parameters:
            return True
        # A parameter that the class has and the shape has not was removed.
        kind = self._shape.flow_class
        return hasattr(kind, name) and not isinstance(getattr(kind, name), Parameter)

    def remove_parameter(self, parameter_name: str) -> bool:
        """Remove the parameter of that name, in pre_mutate; say whether there was one."""
        self._actor.need_early("removes the parameter `{}`".format(parameter_name))
        for attribute, parameter in self._shape.parameters.items():
            if parameter.name == parameter_name:
                del self._shape.parameters[attribute]
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
        held[:] = [one for one in held if not is_among(one, doomed)]

    def _shown(self) -> str:
        return "Flow `{}`".format(self._shape.flow_class.__name__)


def put_on(step: StepShape, decorator: Any) -> None:
    """Put a decorator of a user's above a step, the outermost of its kind."""
    if hasattr(decorator, "pre_step"):
        step.wrappers.append(decorator)
    if hasattr(decorator, "mutate"):
        step.mutators.append(decorator)
