"""What a run is told besides its parameters: asked for now, or by the run that it resumes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from falaj.model.graph import FlowDescription
from falaj.version import VERSION
from falaj_control.ports.requests import (
    ISOLATION,
    LOCAL_DATASTORE,
    LOCAL_EXECUTOR,
    MAX_LOG_BYTES,
    MAX_WORKERS,
    RunRequest,
)


class RunOptions(NamedTuple):
    """The options of a run, settled; recorded with it."""

    parameters: dict[str, Any]
    decospecs: tuple[str, ...]
    max_workers: int
    max_log_bytes: int
    tags: tuple[str, ...]
    namespace: str | None
    isolation: str
    environment: str | None
    includes: tuple[str, ...]
    arguments: tuple[str, ...]
    executor: str
    datastore: str
    project: dict[str, Any] | None = None

    def seen_namespace(self, user: str) -> str | None:
        """Return the namespace that look-ups in the flow see; None for all."""
        return f"user:{user}" if self.namespace is None else self.namespace or None


def settle_options(request: RunRequest, before: Mapping[str, Any]) -> RunOptions:
    """Return the options for a request; `before` are those of the run that is resumed.

    A resumed run keeps parameters and namespace; decorators, tags and included packages are added
    to what it had.
    """
    asked: dict[str, Any] = {
        "max_workers": request.max_workers,
        "max_log_bytes": request.max_log_bytes,
        "isolation": request.isolation,
        "environment": request.environment,
        "executor": request.executor,
        "datastore": request.datastore,
    }
    default = {
        "max_workers": MAX_WORKERS,
        "max_log_bytes": MAX_LOG_BYTES,
        "isolation": ISOLATION,
        "environment": None,
        "executor": LOCAL_EXECUTOR,
        "datastore": LOCAL_DATASTORE,
    }
    chosen = {
        name: before.get(name, default[name]) if value is None else value
        for name, value in asked.items()
    }
    return RunOptions(
        parameters=dict(before.get("parameters", request.parameters)),
        decospecs=joined_decospecs(before.get("decospecs", ()), request.decospecs),
        tags=tuple(dict.fromkeys((*before.get("tags", ()), *request.tags))),
        namespace=before.get("namespace", request.namespace),
        includes=tuple(dict.fromkeys((*before.get("includes", ()), *request.includes))),
        arguments=request.arguments,
        **chosen,
    )


def joined_decospecs(before: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """Return the decorators of an earlier run and those asked for now, which replace their like."""
    if not before or not asked:
        return (*before, *asked)
    # Imported here: most runs have those of the source alone.
    from falaj.authoring.decospecs import replaced_by

    return (*(spec for spec in before if not replaced_by(spec, asked)), *asked)


def decorated(description: FlowDescription, decospecs: Sequence[str]) -> FlowDescription:
    """Return the flow with decorators from outside on its steps; raise DecoratorError."""
    if not decospecs:
        return description
    from falaj.authoring.decospecs import attach

    return attach(description, decospecs)


def system_tags(user: str, now: float, project: Mapping[str, Any] | None = None) -> tuple[str, ...]:
    """Return the tags that every run of this user, day and project has."""
    names = project or {}
    return (
        f"user:{user}",
        "runtime:local",
        f"date:{time.strftime('%Y-%m-%d', time.localtime(now))}",
        f"falaj_version:{VERSION}",
        "python_version:{}.{}.{}".format(*sys.version_info[:3]),
        *(f"project:{name}" for name in (names.get("project_name"),) if name),
        *(f"project_branch:{name}" for name in (names.get("branch_name"),) if name),
    )


def resume_command(program: str, file: str, run: int) -> str:
    """Return what a person types to resume a run."""
    if program == "falaj":
        return f"falaj resume {os.path.relpath(file)} --origin-run-id {run}"
    return f"{program} resume --origin-run-id {run}"
