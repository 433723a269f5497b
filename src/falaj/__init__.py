"""Falaj: data-science workflows as Python classes, versioned, resumable and inspectable."""

from typing import TYPE_CHECKING, Any, List

from falaj.authoring.decorators import catch, environment, resources, retry, timeout
from falaj.authoring.entry import set_launcher
from falaj.authoring.environments import conda, conda_base, pypi, pypi_base, uv, uv_base
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.parameters import IncludeFile, JSONType, Parameter
from falaj.authoring.steps import step
from falaj.runtime.current import current
from falaj.version import VERSION as __version__

if TYPE_CHECKING:
    from falaj.authoring.parsers import (
        conda_environment_yml_parser,
        pyproject_toml_parser,
        requirements_txt_parser,
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
    from falaj.durations import profile
    from falaj.multicore import parallel_imap_unordered, parallel_map

__all__ = [
    "Artifact",
    "DataArtifact",
    "Falaj",
    "Flow",
    "FlowSpec",
    "IncludeFile",
    "JSONType",
    "Metaflow",
    "Parameter",
    "Run",
    "Step",
    "Task",
    "__version__",
    "catch",
    "conda",
    "conda_base",
    "conda_environment_yml_parser",
    "current",
    "default_namespace",
    "environment",
    "get_namespace",
    "namespace",
    "parallel_imap_unordered",
    "parallel_map",
    "profile",
    "pypi",
    "pypi_base",
    "pyproject_toml_parser",
    "requirements_txt_parser",
    "resources",
    "retry",
    "step",
    "timeout",
    "uv",
    "uv_base",
]


def __getattr__(name: str) -> Any:
    # Loaded when one of their names is first asked for: a flow file that only defines a flow, and
    # each task that runs it, does without.
    if name.endswith("_parser") and name in __all__:
        from falaj.authoring import parsers

        return getattr(parsers, name)
    if name.startswith("parallel_"):
        from falaj import multicore

        return getattr(multicore, name)
    if name == "profile":
        from falaj.durations import profile

        return profile
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
