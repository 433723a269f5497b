"""What shapes a flow from outside of its source, on its way from the command line to all hosts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence

from falaj.errors import ConfigUsage, FalajException
from falaj.model.graph import ConfigSpec

if TYPE_CHECKING:
    from falaj.authoring.shape import Shape

# The modules whose objects shape a flow; without them nothing in its source does.
_SHAPERS = ("falaj.authoring.configs", "falaj.authoring.delayed", "falaj.authoring.custom")
# Decorators for all steps may come with these words; a resumed run keeps those that it had.
_WORDS = ("--with", "resume")
DEFAULT_DECOSPECS = "FALAJ_DEFAULT_DECOSPECS"


def must_ask(flow_class: type, arguments: Sequence[str]) -> bool:
    """Say whether the command line may have a say in what the flow is."""
    if os.environ.get(DEFAULT_DECOSPECS):
        return True
    if any(word in _WORDS or word.startswith("--with=") for word in arguments):
        return True
    if _SHAPERS[0] not in sys.modules:
        return False
    # Imported here: only flows whose file knows configs need it.
    from falaj.authoring.shaping import configs_of

    return bool(configs_of(flow_class))


def shape_of(flow_class: type, file: str, told: Mapping[str, Any]) -> "Optional[Shape]":
    """Return the flow's shape, or None where nothing but its source makes it.

    `told` is what control or the launcher has to say: files, values, known, decospecs, user.
    """
    decospecs = told.get("decospecs", ())
    if not decospecs and not any(name in sys.modules for name in _SHAPERS):
        return None
    # Imported here: most flows are what their source says.
    from falaj.authoring.configreading import GivenConfigs
    from falaj.authoring.shaping import Given, configs_of, needs_shape, shape_flow

    if told.get("problem") and configs_of(flow_class):
        raise ConfigUsage(str(told["problem"]))
    if not needs_shape(flow_class) and all(map(_is_built_in, decospecs)):
        return None
    known = {spec["name"]: ConfigSpec(**spec) for spec in told.get("known", ())}
    configs = GivenConfigs(told.get("files", {}), told.get("values", {}), known)
    return shape_flow(flow_class, Given(configs, tuple(decospecs), told.get("user", ""), file))


def wire_form(shape: "Shape", told: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what a further host is told, so that it makes the same shape without reading files."""
    known = [dict(spec._asdict()) for spec in shape.config_specs]
    return {"known": known, "decospecs": list(told.get("decospecs", ()))}


def problem_of(error: FalajException, describe: Callable[[BaseException], str]) -> str:
    """Return an error as a sentence, with the user's own frames where their code has failed."""
    cause = error.__cause__
    return str(error) if cause is None else "{}\n{}".format(error, describe(cause).rstrip())


def _is_built_in(decospec: str) -> bool:
    from falaj.authoring.options import OPTIONS

    return decospec.strip().partition(":")[0].strip() in OPTIONS
