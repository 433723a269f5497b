"""The decorators of flows about where runs belong, what starts them and what follows them."""

from __future__ import annotations

from typing import Any, Callable, Mapping, Optional, Sequence, TypeVar, Union, overload

from falaj.authoring.decorators import decorate, stated

Flow = TypeVar("Flow", bound=type)
# A text, a dict, or a function that gives one of them when the flow is deployed.
Event = Union[str, Mapping[str, Any], Callable[..., Any]]
UpstreamFlow = Union[str, Mapping[str, str], Callable[..., Any]]
Hook = Union[str, Callable[..., Any]]


def project(
    *,
    name: Optional[str] = None,
    branch: Optional[str] = None,
    production: Optional[bool] = None,
    **unpacked: Any,
) -> Callable[[Flow], Flow]:
    """Make the flow part of the project `name`, whose branches don't see each other.

    The branch is `user.` and the user's name; `test.` and `branch` where one is given; `prod`, or
    `prod.` and `branch`, where `production` is True. `--branch` and `--production` say it for a
    single run. Raises DecoratorError for names with more than `a-z`, `0-9` and `_`.
    """
    given = stated(name=name, branch=branch, production=production, **unpacked)
    return decorate("project", None, given)


@overload
def schedule(flow_class: Flow) -> Flow: ...


@overload
def schedule(
    *,
    cron: Optional[str] = ...,
    weekly: bool = ...,
    daily: bool = ...,
    hourly: bool = ...,
    timezone: Optional[str] = ...,
) -> Callable[[Flow], Flow]: ...


def schedule(flow_class: Optional[Any] = None, **arguments: Any) -> Any:
    """Say when a deployed flow is to run: at the times of `cron`, else weekly, hourly or daily.

    `timezone` is a name such as `Europe/Helsinki`; without it, times are UTC. It has no effect on
    runs that a person starts. Raises DecoratorError for what is no cron text or time zone.
    """
    return decorate("schedule", flow_class, arguments)


def trigger(
    *,
    event: Optional[Event] = None,
    events: Union[Sequence[Event], Callable[..., Any], None] = None,
    options: Optional[Mapping[str, Any]] = None,
    **unpacked: Any,
) -> Callable[[Flow], Flow]:
    """Say which event, or which events together, start a deployed flow.

    An event is a name, or a dict of `name` and `parameters`, which says what parameter takes which
    field of the event. Raises DecoratorError for what can't be meant.
    """
    given = stated(event=event, events=events, options=options, **unpacked)
    return decorate("trigger", None, given)


def trigger_on_finish(
    *,
    flow: Optional[UpstreamFlow] = None,
    flows: Union[Sequence[UpstreamFlow], Callable[..., Any], None] = None,
    options: Optional[Mapping[str, Any]] = None,
    **unpacked: Any,
) -> Callable[[Flow], Flow]:
    """Say which flow, or which flows together, start a deployed flow when they have succeeded.

    A flow is a name, `project.branch.Name`, or a dict of `name`, `project` and `project_branch`.
    Raises DecoratorError for what can't be meant.
    """
    given = stated(flow=flow, flows=flows, options=options, **unpacked)
    return decorate("trigger_on_finish", None, given)


def exit_hook(
    *,
    on_success: Union[Hook, Sequence[Hook], None] = None,
    on_error: Union[Hook, Sequence[Hook], None] = None,
    options: Optional[Mapping[str, Any]] = None,
    **unpacked: Any,
) -> Callable[[Flow], Flow]:
    """Call functions once a run has ended: those of `on_success`, or of `on_error`.

    A function, or its name, is called in a process of its own, with the finished run as `run` if
    it takes that. It changes nothing about the run. May be given several times. Raises
    DecoratorError for what is no function.
    """
    given = stated(on_success=on_success, on_error=on_error, options=options, **unpacked)
    return decorate("exit_hook", None, given)
