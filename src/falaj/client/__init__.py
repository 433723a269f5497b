"""Reads results: flows, runs, steps, tasks and artifacts, from a notebook, a script or a flow."""

from falaj.client.artifacts import ArtifactData, DataArtifact
from falaj.client.code import FalajCode
from falaj.client.failures import TaskException
from falaj.client.flows import Falaj, Flow
from falaj.client.homes import default_metadata, get_metadata, inspect_spin, metadata
from falaj.client.metadata import Metadata
from falaj.client.namespaces import default_namespace, get_namespace, namespace
from falaj.client.runs import Run
from falaj.client.steps import Step
from falaj.client.tasks import Task
from falaj.client.triggers import MetaflowEvent, Trigger

Metaflow = Falaj
Artifact = DataArtifact

__all__ = [
    "Artifact",
    "ArtifactData",
    "DataArtifact",
    "Falaj",
    "FalajCode",
    "Flow",
    "Metadata",
    "Metaflow",
    "MetaflowEvent",
    "Run",
    "Step",
    "Task",
    "TaskException",
    "Trigger",
    "default_metadata",
    "default_namespace",
    "get_metadata",
    "get_namespace",
    "inspect_spin",
    "metadata",
    "namespace",
]
