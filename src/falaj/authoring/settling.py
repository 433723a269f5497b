"""The values of a run's parameters and class constants, settled once when the run starts."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Mapping, Optional

from falaj.authoring.collect import DESCRIPTION
from falaj.authoring.configvalues import ConfigValue, flattened
from falaj.authoring.flowspec import KEY
from falaj.authoring.parameters import IncludeFile, Parameter, ParameterContext, evaluate_default
from falaj.authoring.shape import kept_shape
from falaj.authoring.taskstate import constants_of, private_values_of
from falaj.errors import ParameterError
from falaj.model.graph import FlowDescription, ParameterSpec
from falaj.store.manifests import Manifest

_declared: Dict[str, Parameter] = {}


def bind_parameters(flow_class: type, description: FlowDescription) -> None:
    """Replace each Parameter of the class by a property that reads the task's artifact.

    From here on the class can't be described anew; it keeps its description.
    """
    setattr(flow_class, DESCRIPTION, description)
    for spec in description.parameters:
        _declared[spec.attribute] = getattr(flow_class, spec.attribute)
        setattr(flow_class, spec.attribute, property(_reader(spec.attribute)))


def bind_configs(flow_class: type, description: FlowDescription) -> None:
    """Replace each Config of the class by a property that gives its value."""
    values = _configs_of(flow_class)
    for spec in description.configs:
        setattr(flow_class, spec.attribute, property(_giver(values[spec.attribute])))


def _configs_of(flow_class: type) -> Mapping[str, Any]:
    shape = kept_shape(flow_class)
    return {} if shape is None else shape.configs


def bind_private_values(flow_class: type, base: type) -> None:
    """Let each private value of the class be what a step before has assigned, if one has."""
    for name, value in private_values_of(flow_class, base).items():
        setattr(flow_class, name, _PrivateValue(name, value))


class _PrivateValue:
    """A class-level value that steps may assign, and then see instead, as with a plain class."""

    def __init__(self, name: str, value: Any) -> None:
        self._name, self._value = name, value

    def __get__(self, flow: Any, owner: Any = None) -> Any:
        state = None if flow is None else flow.__dict__.get(KEY)
        if state is None or self._name not in state.kept:
            return self._value
        # Kept with the flow object, which is asked before this one.
        value = flow.__dict__[self._name] = state.load(self._name)
        return value


def _giver(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _reader(name: str) -> Callable[[Any], Any]:
    def read(flow: Any) -> Any:
        state = flow.__dict__.get(KEY)
        if state is None:
            return _declared[name]
        loaded = state.loaded.get(name)
        if loaded is not None:
            return loaded.value
        try:
            return state.load(name)
        except KeyError:
            raise AttributeError("Parameter {} has no value here".format(name)) from None

    return read


def settle_parameters(
    flow_class: type,
    base: type,
    description: FlowDescription,
    context: Mapping[str, Any],
    origin: Optional[Manifest],
) -> Dict[str, Any]:
    """Return the values that the run's tasks start with, by attribute.

    Those that `origin`, the parameters of a resumed run, already has are left out: they stay as
    they are. Raises ParameterError.
    """
    values: Dict[str, Any] = {}
    given = context["parameters"]
    own = _configs_of(flow_class)
    configs = ConfigValue({one.name: own[one.attribute] for one in description.configs})
    for spec in description.parameters:
        if origin is not None and spec.attribute in origin.entries:
            continue
        values[spec.attribute] = _value(description, spec, given, context, configs)
    for name, value in constants_of(flow_class, base).items():
        values[name] = value
    for config in description.configs:
        if origin is None or config.attribute not in origin.entries:
            values[config.attribute] = flattened(own[config.attribute])
    return values


def _value(
    description: FlowDescription,
    spec: ParameterSpec,
    given: Mapping[str, Any],
    context: Mapping[str, Any],
    configs: ConfigValue,
) -> Any:
    declared = _declared[spec.attribute]
    if spec.name in given:
        value = given[spec.name]
    elif spec.computed_default:
        value = evaluate_default(
            declared,
            ParameterContext(
                description.name, str(context["user"]), spec.name, _log, "local", configs
            ),
        )
    else:
        value = spec.default
    if value is None:
        if spec.required:
            raise ParameterError(
                "Parameter `{0}` is required: give it as --{0} VALUE.".format(spec.name)
            )
        return None
    if isinstance(declared, IncludeFile):
        return declared.parse(declared.read(str(value)))
    if spec.separator and isinstance(value, str):
        return value.split(spec.separator)
    return value


def _log(text: str = "", *_: Any, **__: Any) -> None:
    sys.stderr.write("{}\n".format(text))
