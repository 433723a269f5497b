"""What the recorder is told: a run that starts, attempts and tasks that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from falaj.errors import FalajException
from falaj.model.orders import ErrorInfo, Transition


class LeaseLost(FalajException):
    """Somebody has declared this run lost; nothing of it may be committed any more."""

    headline = "The run was ended by another process"


class NewRun(NamedTuple):
    """What is known of a run before it starts."""

    flow: str
    user: str
    script: str
    created_at: float
    origin: int | None
    graph: Mapping[str, Any]
    options: Mapping[str, Any]
    lease: Mapping[str, Any]
    steps: tuple[str, ...]
    tags: tuple[str, ...]
    system_tags: tuple[str, ...]
    trigger: Sequence[Mapping[str, Any]] = ()


class TaskEnd(NamedTuple):
    """How a task stands after an attempt: `state` may also be retrying."""

    task: int
    state: str
    reason: str
    cause: int | None
    attempt: int
    manifest: str | None
    transition: Transition | None
    label: str


class AttemptEnd(NamedTuple):
    """How an attempt ended; `profile` is what was sampled of its processes, where anything was."""

    task: int
    number: int
    state: str
    reason: str
    exit_code: int | None
    error: ErrorInfo | None
    manifest: str | None
    usage: Mapping[str, float]
    profile: Mapping[str, Any] | None = None
