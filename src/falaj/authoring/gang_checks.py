"""The checks on gangs: how a step with `@parallel` is reached, and what has to follow it."""

from __future__ import annotations

from typing import Iterator

from falaj.authoring.draft import Draft, DraftStep, Problem
from falaj.authoring.wording import listed
from falaj.model.graph import GANG_DECORATORS, LINEAR, PARALLEL, DecoratorSpec


def check_gangs(draft: Draft) -> Iterator[Problem]:
    """num_parallel leads to @parallel, nothing else does, and a join follows."""
    steps = draft.by_name
    for step in draft.steps:
        call = step.last_call
        if call is not None and call.kind == PARALLEL and not _marks(steps[call.targets[0]]):
            message = (
                "Step `{0}` starts a gang of `{1}`, which lacks @parallel; put it above `{1}`."
            )
            text = message.format(step.name, call.targets[0])
            yield Problem(text, step.file, call.line)
        for mark in _marks(step)[:1]:
            yield from _gang_problems(draft, step, mark)


def _gang_problems(draft: Draft, step: DraftStep, mark: DecoratorSpec) -> Iterator[Problem]:
    place = step.file, mark.line or step.line
    steps, call = draft.by_name, step.last_call
    if len(_marks(step)) > 1:
        names = listed("@" + one.name for one in _marks(step))
        yield Problem("Step `{}` has {}; keep one.".format(step.name, names), *place)
    if step.is_join:
        message = "Step `{}` can't have @{} and join; start the gang in a step after it."
        yield Problem(message.format(step.name, mark.name), *place)
    elif call is None or call.kind != LINEAR or not steps[call.targets[0]].is_join:
        message = (
            "Step `{}` has @{}, so what follows it must be one join; let it go on to a step that "
            "takes (self, inputs)."
        )
        yield Problem(message.format(step.name, mark.name), *place)
    parents = [one for one in draft.steps if step.name in one.targets]
    others = [one.name for one in parents if one.last_call and one.last_call.kind != PARALLEL]
    if others or not parents:
        message = (
            "Step `{0}` has @{1}, but {2} without num_parallel; write "
            "self.next(self.{0}, num_parallel=4), or take @{1} away."
        )
        how = "{} {}".format(listed(others), "lead to it" if len(others) > 1 else "leads to it")
        text = message.format(step.name, mark.name, how if others else "it starts the flow")
        yield Problem(text, *place)


def _marks(step: DraftStep) -> "list[DecoratorSpec]":
    return [one for one in step.decorators if one.name in GANG_DECORATORS]
