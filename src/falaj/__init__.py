"""Falaj: data-science workflows as Python classes, versioned, resumable and inspectable."""

from typing import TYPE_CHECKING, Any, List

from falaj.authoring.decorators import catch, environment, resources, retry, timeout
from falaj.authoring.entry import set_grapher, set_launcher
from falaj.authoring.environments import conda, conda_base, pypi, pypi_base, uv, uv_base
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.parameters import IncludeFile, JSONType, Parameter
from falaj.authoring.steps import step
from falaj.runtime.current import current
from falaj.version import VERSION as __version__

if TYPE_CHECKING:
    from falaj.authoring.carddecorator import card
    from falaj.authoring.configs import Config
    from falaj.authoring.configvalues import ConfigValue
    from falaj.authoring.custom_environment import custom_environment
    from falaj.authoring.delayed import config_expr
    from falaj.authoring.flow_decorators import (
        exit_hook,
        project,
        schedule,
        trigger,
        trigger_on_finish,
    )
    from falaj.authoring.gangs import parallel, pytorch_parallel
    from falaj.authoring.mutable import MutableFlow, MutableStep
    from falaj.authoring.mutators import ContentType, FlowMutator, StepMutator
    from falaj.authoring.packagesources import package_sources, package_suffixes
    from falaj.authoring.parsers import (
        conda_environment_yml_parser,
        pyproject_toml_parser,
        requirements_txt_parser,
        toml_parser,
        yaml_parser,
    )
    from falaj.authoring.secrets import secrets
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
        MetaflowEvent,
        Run,
        Step,
        Task,
        Trigger,
        default_metadata,
        default_namespace,
        get_metadata,
        get_namespace,
        inspect_spin,
        metadata,
        namespace,
    )
    from falaj.durations import profile
    from falaj.multicore import parallel_imap_unordered, parallel_map
    from falaj.runner import (
        DeployedFlow,
        Deployer,
        DeployerImpl,
        ExecutingRun,
        ExecutingTask,
        NBDeployer,
        NBRunner,
        Runner,
        TriggeredRun,
    )
    from falaj.runtime.events import namespaced_event_name
    from falaj.runtime.secrets import get_secret

__all__ = [
    "USER_SKIP_STEP",
    "Artifact",
    "Config",
    "ConfigValue",
    "ContentType",
    "DataArtifact",
    "DeployedFlow",
    "Deployer",
    "DeployerImpl",
    "ExecutingRun",
    "ExecutingTask",
    "Falaj",
    "Flow",
    "FlowMutator",
    "FlowSpec",
    "IncludeFile",
    "JSONType",
    "Metaflow",
    "MetaflowEvent",
    "MutableFlow",
    "MutableStep",
    "NBDeployer",
    "NBRunner",
    "Parameter",
    "Run",
    "Runner",
    "Step",
    "StepMutator",
    "Task",
    "Trigger",
    "TriggeredRun",
    "UserStepDecorator",
    "__version__",
    "card",
    "catch",
    "conda",
    "conda_base",
    "conda_environment_yml_parser",
    "config_expr",
    "current",
    "custom_environment",
    "default_metadata",
    "default_namespace",
    "environment",
    "exit_hook",
    "get_metadata",
    "get_namespace",
    "get_secret",
    "inspect_spin",
    "metadata",
    "namespace",
    "namespaced_event_name",
    "package_sources",
    "package_suffixes",
    "parallel",
    "parallel_imap_unordered",
    "parallel_map",
    "profile",
    "project",
    "pypi",
    "pypi_base",
    "pyproject_toml_parser",
    "pytorch_parallel",
    "requirements_txt_parser",
    "resources",
    "retry",
    "schedule",
    "secrets",
    "step",
    "timeout",
    "toml_parser",
    "trigger",
    "trigger_on_finish",
    "user_step_decorator",
    "uv",
    "uv_base",
    "yaml_parser",
]


# Where the names are that are loaded when one is first asked for: a flow file that only defines a
# flow, and each task that runs it, does without.
_LATE = {
    "falaj.authoring.carddecorator": ("card",),
    "falaj.authoring.flow_decorators": (
        "exit_hook",
        "project",
        "schedule",
        "trigger",
        "trigger_on_finish",
    ),
    "falaj.authoring.gangs": ("parallel", "pytorch_parallel"),
    "falaj.authoring.configs": ("Config",),
    "falaj.authoring.configvalues": ("ConfigValue",),
    "falaj.authoring.custom_environment": ("custom_environment",),
    "falaj.authoring.delayed": ("config_expr",),
    "falaj.authoring.mutable": ("MutableFlow", "MutableStep"),
    "falaj.authoring.mutators": ("ContentType", "FlowMutator", "StepMutator"),
    "falaj.authoring.packagesources": ("package_sources", "package_suffixes"),
    "falaj.authoring.parsers": (
        "conda_environment_yml_parser",
        "pyproject_toml_parser",
        "requirements_txt_parser",
        "toml_parser",
        "yaml_parser",
    ),
    "falaj.authoring.secrets": ("secrets",),
    "falaj.authoring.userdecorators": (
        "USER_SKIP_STEP",
        "UserStepDecorator",
        "user_step_decorator",
    ),
    "falaj.durations": ("profile",),
    "falaj.multicore": ("parallel_imap_unordered", "parallel_map"),
    "falaj.runner": (
        "DeployedFlow",
        "Deployer",
        "DeployerImpl",
        "ExecutingRun",
        "ExecutingTask",
        "NBDeployer",
        "NBRunner",
        "Runner",
        "TriggeredRun",
    ),
    "falaj.runtime.events": ("namespaced_event_name",),
    "falaj.runtime.secrets": ("get_secret",),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError("module 'falaj' has no attribute {!r}".format(name))
    from importlib import import_module

    place = next((place for place, names in _LATE.items() if name in names), "falaj.client")
    return getattr(import_module(place), name)


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})


def _launch(flow_class: type) -> None:
    from falaj.runtime.launch import main

    main(flow_class)


def _graph(flow_class: type) -> Any:
    from falaj.authoring.flowgraph import FlowGraph

    return FlowGraph(flow_class)


set_launcher(_launch)
set_grapher(_graph)
