"""A flow as its classes and sources show it, before anything is known to be right with it."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from falaj.authoring.parameters import Parameter
from falaj.authoring.wording import Problem
from falaj.model.graph import END, LINEAR, Case, DecoratorSpec, StepSpec

__all__ = ["Draft", "DraftStep", "NextCall", "Problem"]


class NextCall(NamedTuple):
    """One call of `self.next`; `fault` says what is wrong with its form, if anything is.

    `is_last` tells whether it is the last statement of its step. `num_parallel` is set where the
    source says the size of a gang.
    """

    line: int
    kind: str
    targets: Tuple[str, ...]
    foreach: Optional[str]
    fault: str
    is_last: bool
    condition: Optional[str] = None
    cases: Tuple[Case, ...] = ()
    num_parallel: Optional[int] = None


class DraftStep(NamedTuple):
    """One step as found; `arguments` counts those with a place, `self` among them.

    `oddity` names what keeps its function from being a plain one (async, a generator, ...).
    """

    name: str
    file: str
    line: int
    doc: str
    arguments: int
    oddity: str
    calls: Tuple[NextCall, ...]
    decorators: Tuple[DecoratorSpec, ...]
    start_mark: bool
    end_mark: bool

    @property
    def last_call(self) -> Optional[NextCall]:
        """The call that ends the step, where one does and its form is right."""
        call = self.calls[-1] if self.calls else None
        return call if call is not None and call.is_last and not call.fault else None

    @property
    def targets(self) -> Tuple[str, ...]:
        """The steps that come next, as far as the source tells."""
        return self.last_call.targets if self.last_call is not None else ()

    @property
    def is_join(self) -> bool:
        """Whether the step takes the inputs of a join."""
        return self.arguments == 2

    def spec(self, end: Optional[str]) -> StepSpec:
        """Return the step as plain values, in a flow whose last step is `end`."""
        call = self.last_call
        kind = END if self.name == end else (call.kind if call is not None else LINEAR)
        return StepSpec(
            name=self.name,
            kind=kind,
            targets=self.targets,
            foreach=call.foreach if call is not None else None,
            is_join=self.is_join,
            decorators=self.decorators,
            doc=self.doc,
            file=self.file,
            line=self.line,
            condition=call.condition if call is not None else None,
            cases=call.cases if call is not None else (),
            num_parallel=call.num_parallel if call is not None else None,
        )


class Draft(NamedTuple):
    """One flow as found; `unmarked` holds (name, file, line) of methods that lack `@step`.

    `methods` names all methods that are no steps, and `fixed` what the class sets and no step can
    assign; `repeated` holds (name, file, first line, last line) of what one class defines twice;
    `problems` is what collecting found.
    """

    name: str
    file: str
    line: int
    doc: str
    steps: Tuple[DraftStep, ...]
    parameters: Tuple[Tuple[str, Parameter], ...]
    unmarked: Tuple[Tuple[str, str, int], ...]
    methods: "frozenset[str]"
    fixed: "frozenset[str]"
    reserved: "frozenset[str]"
    repeated: Tuple[Tuple[str, str, int, int], ...]
    problems: Tuple[Problem, ...]

    @property
    def by_name(self) -> Dict[str, DraftStep]:
        """The steps by name."""
        return {step.name: step for step in self.steps}

    @property
    def start(self) -> Optional[str]:
        """The first step, if exactly one can be it."""
        return self._only("start", [step.name for step in self.steps if step.start_mark])

    @property
    def end(self) -> Optional[str]:
        """The last step, if exactly one can be it."""
        return self._only("end", [step.name for step in self.steps if step.end_mark])

    def _only(self, name: str, marked: List[str]) -> Optional[str]:
        if len(self.steps) == 1 and not self.steps[0].calls:
            return self.steps[0].name
        if marked:
            return marked[0] if len(marked) == 1 else None
        return name if name in self.by_name else None
