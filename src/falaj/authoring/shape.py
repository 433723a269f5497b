"""A flow between its class and its description: what mutators can change of it."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

from falaj.authoring.parameters import Parameter
from falaj.model.graph import ConfigSpec, DecoratorSpec

# Where a class keeps, once it is shaped, its configs' values, its steps' wrappers, and the mutators
# that add to its code.
CONFIGS = "__falaj_configs__"
WRAPPERS = "__falaj_wrappers__"
ADDING = "__falaj_adding__"


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
