"""What a person asks for when a run is started, checked and ready for the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from falaj.authoring.projects import NOTHING_ASKED, AskedBranch
from falaj.model.graph import FlowDescription

MAX_WORKERS = 16
MAX_LOG_BYTES = 10 * 1024 * 1024
ISOLATION = "auto"
LOCAL_EXECUTOR = "local"
LOCAL_DATASTORE = "local"
ENVIRONMENTS = ("local", "pypi", "conda", "uv")


@dataclass(frozen=True)
class ResumeRequest:
    """Which run to take finished tasks from, and from which step to run again regardless."""

    origin: int
    step: str | None = None


@dataclass(frozen=True)
class SpinRequest:
    """Which task to execute once more: its run and number.

    With `bare`, no decorator of step or flow is honoured. `artifacts` is the absolute path of a
    Python file whose ARTIFACTS replace inputs, or None. `persist` says whether what the step
    assigns is stored.
    """

    run: int
    task: int
    bare: bool = False
    artifacts: str | None = None
    persist: bool = False


@dataclass(frozen=True)
class RunRequest:
    """One run to start.

    `parameters` holds the values given (command line or environment), by parameter name, already
    converted to JSON values by type; a name that is absent takes the flow's default. IncludeFile
    values are absolute paths. Options that are None are those of the run that is resumed, else the
    defaults. `description` already has the decorators of `decospecs` attached. `environment` is one
    of ENVIRONMENTS, or None where the decorators alone decide. With `locked`, environments come
    from the flow's lock file alone. `includes` names packages of the launching environment that
    travel into those of the steps. `branch` is what the command line says of the project's branch,
    `trigger` the events, as they are recorded, that start the run. `attribute_file` is for the
    program that started the command. `notify` names notifiers, each with its target, `executor` is
    what runs the tasks, `datastore` where blobs are kept besides the home.
    """

    description: FlowDescription
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    decospecs: tuple[str, ...] = ()
    max_workers: int | None = None
    max_log_bytes: int | None = None
    tags: tuple[str, ...] = ()
    namespace: str | None = None
    run_id_file: str | None = None
    isolation: str | None = None
    show_values: bool = False
    environment: str | None = None
    locked: bool = False
    includes: tuple[str, ...] = ()
    branch: AskedBranch = NOTHING_ASKED
    notify: tuple[str, ...] = ()
    executor: str | None = None
    datastore: str | None = None
    trigger: Sequence[Mapping[str, Any]] = ()
    resume: ResumeRequest | None = None
    spin: SpinRequest | None = None
    arguments: tuple[str, ...] = ()
    attribute_file: str | None = None
