"""Options before the command that belong to decorators of the flow: its project's branch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from falaj.authoring.projects import AskedBranch, name_fault
from falaj.model.graph import FlowDescription

_FROM_VARIABLE = (ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT)


def project_options() -> list[click.Parameter]:
    """Return the options of flows with @project."""
    return [
        click.Option(
            ["--branch"],
            metavar="NAME",
            envvar=_variables("BRANCH"),
            help="Run in the branch test.NAME of the flow's @project, or in prod.NAME with "
            "--production. The variable FALAJ_BRANCH says it as well.  "
            "[default: the branch of the user]",
        ),
        click.Option(
            ["--production"],
            is_flag=True,
            envvar=_variables("PRODUCTION"),
            help="Run in the production branch of the flow's @project. The variable "
            "FALAJ_PRODUCTION says it as well.",
        ),
    ]


def asked_branch(description: FlowDescription | None, values: Mapping[str, Any]) -> AskedBranch:
    """Return what the options say of the branch; raise UsageError for what can't be done."""
    branch, production = values["branch"], bool(values["production"])
    if description is None or description.decorator("project") is None:
        _refuse_typed("branch", "@project", "@project(name='some_name')")
        _refuse_typed("production", "@project", "@project(name='some_name')")
        return AskedBranch()
    fault = name_fault(branch) if branch is not None else ""
    if fault:
        raise click.BadParameter(f"a branch {fault}.", param_hint="'--branch'")
    return AskedBranch(branch, production)


def _variables(name: str) -> list[str]:
    return [f"FALAJ_FLOW_{name}", f"FALAJ_{name}"]


def _refuse_typed(option: str, decorator: str, example: str) -> None:
    # A variable may be meant for other flows that are started from the same place.
    source = click.get_current_context().get_parameter_source(option)
    if source not in _FROM_VARIABLE:
        raise click.UsageError(
            f"--{option} is for flows with {decorator}; put {example} above the flow's class."
        )
