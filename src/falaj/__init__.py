"""Falaj: data-science workflows as Python classes, versioned, resumable and inspectable."""

from typing import TYPE_CHECKING, Any, List

from falaj.authoring.decorators import catch, environment, resources, retry, timeout
from falaj.authoring.entry import set_launcher
from falaj.authoring.environments import conda, conda_base, pypi, pypi_base, uv, uv_base
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.gangs import parallel, pytorch_parallel
from falaj.authoring.parameters import IncludeFile, JSONType, Parameter
from falaj.authoring.steps import step
from falaj.runtime.current import current
from falaj.version import VERSION as __version__

if TYPE_CHECKING:
    from falaj.authoring.configs import Config
    from falaj.authoring.configvalues import ConfigValue
    from falaj.authoring.delayed import config_expr
    from falaj.authoring.mutable import MutableFlow, MutableStep
    from falaj.authoring.mutators import ContentType, FlowMutator, StepMutator
    from falaj.authoring.parsers import (
        conda_environment_yml_parser,
        pyproject_toml_parser,
        requirements_txt_parser,
        toml_parser,
        yaml_parser,
    )
    from falaj.authoring.userdecorators import (
        USER_SKIP_STEP,
        UserStepDecorator,
        user_step_decorator,
    )
    from falaj.client import (
        Artifact,
        DataArtifact,
        Falaj,
        Flow,
        Metaflow,
        Run,
        Step,
        Task,
        default_namespace,
        get_namespace,
        namespace,
    )

__all__ = [
    "USER_SKIP_STEP",
    "Artifact",
    "Config",
    "ConfigValue",
    "ContentType",
    "DataArtifact",
    "Falaj",
    "Flow",
    "FlowMutator",
    "FlowSpec",
    "IncludeFile",
    "JSONType",
    "Metaflow",
    "MutableFlow",
    "MutableStep",
    "Parameter",
    "Run",
    "Step",
    "StepMutator",
    "Task",
    "UserStepDecorator",
    "__version__",
    "catch",
    "conda",
    "conda_base",
    "conda_environment_yml_parser",
    "config_expr",
    "current",
    "default_namespace",
    "environment",
    "get_namespace",
    "namespace",
    "parallel",
    "pypi",
    "pypi_base",
    "pyproject_toml_parser",
    "pytorch_parallel",
    "requirements_txt_parser",
    "resources",
    "retry",
    "step",
    "timeout",
    "toml_parser",
    "user_step_decorator",
    "uv",
    "uv_base",
    "yaml_parser",
]


# Where the names are that flows may use and most do without.
_LATE = {
    "Config": "configs",
    "ConfigValue": "configvalues",
    "ContentType": "mutators",
    "FlowMutator": "mutators",
    "MutableFlow": "mutable",
    "MutableStep": "mutable",
    "StepMutator": "mutators",
    "USER_SKIP_STEP": "userdecorators",
    "UserStepDecorator": "userdecorators",
    "config_expr": "delayed",
    "user_step_decorator": "userdecorators",
}


def __getattr__(name: str) -> Any:
    # Loaded when one of their names is first asked for: a flow file that only defines a flow, and
    # each task that runs it, does without.
    if name.endswith("_parser") and name in __all__:
        from falaj.authoring import parsers

        return getattr(parsers, name)
    if name in _LATE:
        from importlib import import_module

        return getattr(import_module("falaj.authoring." + _LATE[name]), name)
    if name in __all__:
        from falaj import client

        return getattr(client, name)
    raise AttributeError("module 'falaj' has no attribute {!r}".format(name))


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})


def _launch(flow_class: type) -> None:
    from falaj.runtime.launch import main

    main(flow_class)


set_launcher(_launch)
