"""Falaj: data-science workflows as Python classes, versioned, resumable and inspectable."""

from falaj.authoring.decorators import catch, environment, resources, retry, timeout
from falaj.authoring.flowspec import FlowSpec
from falaj.authoring.parameters import IncludeFile, JSONType, Parameter
from falaj.authoring.steps import step
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
from falaj.runtime.current import current
from falaj.version import VERSION as __version__

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
    "current",
    "default_namespace",
    "environment",
    "get_namespace",
    "namespace",
    "resources",
    "retry",
    "step",
    "timeout",
]
