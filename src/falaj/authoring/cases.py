"""The cases of a switch as values: those of a config are looked up on the flow's class."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple, cast

from falaj.authoring.draft import DraftStep, Problem
from falaj.authoring.parameters import Parameter
from falaj.model.graph import SWITCH, Case

_MISSING = object()


def settle_cases(
    flow_class: type, step: DraftStep, configs: Mapping[str, Any]
) -> Tuple[DraftStep, List[Problem]]:
    """Return the step with the value of each of its cases, and what is wrong with them.

    `configs` holds the values of the flow's configs by attribute.
    """
    call = step.last_call
    if call is None or call.kind != SWITCH:
        return step, []
    problems: List[str] = []
    cases: List[Case] = []
    seen: Dict[Any, Case] = {}
    for case in call.cases:
        settled = case
        if case.written:
            value = _looked_up(flow_class, configs, case.written)
            if not isinstance(value, (str, int, float)):
                problems.append(_unknown(flow_class, case.written, value))
                continue
            settled = case._replace(value=value)
        if settled.value in seen:
            problems.append(_twice(seen[settled.value], settled))
        seen[settled.value] = settled
        cases.append(settled)
    told = ["self.next in step `{}` {}.".format(step.name, text) for text in problems]
    settled_call = call._replace(cases=tuple(cases))
    return (
        step._replace(calls=(*step.calls[:-1], settled_call)),
        [Problem(text, step.file, call.line) for text in told],
    )


def _looked_up(flow_class: type, configs: Mapping[str, Any], written: str) -> Any:
    """Return the value that `config.key` has on the flow's class, known before any run."""
    name, _, key = written.partition(".")
    value = configs[name] if name in configs else getattr(flow_class, name, _MISSING)
    if value is _MISSING or isinstance(value, Parameter):
        return value
    if isinstance(value, Mapping):
        return cast("Mapping[Any, Any]", value).get(key, _MISSING)
    return getattr(value, key, _MISSING)


def _unknown(flow_class: type, written: str, value: Any) -> str:
    name = written.partition(".")[0]
    if isinstance(value, Parameter):
        return "takes a case from the parameter `{}`, which is known only in a run; {}".format(
            name, "compare it in the step, and give the outcome as the condition"
        )
    if value is not _MISSING:
        return "takes a case from self.{}, which is a {}; a case is a text, number or truth".format(
            written, type(value).__name__
        )
    what = (
        "no value" if hasattr(flow_class, name) else "no config `{}`, and so no value".format(name)
    )
    return "takes a case from self.{}, but the flow has {} of that name".format(written, what)


def _twice(first: Case, second: Case) -> str:
    if first.value is second.value or repr(first.value) == repr(second.value):
        return "has the case {!r} twice; keep one".format(first.value)
    return "has the cases {!r} and {!r}, which are equal to Python; keep one".format(
        first.value, second.value
    )
