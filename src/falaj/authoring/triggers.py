"""The events and flows that start a deployed flow, as its decorators name them.

A value that is known only when the flow is deployed stands in a description as a dict with the
one key `deploy_time`, the name of the function that gives it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, cast

from falaj.authoring.functions import keep
from falaj.authoring.wording import listed, near_miss, refuse
from falaj.errors import DecoratorError

DEPLOY_TIME = "deploy_time"
_FLOW_NAME = re.compile(r"[A-Za-z0-9_]+\Z")
_AN_EVENT = "the name of an event, or a dict such as {'name': 'foo', 'parameters': {'x': 'field'}}"
_A_FLOW = (
    "the name of a flow, 'project.branch.Flow', or a dict of `name`, `project`, `project_branch`"
)
_A_MAPPING = "a dict or a list of parameters and the event's fields, such as {'alpha': 'field'}"


def deferred(value: Any) -> bool:
    """Say whether a value is known only when the flow is deployed."""
    return isinstance(value, dict) and set(cast("Dict[str, Any]", value)) == {DEPLOY_TIME}


def checked_events(given: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments of @trigger as JSON values; raise DecoratorError."""
    chosen, stated = _one_of("trigger", "event", "events", given)
    settled = _each(stated, lambda one: _event(chosen, one))
    names = [one["name"] for one in settled if not deferred(one) and not deferred(one["name"])]
    _refuse_twice("trigger", "event", names)
    written = [_plain(one) for one in settled]
    return _arguments("event", "events", chosen, stated, written, given)


