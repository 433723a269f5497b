"""The options that decorators set: their names, arguments, defaults and what is valid."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Mapping, NamedTuple, cast

from falaj.authoring.wording import listed, near_miss, refuse
from falaj.errors import DecoratorError

MAX_RETRIES = 100
_LARGEST = 1e15
# Thirty years; timers count in nanoseconds, and overflow at three hundred.
_LONGEST_SECONDS = 1e9
_ENVIRONMENT_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*\Z")

Attributes = Dict[str, Any]


class Option(NamedTuple):
    """One decorator: its arguments with their defaults, and the function that checks them.

    `check` takes all arguments and returns them as JSON values; it raises DecoratorError. `of_flow`
    is for those that stand on a flow's class, the others stand on steps. One that `repeats` may
    stand several times in one place.
    """

    defaults: Mapping[str, Any]
    check: Callable[[Attributes], Attributes]
    of_flow: bool = False
    repeats: bool = False


def option_attributes(name: str, arguments: Mapping[str, Any]) -> Attributes:
    """Return the checked arguments of decorator `name`, defaults filled in, as JSON values.

    Raises DecoratorError, without a place, for an unknown decorator or argument or a bad value.
    """
    option = OPTIONS.get(name)
    if option is None:
        raise DecoratorError(
            "There is no decorator `{}`{}; there are {}.".format(
                name, near_miss(name, OPTIONS), listed(OPTIONS)
            )
        )
    for argument in arguments:
        if argument not in option.defaults:
            raise DecoratorError(
                "@{} has no argument `{}`{}; it takes {}.".format(
                    name,
                    argument,
                    near_miss(argument, option.defaults),
                    listed(option.defaults),
                )
            )
    return option.check(dict(option.defaults, **arguments))


def _number(name: str, argument: str, value: Any, wanted: str) -> Any:
    # Numbers in quotes are taken as numbers, as flows written for Metaflow have them.
    if isinstance(value, str):
        for kind in (int, float):
            try:
                value = kind(value)
                break
            except ValueError:
                continue
    # Whole numbers have no bounds in Python; what computes with these has.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < _LARGEST:
        refuse(name, argument, wanted, value)
    return value


def _amount(name: str, argument: str, value: Any) -> Any:
    wanted = "a number that is not negative"
    amount = _number(name, argument, value, wanted)
    if amount < 0:
        refuse(name, argument, wanted, value)
    return amount


def _check_retry(given: Attributes) -> Attributes:
    wanted = "a whole number from 0 to {}".format(MAX_RETRIES)
    times = _number("retry", "times", given["times"], wanted)
    if times != int(times) or not 0 <= times <= MAX_RETRIES:
        refuse("retry", "times", wanted, given["times"])
    given["times"] = int(times)
    minutes = given["minutes_between_retries"]
    given["minutes_between_retries"] = _amount("retry", "minutes_between_retries", minutes)
    seconds = given["seconds_between_retries"]
    if seconds is not None:
        given["seconds_between_retries"] = _amount("retry", "seconds_between_retries", seconds)
    backoff = _number("retry", "backoff", given["backoff"], "a factor of at least 1")
    if backoff < 1:
        refuse("retry", "backoff", "a factor of at least 1", given["backoff"])
    jitter = _number("retry", "jitter", given["jitter"], "a share from 0 to 1")
    if not 0 <= jitter <= 1:
        refuse("retry", "jitter", "a share from 0 to 1", given["jitter"])
    given["backoff"], given["jitter"] = float(backoff), float(jitter)
    return given


def _check_catch(given: Attributes) -> Attributes:
    variable = given["var"]
    if variable is not None:
        usable = isinstance(variable, str) and variable.isidentifier()
        if not usable or variable.startswith("__"):
            refuse("catch", "var", "the name of an artifact, such as 'failure'", variable)
    if not isinstance(given["print_exception"], bool):
        refuse("catch", "print_exception", "True or False", given["print_exception"])
    return given


def _check_timeout(given: Attributes) -> Attributes:
    for unit in ("seconds", "minutes", "hours"):
        given[unit] = _amount("timeout", unit, given[unit])
    if not any(given.values()):
        raise DecoratorError("@timeout needs a duration, such as @timeout(minutes=5).")
    if given["seconds"] + 60 * given["minutes"] + 3600 * given["hours"] > _LONGEST_SECONDS:
        raise DecoratorError("@timeout is longer than thirty years; leave it out for none.")
    return given


def _check_environment(given: Attributes) -> Attributes:
    if not isinstance(given["vars"], Mapping):
        refuse("environment", "vars", "a dict of names and values", given["vars"])
    variables = cast("Mapping[Any, Any]", given["vars"])
    settled: Dict[str, str] = {}
    for key, value in variables.items():
        if not isinstance(key, str) or not _ENVIRONMENT_NAME.match(key):
            wanted = "names of letters, digits, `_`, `-` and `.` that start with no digit"
            refuse("environment", "vars", wanted, key)
        if "\0" in str(value):
            refuse("environment", "vars", "values without null characters", value)
        settled[key] = str(value)
    return {"vars": settled}


def _check_resources(given: Attributes) -> Attributes:
    for argument, value in given.items():
        if value is None:
            continue
        amount = _amount("resources", argument, value)
        if argument in ("cpu", "memory") and amount == 0:
            refuse("resources", argument, "a number above 0", value)
        if argument == "gpu" and amount != int(amount):
            refuse("resources", argument, "a whole number", value)
        given[argument] = amount
    return given


def _check_pytorch(given: Attributes) -> Attributes:
    if given["master_port"] is None:
        return given
    wanted = "the number of a port, from 1 to 65535"
    port = _number("pytorch_parallel", "master_port", given["master_port"], wanted)
    if port != int(port) or not 1 <= port <= 65535:
        refuse("pytorch_parallel", "master_port", wanted, given["master_port"])
    return {"master_port": int(port)}


def _check_secrets(given: Attributes) -> Attributes:
    # Loaded only by flows with secrets.
    from falaj.authoring.secret_sources import checked_secrets

    return checked_secrets(given)


def _environment_check(name: str) -> Callable[[Attributes], Attributes]:
    def check(given: Attributes) -> Attributes:
        # Loaded only by flows whose steps have environments of their own.
        from falaj.authoring.environment_checks import checked

        return checked(name, given)

    return check


def _flow_check(name: str) -> Callable[[Attributes], Attributes]:
    def check(given: Attributes) -> Attributes:
        # Loaded only by flows that have one of these decorators.
        from falaj.authoring.flow_options import checked

        return checked(name, given)

    return check


def _check_card(given: Attributes) -> Attributes:
    # Loaded only by flows with cards.
    from falaj.authoring.card_checks import checked_card

    return checked_card(given, _amount)


def _check_custom_environment(given: Attributes) -> Attributes:
    # Loaded only by flows with environments of other packages' kinds.
    from falaj.authoring.custom_environment_checks import checked

    return checked(given)


_SOURCES: Attributes = {
    "index_url": None,
    "extra_index_urls": [],
    "find_links": [],
    "exclude_newer": None,
}
_ENVIRONMENTS: Dict[str, Attributes] = {
    "pypi": {"packages": {}, "python": None, "disabled": None, **_SOURCES, "metadata": {}},
    "conda": {
        "packages": {},
        "libraries": {},
        "python": None,
        "channels": [],
        "disabled": None,
        "environment_yml": None,
        "exclude_newer": None,
    },
    "uv": {
        "pyproject": None,
        "requirements": None,
        "script": None,
        "extras": [],
        "groups": [],
        "python": None,
        "disabled": None,
        **_SOURCES,
    },
}
_OF_FLOWS: Dict[str, Attributes] = {
    "project": {"name": None, "branch": None, "production": None},
    "schedule": {
        "cron": None,
        "weekly": False,
        "daily": True,
        "hourly": False,
        "timezone": None,
    },
    "trigger": {"event": None, "events": [], "options": {}},
    "trigger_on_finish": {"flow": None, "flows": [], "options": {}},
    "exit_hook": {"on_success": [], "on_error": [], "options": {}},
}

OPTIONS: Dict[str, Option] = {
    "retry": Option(
        {
            "times": 3,
            "minutes_between_retries": 2,
            "seconds_between_retries": None,
            "backoff": 1.0,
            "jitter": 0.0,
        },
        _check_retry,
    ),
    "catch": Option({"var": None, "print_exception": True}, _check_catch),
    "timeout": Option({"seconds": 0, "minutes": 0, "hours": 0}, _check_timeout),
    "environment": Option({"vars": {}}, _check_environment),
    "resources": Option(
        {"cpu": None, "gpu": None, "disk": None, "memory": None, "shared_memory": None},
        _check_resources,
    ),
    "secrets": Option({"sources": [], "role": None, "allow_override": False}, _check_secrets),
    "parallel": Option({}, dict),
    "pytorch_parallel": Option({"master_port": None}, _check_pytorch),
    "card": Option(
        {
            "type": "default",
            "id": None,
            "options": {},
            "timeout": 45,
            "save_errors": True,
            "customize": False,
            "refresh_interval": 5,
        },
        _check_card,
        repeats=True,
    ),
    "custom_environment": Option(
        {"kind": None, "options": {}, "python": None}, _check_custom_environment
    ),
    **{kind: Option(given, _environment_check(kind)) for kind, given in _ENVIRONMENTS.items()},
    **{
        kind + "_base": Option(given, _environment_check(kind + "_base"), of_flow=True)
        for kind, given in _ENVIRONMENTS.items()
    },
    **{
        kind: Option(given, _flow_check(kind), of_flow=True, repeats=kind == "exit_hook")
        for kind, given in _OF_FLOWS.items()
    },
}
