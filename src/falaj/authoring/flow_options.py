"""The checks on the arguments of flow decorators: projects, schedules, triggers and exit hooks."""

from __future__ import annotations

import re
import sys
from typing import Any, Callable, Dict, List, Mapping, Sequence, cast

from falaj.authoring.cron import parse_cron
from falaj.authoring.functions import keep
from falaj.authoring.projects import name_fault
from falaj.authoring.triggers import check_json, checked_events, checked_flows
from falaj.authoring.wording import near_miss, refuse
from falaj.errors import DecoratorError

Attributes = Dict[str, Any]
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*\Z")
_FUNCTION_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")


def checked(name: str, given: Attributes) -> Attributes:
    """Return the arguments of flow decorator `name` as JSON values; raise DecoratorError."""
    return _CHECKS[name](given)


def _check_project(given: Attributes) -> Attributes:
    if not given["name"]:
        raise DecoratorError("@project needs a name, such as @project(name='some_name').")
    for argument in ("name", "branch"):
        fault = name_fault(given[argument]) if given[argument] is not None else ""
        if fault:
            raise DecoratorError("@project: `{}` {}.".format(argument, fault))
    if given["production"] not in (None, True, False):
        refuse("project", "production", "True or False", given["production"])
    return {**given, "name": str(given["name"])}


def _check_schedule(given: Attributes) -> Attributes:
    for argument in ("weekly", "daily", "hourly"):
        if not isinstance(given[argument], bool):
            refuse("schedule", argument, "True or False", given[argument])
    cron, timezone = given["cron"], given["timezone"]
    if cron is not None:
        if not isinstance(cron, str):
            refuse("schedule", "cron", "a text such as '0 6 * * *'", cron)
        try:
            parse_cron(cron)
        except ValueError as error:
            message = "@schedule: `cron` can't be {!r}: {}.".format(cron, error)
            raise DecoratorError(message) from None
    if timezone is not None:
        _check_zone(timezone)
    return given


def _check_zone(zone: Any) -> None:
    if not isinstance(zone, str) or not _ZONE.match(zone):
        refuse("schedule", "timezone", "a name such as 'Europe/Helsinki'", zone)
    if sys.version_info < (3, 9):
        return
    # Imported here: few flows have a schedule, and fewer a zone.
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(zone)
    except Exception:
        known = available_timezones()
        # A machine may know no zones at all; what deploys the flow checks them again.
        if known:
            hint = near_miss(zone, known)
            message = "@schedule: there is no time zone {!r}{}.".format(zone, hint)
            raise DecoratorError(message) from None


def _check_exit_hook(given: Attributes) -> Attributes:
    hooks = {argument: _hooks(argument, given[argument]) for argument in ("on_success", "on_error")}
    if not any(hooks.values()):
        raise DecoratorError(
            "@exit_hook needs functions, such as @exit_hook(on_error=[notify]), in `on_success`, "
            "`on_error` or both."
        )
    check_json("exit_hook", "options", given["options"])
    return {**hooks, "options": dict(given["options"])}


def _hooks(argument: str, given: Any) -> List[str]:
    single = callable(given) or isinstance(given, str)
    if not single and not isinstance(given, (list, tuple)):
        refuse("exit_hook", argument, "a list of functions", given)
    several: Sequence[Any] = [given] if single else cast("Sequence[Any]", given)
    found: List[str] = []
    for hook in several:
        if isinstance(hook, str) and _FUNCTION_NAME.match(hook):
            found.append(hook)
        elif callable(hook):
            found.append(keep(hook))
        else:
            refuse("exit_hook", argument, "functions or their names", hook)
    return found


_CHECKS: Mapping[str, Callable[[Attributes], Attributes]] = {
    "project": _check_project,
    "schedule": _check_schedule,
    "trigger": checked_events,
    "trigger_on_finish": checked_flows,
    "exit_hook": _check_exit_hook,
}
