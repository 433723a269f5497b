"""What decorators of a flow leave open until it is deployed, settled by whoever deploys it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, NamedTuple, Optional, Sequence, cast

from falaj.authoring.functions import kept
from falaj.authoring.options import option_attributes
from falaj.authoring.triggers import DEPLOY_TIME, deferred
from falaj.authoring.wording import failing_line, told
from falaj.errors import DecoratorError
from falaj.model.graph import DecoratorSpec, FlowDescription


class DeployContext(NamedTuple):
    """What a function is told that is called when its flow is deployed.

    The first six are those that the default functions of parameters get; project and branch are
    None for a flow without @project.
    """

    flow_name: str
    user_name: str
    parameter_name: str = ""
    logger: Callable[..., None] = print
    ds_type: str = "local"
    configs: Any = None
    project_name: Optional[str] = None
    branch_name: Optional[str] = None


def settle_deployment(
    description: FlowDescription, user: str, project: Optional[Mapping[str, Any]] = None
) -> FlowDescription:
    """Return the description with what functions give in the place of their markers.

    Works in a process that has imported the flow; `project` is what `settle_project` gave. Raises
    DecoratorError, with the user's line, where a function fails or gives what can't be meant.
    """
    names: Mapping[str, Any] = project or {}
    context = DeployContext(
        description.name,
        user,
        project_name=names.get("project_name"),
        branch_name=names.get("branch_name"),
    )
    settled = tuple(_settled(spec, context) for spec in description.decorators)
    return description._replace(decorators=settled)


def _settled(spec: DecoratorSpec, context: DeployContext) -> DecoratorSpec:
    if spec.name not in ("trigger", "trigger_on_finish"):
        return spec
    attributes = {name: _value(one, spec, context) for name, one in spec.attributes.items()}
    try:
        checked = option_attributes(spec.name, _one_or_several(attributes))
    except DecoratorError as error:
        raise DecoratorError(told(spec.file, spec.line, str(error)), spec.line) from None
    return spec._replace(attributes=checked)


def _value(value: Any, spec: DecoratorSpec, context: DeployContext) -> Any:
    if deferred(value):
        return _value(_call(str(value[DEPLOY_TIME]), spec, context), spec, context)
    if isinstance(value, dict):
        pairs = cast("Dict[str, Any]", value)
        return {key: _value(one, spec, context) for key, one in pairs.items()}
    if isinstance(value, (list, tuple)):
        several = cast("Sequence[Any]", value)
        return [_value(one, spec, context) for one in several]
    return value


def _call(name: str, spec: DecoratorSpec, context: DeployContext) -> Any:
    function = kept(name)
    if function is None:
        message = "The function `{}` of @{} is not there; import the flow's file first."
        raise DecoratorError(told(spec.file, spec.line, message.format(name, spec.name)), spec.line)
    try:
        return function(context)
    except Exception as error:
        file, line = failing_line(error, spec.file, (spec.file, spec.line))
        message = "The function `{}` of @{} failed with {}: {}".format(
            name, spec.name, type(error).__name__, error
        )
        raise DecoratorError(told(file, line, message), line) from error


def _one_or_several(attributes: Dict[str, Any]) -> Dict[str, Any]:
    # A function that was given for one may have named several.
    for one, several in (("event", "events"), ("flow", "flows")):
        if isinstance(attributes.get(one), list):
            return {**attributes, one: None, several: attributes[one]}
        if several in attributes and not isinstance(attributes[several], list):
            return {**attributes, several: [attributes[several]]}
    return attributes
