"""A flow's description: its steps, parameters and decorators as plain values, and their graph."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

LINEAR = "linear"
SPLIT = "split"
FOREACH = "foreach"
SWITCH = "switch"
PARALLEL = "parallel"
END = "end"
# The decorators of a step whose tasks run all at once, as one gang.
GANG_DECORATORS = ("parallel", "pytorch_parallel")


class DecoratorSpec(NamedTuple):
    """One decorator of a step or flow: its name and arguments as JSON values, and its place."""

    name: str
    attributes: Mapping[str, Any]
    line: int = 0
    from_outside: bool = False
    file: str = ""


class Case(NamedTuple):
    """One case of a switch: the condition's value, the step that it leads to.

    `written` is the key as the source has it where that is no literal, as in `config.mode`.
    """

    value: Any
    target: str
    written: str = ""


class StepSpec(NamedTuple):
    """One step as its source shows it; `kind` says which form of `self.next` ends it.

    A switch has the `condition`, an artifact's name, and its `cases`; `targets` names each step
    once. `num_parallel` is the size of the gang that a step starts, where the source says it.
    """

    name: str
    kind: str
    targets: Tuple[str, ...]
    foreach: Optional[str]
    is_join: bool
    decorators: Tuple[DecoratorSpec, ...]
    doc: str
    file: str
    line: int
    condition: Optional[str] = None
    cases: Tuple[Case, ...] = ()
    num_parallel: Optional[int] = None

    def decorator(self, name: str) -> Optional[DecoratorSpec]:
        """Return the step's decorator of that name, or None."""
        return _named(self.decorators, name)

    @property
    def opens(self) -> bool:
        """Whether it opens what a join has to close: branches, a foreach, a gang."""
        return self.kind in (SPLIT, FOREACH, PARALLEL)

    @property
    def loops(self) -> bool:
        """Whether it can lead to itself."""
        return self.name in self.targets

    @property
    def is_gang(self) -> bool:
        """Whether its tasks run all at once, as one."""
        return any(one.name in GANG_DECORATORS for one in self.decorators)


class ParameterSpec(NamedTuple):
    """One Parameter or IncludeFile; `type` is one of str, int, float, bool, json, file."""

    name: str
    attribute: str
    type: str
    default: Any
    computed_default: bool
    required: bool
    help: str
    separator: Optional[str]
    show_default: bool
    is_text: bool
    encoding: str
    line: int


class ConfigSpec(NamedTuple):
    """One Config with its value, which is JSON, or base64 of a pickle where `form` is `pickle`.

    `default` is what the flow's author gave, as a text; `source` says where the value is from.
    """

    name: str
    attribute: str
    help: str
    required: bool
    plain: bool
    default: str
    source: str
    form: str
    value: Any
    line: int


def _named(decorators: Sequence[DecoratorSpec], name: str) -> Optional[DecoratorSpec]:
    for decorator in decorators:
        if decorator.name == name:
            return decorator
    return None


class FlowDescription(NamedTuple):
    """Everything that control needs to know of a flow without importing it.

    `applied` holds the specs of --with that its steps already have.
    """

    name: str
    doc: str
    file: str
    steps: Tuple[StepSpec, ...]
    parameters: Tuple[ParameterSpec, ...]
    start: str
    end: str
    siblings: Tuple[str, ...] = ()
    decorators: Tuple[DecoratorSpec, ...] = ()
    configs: Tuple[ConfigSpec, ...] = ()
    applied: Tuple[str, ...] = ()

    def step(self, name: str) -> StepSpec:
        """Return the step of that name."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def decorator(self, name: str) -> Optional[DecoratorSpec]:
        """Return the decorator of that name that stands on the flow itself, or None."""
        return _named(self.decorators, name)

    def to_wire(self) -> Dict[str, Any]:
        """Return the description as JSON values."""
        wire = self._asdict()
        wire["steps"] = [
            dict(step._asdict(), decorators=[dict(d._asdict()) for d in step.decorators])
            for step in self.steps
        ]
        wire["decorators"] = [dict(decorator._asdict()) for decorator in self.decorators]
        wire["parameters"] = [dict(parameter._asdict()) for parameter in self.parameters]
        wire["configs"] = [dict(config._asdict()) for config in self.configs]
        return dict(wire)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "FlowDescription":
        """Rebuild a description from `to_wire`'s JSON values."""
        steps = tuple(
            StepSpec(
                **dict(
                    step,
                    targets=tuple(step["targets"]),
                    decorators=tuple(DecoratorSpec(**d) for d in step["decorators"]),
                    # Descriptions of earlier versions have none.
                    cases=tuple(Case(*case) for case in step.get("cases", ())),
                )
            )
            for step in wire["steps"]
        )
        parameters = tuple(ParameterSpec(**parameter) for parameter in wire["parameters"])
        siblings = tuple(wire["siblings"])
        # Descriptions of earlier versions have none.
        decorators = tuple(DecoratorSpec(**d) for d in wire.get("decorators", ()))
        configs = tuple(ConfigSpec(**config) for config in wire.get("configs", ()))
        return cls(
            **dict(
                wire,
                steps=steps,
                parameters=parameters,
                siblings=siblings,
                decorators=decorators,
                configs=configs,
                applied=tuple(wire.get("applied", ())),
            )
        )


class Graph:
    """The steps of a checked flow with what follows from them: order, parents.

    Only a description without problems makes a Graph; every method then answers without checks.
    """

    def __init__(self, description: FlowDescription) -> None:
        """Index the steps of `description`, which has passed the checks."""
        self.start = description.start
        self.end = description.end
        self.steps: Dict[str, StepSpec] = {step.name: step for step in description.steps}
        self.parents: Dict[str, List[str]] = {name: [] for name in self.steps}
        for step in description.steps:
            for target in step.targets:
                if target != step.name:
                    self.parents[target].append(step.name)
        self.order = topological_order(self.start, self.steps)

    def descendants(self, names: Sequence[str]) -> "frozenset[str]":
        """Return the named steps with all that come after them."""
        seen = set(names)
        stack = list(names)
        while stack:
            for target in self.steps[stack.pop()].targets:
                if target not in seen:
                    seen.add(target)
                    stack.append(target)
        return frozenset(seen)


def topological_order(start: str, steps: Mapping[str, StepSpec]) -> Tuple[str, ...]:
    """Return the steps reachable from `start`, each after all of its parents but itself.

    Ties follow the order in which `self.next` names the targets.
    """
    done: Dict[str, bool] = {}
    order: List[str] = []
    stack: List[Tuple[str, bool]] = [(start, False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            order.append(name)
        elif name not in done:
            done[name] = True
            stack.append((name, True))
            # The reversed result is read backwards, so first targets are pushed first.
            stack.extend((target, False) for target in steps[name].targets if target in steps)
    return tuple(reversed(order))
