"""Decorators that come from outside of the source, as texts: `--with retry:times=4`."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, Sequence, Tuple

from falaj.authoring.decorators import on_steps
from falaj.authoring.options import OPTIONS, option_attributes
from falaj.errors import DecoratorError
from falaj.model.graph import (
    FOREACH,
    GANG_DECORATORS,
    PARALLEL,
    SWITCH,
    DecoratorSpec,
    FlowDescription,
    StepSpec,
)


def parse_decospec(spec: str) -> DecoratorSpec:
    """Return the decorator that a text such as `retry:times=4,minutes_between_retries=0` names.

    Raises DecoratorError for an unknown decorator or argument or a bad value.
    """
    name, arguments = split_decospec(spec)
    try:
        attributes = option_attributes(name, arguments)
    except DecoratorError as error:
        raise DecoratorError("In the decorator `{}`: {}".format(_shown(spec), error)) from None
    if name == "secrets":
        # Loaded only where it is asked for.
        from falaj.authoring.secret_sources import refuse_values

        refuse_values(attributes)
    if OPTIONS[name].of_flow:
        instead = on_steps(name)
        mend = "for every step write `{}`".format(instead) if instead else "write it there"
        raise DecoratorError(
            "In the decorator `{}`: @{} stands on a flow; {}.".format(_shown(spec), name, mend)
        )
    if name in GANG_DECORATORS:
        raise DecoratorError(
            "In the decorator `{}`: @{} stands in the flow, above the step that num_parallel "
            "leads to, and can't be put on every step.".format(_shown(spec), name)
        )
    return DecoratorSpec(name, attributes, from_outside=True)


def replaced_by(spec: str, others: Sequence[str]) -> bool:
    """Say whether one of `others` is about the same decorator, which a step has but once."""
    name = _name(spec)
    known = OPTIONS.get(name)
    return not (known is not None and known.repeats) and name in map(_name, others)


def _name(spec: str) -> str:
    return spec.partition(":")[0].strip()


def split_decospec(spec: str) -> "Tuple[str, Dict[str, Any]]":
    """Return the name and the arguments that a text such as `retry:times=4` gives, unchecked.

    Raises DecoratorError for an argument without a value.
    """
    name, _, rest = spec.strip().partition(":")
    arguments: Dict[str, Any] = {}
    # A comma parts two arguments only where `name=` follows: values may hold commas.
    for part in re.split(r",(?=\s*\w+\s*=)", rest) if rest.strip() else ():
        key, equals, text = part.partition("=")
        if not equals:
            raise DecoratorError(
                "In the decorator `{}`, `{}` has no value; write it as `name:argument=value`, "
                "such as `retry:times=4`.".format(spec, part.strip())
            )
        # Python 3.10 is no number: that would be 3.1.
        read = _unquoted if key.strip() == "python" else _value
        arguments[key.strip()] = read(text.strip())
    return name.strip(), arguments


def by_place_and_name(said: Mapping[str, Any]) -> "Tuple[Tuple[Any, ...], Dict[str, Any]]":
    """Return the arguments that are given by place, as in `0=x,1=y`, and those by name."""
    places = sorted((name for name in said if name.isdecimal()), key=int)
    named = {name: value for name, value in said.items() if name not in places}
    return tuple(said[place] for place in places), named


def attach(description: FlowDescription, specs: Sequence[str]) -> FlowDescription:
    """Return the description with the decorators of `specs` put on every step.

    A step keeps its own decorator of the same name, and of two specs with the same name the first
    holds. `catch` is left off steps that end in a foreach, a gang or a condition: it can't stand
    for the values, the size or the choice that are missing. What the description says to have been
    applied is passed over.
    """
    outside = [parse_decospec(spec) for spec in specs if spec not in description.applied]
    return description._replace(steps=tuple(_with(step, outside) for step in description.steps))


def _with(step: StepSpec, outside: Sequence[DecoratorSpec]) -> StepSpec:
    decorators = list(step.decorators)
    for decorator in outside:
        present = any(stands_for(other, decorator) for other in decorators)
        if not present and not (
            decorator.name == "catch" and step.kind in (FOREACH, SWITCH, PARALLEL)
        ):
            decorators.append(decorator)
    return step._replace(decorators=tuple(decorators))


def stands_for(own: DecoratorSpec, other: DecoratorSpec) -> bool:
    """Say whether what has `own` needs no `other` beside it.

    Of one that may stand several times, such as @card, only its like does.
    """
    if own.name != other.name or not OPTIONS[own.name].repeats:
        return own.name == other.name
    first, second = own.attributes, other.attributes
    if "id" not in first:
        return first == second
    return (first["type"], first["id"]) == (second["type"], second["id"])


def _value(text: str) -> Any:
    for parse in (_json, int, float):
        try:
            return parse(text)
        except ValueError:
            continue
    return text


def _json(text: str) -> Any:
    return json.loads(text.replace('\\"', '"'))


def _unquoted(text: str) -> str:
    return text.strip("\\\"'")


def _shown(spec: str) -> str:
    # Loaded only once a mistake is certain.
    from falaj.authoring.packages import without_secrets

    if spec.strip().startswith("secrets:"):
        return "secrets:…"
    return without_secrets(spec)
