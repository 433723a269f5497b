"""Whether every split of a flow is joined again, and every join closes exactly one split."""

from __future__ import annotations

from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from falaj.authoring.draft import Draft, DraftStep, Problem
from falaj.authoring.wording import listed
from falaj.model.graph import FOREACH, PARALLEL, SPLIT


class Branch(NamedTuple):
    """One way out of a split that is not joined yet."""

    split: str
    first: str


Stack = Tuple[Branch, ...]


def unbalanced(draft: Draft, order: Tuple[str, ...]) -> Iterator[Problem]:
    """Yield what is wrong with the splits and joins of an acyclic flow, in the given order.

    What follows a wrong join is left out: its problems would only be echoes.
    """
    steps = draft.by_name
    arriving: Dict[str, List[Tuple[str, Optional[Stack]]]] = {name: [] for name in steps}
    closed: Dict[str, str] = {}
    for name in order:
        step = steps[name]
        arrivals = arriving[name]
        stacks = [stack for _, stack in arrivals if stack is not None]
        here: Optional[Stack] = () if not arrivals else None
        if arrivals and len(stacks) == len(arrivals):
            problem = _problem_at(draft, step, [parent for parent, _ in arrivals], stacks)
            if problem is not None:
                yield problem
            else:
                here = stacks[0][:-1] if step.is_join else stacks[0]
            if problem is None and step.is_join:
                split = stacks[0][-1].split
                if closed.setdefault(split, name) != name:
                    yield _two_joins(step, split, closed[split])
        elif not arrivals and step.is_join:
            yield _no_split(step)
        for target in step.targets:
            arriving[target].append((name, _along(step, target, here)))


def _along(step: DraftStep, target: str, here: Optional[Stack]) -> Optional[Stack]:
    opens = step.last_call is not None and step.last_call.kind in (SPLIT, FOREACH, PARALLEL)
    return (*here, Branch(step.name, target)) if opens and here is not None else here


def _problem_at(
    draft: Draft, step: DraftStep, parents: List[str], stacks: List[Stack]
) -> Optional[Problem]:
    if step.is_join:
        return _join_problem(draft, step, parents, stacks)
    open_splits = [stack[-1].split for stack in stacks if stack]
    if step.name == draft.end and open_splits:
        return Problem(
            "The end step `{}` is reached before the split of step `{}` is joined; lead its "
            "branches to a join, a step that takes (self, inputs), first.".format(
                step.name, open_splits[0]
            ),
            step.file,
            step.line,
        )
    # Ways that meet within one branch are alternatives of a condition: only one is taken.
    if len(set(stacks)) == 1:
        return None
    if len({stack[:-1] for stack in stacks}) > 1 or not all(stacks):
        message = "Step `{}` is reached by ways that have different splits open, from {}; {}."
        mend = "join what each way has split before they meet"
        return _at(step, message, listed(parents), mend)
    return Problem(
        "Step `{0}` follows {1}, so it must be a join; write def {0}(self, inputs).".format(
            step.name, listed(parents)
        ),
        step.file,
        step.line,
    )


def _join_problem(
    draft: Draft, step: DraftStep, parents: List[str], stacks: List[Stack]
) -> Optional[Problem]:
    if not all(stacks):
        closed = [parent for parent, stack in zip(parents, stacks) if not stack]
        if len(closed) == len(parents):
            return _no_split(step)
        message = "Join `{}` mixes {}, which is on no branch, with branches of a split; {}."
        return _at(step, message, listed(closed), "join only what one split has parted")
    splits = sorted({stack[-1].split for stack in stacks})
    if len(splits) > 1:
        message = "Join `{}` mixes branches of unrelated splits ({}); {}."
        mend = "join each split in a step of its own, inner splits first"
        return _at(step, message, "of steps " + listed(splits), mend)
    reached = {stack[-1].first for stack in stacks}
    missing = [name for name in draft.by_name[splits[0]].targets if name not in reached]
    if missing:
        message = "Join `{}` gets only a part of the split of step `{}`: {} {}."
        mend = "is missing; let every branch lead to this join"
        return _at(step, message, splits[0], "the branch of " + listed(missing), mend)
    return None


def _two_joins(step: DraftStep, split: str, other: str) -> Problem:
    message = (
        "The split of step `{1}` is joined by `{2}` and by `{0}`, so that neither may get {3}."
    )
    mend = "all of its branches; let every way lead to one join"
    return _at(step, message, split, other, mend)


def _no_split(step: DraftStep) -> Problem:
    message = "Step `{}` takes `inputs` as a join does, but no split comes before it; {}."
    return _at(step, message, "take the argument away or put a split before it")


def _at(step: DraftStep, message: str, *values: str) -> Problem:
    return Problem(message.format(step.name, *values), step.file, step.line)
