"""Options before the command that belong to decorators of the flow: projects and triggers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource

from falaj.authoring.projects import AskedBranch, name_fault
from falaj.authoring.wording import listed
from falaj.model import states
from falaj.model.graph import DecoratorSpec, FlowDescription

_FROM_VARIABLE = (ParameterSource.ENVIRONMENT, ParameterSource.DEFAULT)


def flow_options() -> list[click.Parameter]:
    """Return the options of flows with @project, and of those with @trigger_on_finish."""
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
        click.Option(
            ["--trigger"],
            multiple=True,
            metavar="FLOW/RUN",
            envvar=_variables("TRIGGER"),
            help="Let the run know itself started by this one, which the flow's "
            "@trigger_on_finish waits for. May be repeated.",
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


def asked_trigger(
    description: FlowDescription | None, paths: Sequence[str]
) -> tuple[Mapping[str, Any], ...]:
    """Return the events that the named runs are; raise UsageError or FalajNotFound."""
    spec = description.decorator("trigger_on_finish") if description is not None else None
    if spec is None:
        _refuse_typed("trigger", "@trigger_on_finish", "@trigger_on_finish(flow='Upstream')")
        return ()
    events = [event for path in dict.fromkeys(paths) for event in _end_events(spec, path)]
    return tuple(sorted(events, key=lambda event: event["timestamp"], reverse=True))


def _end_events(spec: DecoratorSpec, path: str) -> list[dict[str, Any]]:
    flow, _, run = path.partition("/")
    if not flow or not run or "/" in run:
        raise _bad_trigger(f"{path!r} names no run; write it as FLOW/RUN, such as Upstream/12.")
    # Imported here: few runs have a trigger.
    from falaj.authoring.triggers import deferred, flows_of
    from falaj.client.access import Access
    from falaj.client.resolve import find_run
    from falaj.client.triggers import events_of_run

    waited = flows_of(spec.attributes)
    names = [str(one["flow"]) for one in waited if not deferred(one)]
    # What a function will name once the flow is deployed can't be known now.
    if len(names) == len(waited) and flow not in names:
        raise _bad_trigger(f"the flow waits for {listed(names)}, not for `{flow}`.")
    facts = find_run(Access(), flow, run)
    record = facts.record
    ends = facts.access.reader.tasks(record.id, facts.end)
    if record.state not in states.RUN_SUCCESSFUL or not ends:
        raise _bad_trigger(f"{path} has not succeeded ({states.TITLES[record.state]}).")
    return events_of_run(flow, f"{flow}/{record.id}/{facts.end}/{ends[-1].id}", record.finished_at)


def _bad_trigger(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="'--trigger'")


def _variables(name: str) -> list[str]:
    return [f"FALAJ_FLOW_{name}", f"FALAJ_{name}"]


def _refuse_typed(option: str, decorator: str, example: str) -> None:
    # A variable may be meant for other flows that are started from the same place.
    source = click.get_current_context().get_parameter_source(option)
    if source not in _FROM_VARIABLE:
        raise click.UsageError(
            f"--{option} is for flows with {decorator}; put {example} above the flow's class."
        )
