"""The checks that a flow passes before it runs: one function each, a sentence for each mistake."""

from __future__ import annotations

import re
from typing import Callable, Dict, Iterator, List, Tuple

from falaj.authoring.draft import Draft, DraftStep, Problem
from falaj.authoring.structure import BALANCE_CHECKS, STRUCTURE_CHECKS
from falaj.authoring.wording import listed, near_miss
from falaj.errors import ParameterError
from falaj.model.graph import FOREACH, LINEAR, PARALLEL, SWITCH

# What @catch can't stand for: how the step ends, why that is, and what to do.
_NO_CATCH = {
    FOREACH: "foreach: after a failure there are no values to go on with; start the foreach in a "
    "step after it",
    SWITCH: "condition: after a failure nothing chooses how to go on; choose in a step after it",
    PARALLEL: "gang: after a failure its size is not known; start the gang in a step after it",
}

Check = Callable[[Draft], Iterator[Problem]]
_STEP_NAME = re.compile(r"[a-z0-9][a-z0-9_]*\Z")


def problems_of(draft: Draft) -> List[Problem]:
    """Return all that is wrong with the flow, by file and line.

    Checks that need sound steps run only where these are, and those on splits only where the
    graph is sound: their problems would be echoes of the ones before.
    """
    found = list(draft.problems)
    for checks in (CHECKS, STRUCTURE_CHECKS, BALANCE_CHECKS):
        if not found:
            found = [problem for check in checks for problem in check(draft)]
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.file, problem.line))


def check_reserved_names(draft: Draft) -> Iterator[Problem]:
    """No step hides what FlowSpec gives to steps."""
    for step in draft.steps:
        if step.name in draft.reserved:
            yield _at(step, "Step `{0}` has a name that FlowSpec itself uses; rename it.")


def check_step_names(draft: Draft) -> Iterator[Problem]:
    """Step names are lower-case ASCII letters, digits and underscores."""
    for step in draft.steps:
        if not _STEP_NAME.match(step.name):
            mend = "use lower-case letters, digits and `_`, with a letter first"
            yield _at(step, "Step `{0}` can't have this name; {1}.", mend)


def check_start_and_end(draft: Draft) -> Iterator[Problem]:
    """There is exactly one start step and one end step."""
    if not draft.steps and not draft.unmarked:
        yield _of_flow(draft, "Flow `{0}` has no steps; mark its methods with @step.")
        return
    for role, chosen in (("start", draft.start), ("end", draft.end)):
        marked = [step for step in draft.steps if _is_marked(step, role)]
        if len(marked) > 1:
            names = listed(step.name for step in marked)
            message = "Steps {1} are marked @step({2}=True); keep the mark on one of them."
            yield _at(marked[-1], message, names, role)
        elif chosen is None and not _is_told(draft, role):
            yield _missing_role(draft, role)


def _is_told(draft: Draft, role: str) -> bool:
    """Say whether another check tells that the method of that name lacks @step."""
    if role not in draft.methods:
        return False
    unmarked = (name for name, _, _ in draft.unmarked)
    return role in unmarked or any(role in step.targets for step in draft.steps)


def _missing_role(draft: Draft, role: str) -> Problem:
    if role in draft.methods:
        return _of_flow(
            draft, "Flow `{0}` has no {1} step; put @step above its method `{1}`.", role
        )
    last = [step for step in draft.steps if not step.calls]
    if role == "end" and len(last) == 1:
        message = (
            "The flow has no end step; if `{0}` is meant to be it, rename it to `end` or mark it "
            "with @step(end=True), else let it go on with self.next."
        )
        return _at(last[0], message)
    message = "Flow `{0}` has no {1} step; name a step `{1}` or mark one with @step({1}=True)."
    return _of_flow(draft, message, role)


def _is_marked(step: DraftStep, role: str) -> bool:
    return step.start_mark if role == "start" else step.end_mark


def check_marks_and_names(draft: Draft) -> Iterator[Problem]:
    """A step marked as start or end has no rival of that name."""
    for role, chosen in (("start", draft.start), ("end", draft.end)):
        if chosen not in (None, role) and role in draft.by_name:
            message = "Step `{0}` is named so, but `{1}` is marked @step({2}=True); {3}."
            mend = "rename it, or take the mark away"
            yield _at(draft.by_name[role], message, chosen, role, mend)


def check_end_is_last(draft: Draft) -> Iterator[Problem]:
    """The end step leads nowhere and joins nothing."""
    if draft.end is None:
        return
    end = draft.by_name[draft.end]
    if end.calls:
        message = (
            "The end step `{}` calls self.next; take the call away, or mark the true last step "
            "with @step(end=True).".format(end.name)
        )
        yield Problem(message, end.file, end.calls[-1].line)
    if end.is_join:
        mend = "join in a step before it, and take `inputs` away here"
        yield _at(end, "The end step `{0}` can't be a join; {1}.", mend)


