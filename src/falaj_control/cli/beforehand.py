"""What a command line says of the flow's shape, read before there is a description of the flow."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import click

from falaj.client.access import Access
from falaj.errors import FalajException
from falaj.home import user_name
from falaj.model.records import RunRecord
from falaj_control.cli import resume
from falaj_control.cli.context import asked_decospecs
from falaj_control.cli.toplevel import top_level_options
from falaj_control.engine.options import joined_decospecs

# The variables that give configs: a JSON object of files, or of values, by name.
FILES_VARIABLE = "FALAJ_FLOW_CONFIG"
VALUES_VARIABLE = "FALAJ_FLOW_CONFIG_VALUE"
_LENIENT: dict[str, Any] = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": [],
}


def shape_from(flow: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return configs and decorators that `arguments` and variables give to a flow.

    What is wrong with the command line is left to the command itself, which tells it; what is
    wrong with a variable is returned as `problem`.
    """
    top = _parsed(top_level_options(), arguments, allow_interspersed_args=False)
    name, *rest = top.args or [""]
    earlier: Sequence[str] = ()
    answer: dict[str, Any] = {"user": user_name(os.environ)}
    if name == "resume":
        own = _parsed([*resume.own_options(), _with_option()], rest)
        origin = _origin(flow, own.params["origin_run_id"])
        if origin is not None:
            answer["known"] = list(origin.graph.get("configs", ()))
            earlier = origin.options.get("decospecs", ())
    else:
        own = _parsed([_with_option()], rest)
        answer.update(_configs(top.params))
    asked = asked_decospecs(top.params["decospecs"], own.params["decospecs"])
    answer["decospecs"] = joined_decospecs(earlier, asked)
    return answer


def _configs(values: Mapping[str, Any]) -> dict[str, Any]:
    files = {str(name): str(path) for name, path in values["config"] or ()}
    texts = {str(name): str(text) for name, text in values["config_value"] or ()}
    typed = {*files, *texts}
    told: dict[str, Any] = {}
    for variable, own in ((FILES_VARIABLE, files), (VALUES_VARIABLE, texts)):
        try:
            given = _from_variable(variable)
        except ValueError as error:
            told["problem"] = str(error)
            continue
        # What is typed counts more than what is set.
        own.update({name: value for name, value in given.items() if name not in typed})
    return {"files": files, "values": texts, **told}


def _from_variable(variable: str) -> dict[str, str]:
    text = os.environ.get(variable)
    if not text:
        return {}
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The variable {variable} is no valid JSON: {error}.") from None
    if not isinstance(given, dict):
        raise ValueError(f"The variable {variable} is a JSON object by name, not {text!r}.")
    pairs = cast("dict[str, Any]", given)
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in pairs.items()
    }


def _origin(flow: str, wanted: str | None) -> RunRecord | None:
    try:
        return resume.origin_record(Access(), flow, wanted)
    except FalajException:
        # The command itself says what is amiss.
        return None


def _with_option() -> click.Option:
    return click.Option(["--with", "decospecs"], multiple=True)


def _parsed(
    options: list[click.Parameter], arguments: Sequence[str], **settings: Any
) -> click.Context:
    command = click.Command("", params=options, context_settings={**_LENIENT, **settings})
    return command.make_context("", list(arguments), resilient_parsing=True)
