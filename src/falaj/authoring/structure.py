"""The checks on a flow's graph, for flows whose steps are each sound: ways in, out and around."""

from __future__ import annotations

from typing import Iterator, List, Set, Tuple

from falaj.authoring.balance import unbalanced
from falaj.authoring.draft import Draft, DraftStep, Problem
from falaj.authoring.gang_checks import check_gangs
from falaj.model.graph import FOREACH, LINEAR, PARALLEL, SWITCH, topological_order

_OPENERS = {FOREACH: "foreach", PARALLEL: "gang", SWITCH: "condition"}


def check_start_is_first(draft: Draft) -> Iterator[Problem]:
    """Nothing leads to the start step."""
    for step in draft.steps:
        if draft.start in step.targets:
            yield _at_next(
                step,
                "Step `{}` goes back to the start step `{}`, which no step can lead to; lead on "
                "to another step.",
                step.name,
                draft.start,
            )


def check_cycles(draft: Draft) -> Iterator[Problem]:
    """No step comes after itself, but for a switch that leads straight back to its own step."""
    steps = draft.by_name
    done: Set[str] = set()
    for root in steps:
        path: List[str] = []
        stack: List[Tuple[str, bool]] = [(root, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                done.add(path.pop())
                continue
            if name in done:
                continue
            path.append(name)
            stack.append((name, True))
            for target in reversed(steps[name].targets):
                if target == name and _is_switch(steps[name]):
                    continue
                if target in path:
                    loop = [*path[path.index(target) :], target]
                    # A way back to the start is told by check_start_is_first.
                    if target != draft.start:
                        yield _at_next(
                            steps[name],
                            "The steps {} form a loop; change one of their self.next calls. Only "
                            "a step that leads to itself, as a case of a condition, may repeat.",
                            " -> ".join("`{}`".format(member) for member in loop),
                        )
                elif target not in done:
                    stack.append((target, False))


def check_orphans(draft: Draft) -> Iterator[Problem]:
    """Every step is reached from the start."""
    reached = set(order_of(draft))
    for step in draft.steps:
        if step.name not in reached:
            yield Problem(
                "Step `{0}` is never reached from `{1}`; lead to it with self.next(self.{0}), or "
                "take it away.".format(step.name, draft.start),
                step.file,
                step.line,
            )


def check_balance(draft: Draft) -> Iterator[Problem]:
    """Every split is joined, and every join closes one split."""
    return unbalanced(draft, order_of(draft))


def check_splits_have_steps(draft: Draft) -> Iterator[Problem]:
    """There is a step between a split and its join, and none chooses a join by a condition."""
    steps = draft.by_name
    for step in draft.steps:
        call = step.last_call
        joins = [target for target in step.targets if steps[target].is_join]
        if call is None or call.kind == LINEAR or not joins:
            continue
        yield _at_next(
            step,
            "The {} of step `{}` goes straight to the join `{}`; put a step between them.",
            _OPENERS.get(call.kind, "split"),
            step.name,
            joins[0],
        )


def _is_switch(step: DraftStep) -> bool:
    return step.last_call is not None and step.last_call.kind == SWITCH


def order_of(draft: Draft) -> Tuple[str, ...]:
    """Return the steps reached from the start, each after all that lead to it."""
    return topological_order(
        draft.start or "", {step.name: step.spec(draft.end) for step in draft.steps}
    )


def _at_next(step: DraftStep, message: str, *values: object) -> Problem:
    line = step.calls[-1].line if step.calls else step.line
    return Problem(message.format(*values), step.file, line)


STRUCTURE_CHECKS = (check_start_is_first, check_cycles, check_orphans, check_gangs)
BALANCE_CHECKS = (check_balance, check_splits_have_steps)