def check_arguments(draft: Draft) -> Iterator[Problem]:
    """Steps are plain methods that take self, and inputs if they join."""
    for step in draft.steps:
        call = step.last_call
        if step.oddity:
            mend = "a step is a plain method, def {}(self)".format(step.name)
            yield _at(step, "Step `{0}` {1}; {2}.", step.oddity, mend)
        elif step.arguments == 0:
            yield _at(step, "Step `{0}` lacks `self`; write def {0}(self).")
        elif step.arguments > 2:
            message = "Step `{0}` takes too many arguments; write def {0}(self), or {1}."
            yield _at(step, message, "def {}(self, inputs) for a join".format(step.name))
        elif step.is_join and call is not None and call.kind != LINEAR:
            verb = "choose" if call.kind == SWITCH else "split"
            yield _at(step, "Step `{0}` joins and {1}s at once; {1} in a step after it.", verb)


def check_transitions(draft: Draft) -> Iterator[Problem]:
    """Every step but the end has one self.next, as its last statement, in a known form."""
    without = [step for step in draft.steps if not step.calls]
    for step in draft.steps:
        if step.name == draft.end:
            continue
        if step.calls:
            yield from _faults(step)
        # The one step without self.next was told to be the missing end.
        elif draft.end is not None or len(without) > 1:
            yield _at(step, "Step `{0}` does not say what comes next; end it with self.next(...).")


def _faults(step: DraftStep) -> Iterator[Problem]:
    call = step.calls[0]
    message = ""
    if len(step.calls) > 1:
        call = step.calls[1]
        message = (
            "Step `{}` calls self.next on lines {}; call it once, as its last statement.".format(
                step.name, " and ".join(str(each.line) for each in step.calls)
            )
        )
    elif not call.is_last:
        message = (
            "self.next is not the last statement of step `{}`; move it to the end of the step, out "
            "of any block.".format(step.name)
        )
    elif call.fault:
        message = "self.next in step `{}` {}.".format(step.name, call.fault)
    if message:
        yield Problem(message, step.file, call.line)


def check_targets(draft: Draft) -> Iterator[Problem]:
    """self.next names steps of the flow."""
    names = draft.by_name
    told = {name for name, _, _ in draft.unmarked}
    for step in draft.steps:
        for target in step.targets:
            if target in names or target in told:
                continue
            if target in draft.methods:
                message = "Step `{0}` goes to `{1}`, which is no step; put @step above `{1}`."
                hint = ""
            else:
                message = "Step `{0}` goes to `{1}`, which is no step of the flow{2}."
                others = [name for name in names if name != step.name]
                instead = ", or go to {}".format(listed(others, "or")) if others else ""
                hint = near_miss(target, names) or "; add it{}".format(instead)
            text = message.format(step.name, target, hint)
            yield Problem(text, step.file, step.calls[-1].line)


def check_unmarked_steps(draft: Draft) -> Iterator[Problem]:
    """A method that calls self.next is a step."""
    for name, file, line in draft.unmarked:
        message = "Method `{}` calls self.next but is no step; did you forget @step above it?"
        yield Problem(message.format(name), file, line)


def check_repeated_names(draft: Draft) -> Iterator[Problem]:
    """No class defines a step twice, or a step and a parameter of one name."""
    for name, file, first, last in draft.repeated:
        message = "`{}` is defined twice, on lines {} and {}, and only the last counts; rename one."
        yield Problem(message.format(name, first, last), file, last)


def check_parameters(draft: Draft) -> Iterator[Problem]:
    """Every parameter is declared rightly, under names of its own."""
    seen: Dict[str, str] = {}
    for attribute, parameter in draft.parameters:
        file, line = parameter.file, parameter.line
        try:
            parameter.declared(attribute)
        except ParameterError as error:
            yield Problem(error.message, file, line)
            continue
        # Options spell `_` and `-` alike, and settings of the environment have no case.
        folded = parameter.name.lower().replace("-", "_")
        if folded in seen:
            message = "Parameter `{}` is specified twice (also as `{}`); rename one of them."
            yield Problem(message.format(parameter.name, seen[folded]), file, line)
        seen[folded] = attribute
        if attribute in draft.reserved:
            message = "Parameter `{}` is held by `{}`, which FlowSpec itself uses; rename it."
            yield Problem(message.format(parameter.name, attribute), file, line)


def check_catch(draft: Draft) -> Iterator[Problem]:
    """@catch stands only where the flow can go on, and keeps the exception in a free name."""
    taken = {*draft.fixed, *draft.by_name, *draft.reserved, *dict(draft.parameters)}
    for step in draft.steps:
        for decorator in step.decorators:
            if decorator.name != "catch":
                continue
            call = step.last_call
            if call is not None and call.kind in _NO_CATCH:
                message = "@catch can't stand on step `{}`, which ends in a {}."
                text = message.format(step.name, _NO_CATCH[call.kind])
                yield Problem(text, step.file, decorator.line)
            variable = decorator.attributes["var"]
            if variable in taken:
                message = "@catch(var={!r}) of step `{}` uses a name that is taken; choose another."
                yield Problem(message.format(variable, step.name), step.file, decorator.line)


CHECKS: Tuple[Check, ...] = (
    check_reserved_names,
    check_step_names,
    check_start_and_end,
    check_marks_and_names,
    check_end_is_last,
    check_arguments,
    check_transitions,
    check_targets,
    check_unmarked_steps,
    check_repeated_names,
    check_parameters,
    check_catch,
)


def _at(step: DraftStep, message: str, *values: object) -> Problem:
    return Problem(message.format(step.name, *values), step.file, step.line)


def _of_flow(draft: Draft, message: str, *values: object) -> Problem:
    return Problem(message.format(draft.name, *values), draft.file, draft.line)
