"""A flow between its class and its description: what mutators can change of it."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from falaj.authoring.parameters import Parameter
from falaj.model.graph import ConfigSpec, DecoratorSpec

# Where a class keeps its shape, once it has one.
SHAPE = "__falaj_shape__"


class StepShape(NamedTuple):
    """One step: built-in decorators, users' own, and mutators, the innermost of each first."""

    name: str
    doc: str
    decorators: List[DecoratorSpec]
    wrappers: List[Any]
    mutators: List[Any]

    @property
    def specs(self) -> Tuple[DecoratorSpec, ...]:
        """All decorators that act on the step, as data."""
        return (*self.decorators, *(wrapper.as_spec() for wrapper in self.wrappers))


class Shape(NamedTuple):
    """One flow: configs' values by attribute, steps, parameters by attribute, decorators.

    `names` holds the configs' values by all names that expressions know them by. `applied` are
    the specs of --with that the steps have been given.
    """

    flow_class: type
    configs: Dict[str, Any]
    names: Dict[str, Any]
    config_specs: Tuple[ConfigSpec, ...]
    steps: Dict[str, StepShape]
    parameters: Dict[str, Parameter]
    decorators: List[DecoratorSpec]
    mutators: List[Any]
    applied: Tuple[str, ...] = ()

    @property
    def adding(self) -> List[Any]:
        """The mutators that may add to the code of a run: those of the flow, then of its steps."""
        of_steps = (mutator for step in self.steps.values() for mutator in step.mutators)
        return [*self.mutators, *of_steps]


def kept_shape(flow_class: type) -> Optional[Shape]:
    """Return the shape that a class has been given, or None."""
    found: Optional[Shape] = vars(flow_class).get(SHAPE)
    return found