def checked_flows(given: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments of @trigger_on_finish as JSON values; raise DecoratorError."""
    chosen, stated = _one_of("trigger_on_finish", "flow", "flows", given)
    settled = _each(stated, lambda one: _flow(chosen, one))
    written = [_as_written(one) for one in settled]
    _refuse_twice("trigger_on_finish", "flow", [repr(one) for one in written])
    return _arguments("flow", "flows", chosen, stated, written, given)


def events_of(attributes: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the events of a @trigger, each as `name` and `parameters` by name.

    An event, its name or its parameters may be `deferred`.
    """
    stated = attributes["event"] or attributes["events"]
    return _each(stated, lambda one: _event("events", one))


def flows_of(attributes: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Return the flows of a @trigger_on_finish, each as `flow`, `project` and `branch`.

    Project and branch are None where they are those of the flow itself; a flow may be `deferred`.
    """
    stated = attributes["flow"] or attributes["flows"]
    return _each(stated, lambda one: _flow("flows", one))


def _one_of(decorator: str, one: str, several: str, given: Mapping[str, Any]) -> Tuple[str, Any]:
    if given[one] and given[several]:
        raise DecoratorError("@{} takes `{}` or `{}`, not both.".format(decorator, one, several))
    if not given[one] and not given[several]:
        message = "@{0} needs {1} {2}, such as @{0}({2}='{3}')."
        example = "Upstream" if one == "flow" else "foo"
        article = "an" if one == "event" else "a"
        raise DecoratorError(message.format(decorator, article, one, example))
    check_json(decorator, "options", given["options"])
    chosen = one if given[one] else several
    stated: Any = _json(given[chosen])
    if chosen == several and not _is_list(stated) and not deferred(stated):
        refuse(decorator, several, "a list, such as ['one', 'two']", given[chosen])
    return chosen, stated


def check_json(decorator: str, argument: str, given: Any) -> None:
    """Raise DecoratorError for anything but a dict of JSON values."""
    try:
        text = json.dumps(given)
    except (TypeError, ValueError):
        text = ""
    if not text.startswith("{"):
        refuse(decorator, argument, "a dict of JSON values", given)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _json(value: Any) -> Any:
    """Return the value with lists for tuples and markers for functions."""
    if callable(value):
        return {DEPLOY_TIME: keep(value)}
    if isinstance(value, Mapping):
        return {key: _json(one) for key, one in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_json(one) for one in cast("Sequence[Any]", value)]
    return value


def _each(stated: Any, settle: Callable[[Any], Dict[str, Any]]) -> List[Dict[str, Any]]:
    several = cast("List[Any]", stated) if isinstance(stated, list) else [stated]
    return [one if deferred(one) else settle(one) for one in several]


def _arguments(
    one: str,
    several: str,
    chosen: str,
    stated: Any,
    written: List[Any],
    given: Mapping[str, Any],
) -> Dict[str, Any]:
    value = written if isinstance(stated, list) else written[0]
    return {one: None, several: [], chosen: value, "options": dict(given["options"])}


def _refuse_twice(decorator: str, what: str, names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            message = "@{} names the {} {} twice; keep one."
            raise DecoratorError(message.format(decorator, what, name.strip("'")))


def _event(argument: str, event: Any) -> Dict[str, Any]:
    if isinstance(event, str) and event:
        return {"name": event, "parameters": {}}
    if not isinstance(event, Mapping):
        refuse("trigger", argument, _AN_EVENT, event)
    known = cast("Mapping[str, Any]", event)
    _check_keys("trigger", argument, known, ("name", "parameters"))
    name = known["name"]
    if not deferred(name) and (not isinstance(name, str) or not name):
        refuse("trigger", argument, "events whose `name` is a text", name)
    parameters: Any = known.get("parameters") or {}
    return {"name": name, "parameters": _mapping(argument, parameters)}


def _mapping(argument: str, given: Any) -> Dict[str, Any]:
    if deferred(given):
        return cast("Dict[str, Any]", given)
    pairs: List[Any] = []
    if isinstance(given, Mapping):
        pairs = list(cast("Mapping[Any, Any]", given).items())
    elif _is_list(given):
        pairs = [(one, one) if isinstance(one, str) else one for one in given]
    else:
        refuse("trigger", argument, _A_MAPPING, given)
    found: Dict[str, str] = {}
    for pair in pairs:
        parts = cast("Sequence[Any]", pair) if isinstance(pair, (list, tuple)) else ()
        if len(parts) != 2 or not all(isinstance(part, str) and part for part in parts):
            refuse("trigger", argument, _A_MAPPING, cast("object", given))
        found[parts[0]] = parts[1]
    return found


def _flow(argument: str, flow: Any) -> Dict[str, Any]:
    found: Dict[str, Optional[str]] = {"flow": None, "project": None, "branch": None}
    name = flow
    if isinstance(flow, Mapping):
        known = cast("Mapping[str, Any]", flow)
        _check_keys("trigger_on_finish", argument, known, ("name", "project", "project_branch"))
        name = known["name"]
        for key, part in (("project", "project"), ("branch", "project_branch")):
            value = known.get(part)
            if value is not None and (not isinstance(value, str) or not value):
                refuse("trigger_on_finish", argument, "a text as `{}`".format(part), value)
            found[key] = value
        if not isinstance(name, str) or "." in name:
            refuse("trigger_on_finish", argument, "the flow's own name as `name`", name)
    if not isinstance(name, str) or name.count(".") == 1:
        refuse("trigger_on_finish", argument, _A_FLOW, cast("object", flow))
    if "." in name:
        found["project"], _, rest = name.partition(".")
        found["branch"], _, name = rest.rpartition(".")
    if not _FLOW_NAME.match(name) or "" in (found["project"], found["branch"]):
        refuse("trigger_on_finish", argument, _A_FLOW, cast("object", flow))
    found["flow"] = name
    return dict(found)


def _check_keys(
    decorator: str, argument: str, given: Mapping[Any, Any], known: Sequence[str]
) -> None:
    for key in given:
        if key not in known:
            hint = near_miss(key, known) if isinstance(key, str) else ""
            message = "@{}: `{}` takes dicts of {}, without {!r}{}."
            raise DecoratorError(message.format(decorator, argument, listed(known), key, hint))
    if "name" not in given:
        raise DecoratorError("@{}: a dict in `{}` lacks `name`.".format(decorator, argument))


def _plain(event: Dict[str, Any]) -> Any:
    # The short form, where it says the same.
    if deferred(event) or event["parameters"] or deferred(event["name"]):
        return event
    return event["name"]


def _as_written(flow: Dict[str, Any]) -> Any:
    if deferred(flow):
        return flow
    if flow["project"] is not None and flow["branch"] is not None:
        return ".".join((flow["project"], flow["branch"], flow["flow"]))
    written = {"name": flow["flow"], "project": flow["project"], "project_branch": flow["branch"]}
    found = {key: value for key, value in written.items() if value is not None}
    return found if len(found) > 1 else flow["flow"]
