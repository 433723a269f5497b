"""What a spin is made of: one task of an earlier run, to be executed on the same inputs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from falaj.errors import FalajException
from falaj.home import spin_home
from falaj.model.graph import FlowDescription, Graph
from falaj_control.plan.single import SingleTaskPlanner, only_step
from falaj_control.ports.preparing import ENVIRONMENT_DECORATORS
from falaj_control.ports.requests import SpinRequest
from falaj_control.records.database import open_records, unavailable
from falaj_control.records.origins import OriginRun, look_before, read_origin_environments
from falaj_control.records.replays import Replay, replay_of
from falaj_control.settings import Settings

# What makes the step run as it would; the others are about what comes before, after or around it.
HONOURED = ENVIRONMENT_DECORATORS | {"environment", "project", "timeout", "card"}


class SpinRefused(FalajException):
    """A step that can't be spun."""

    headline = "Can't spin"


@dataclass(frozen=True)
class Spin:
    """One spin about to start: the settings of its records, and the task with its run."""

    request: SpinRequest
    settings: Settings
    origin: OriginRun
    replay: Replay

    def trimmed(self, description: FlowDescription) -> FlowDescription:
        """Return the flow with the one step, and with those decorators alone that are honoured."""
        kept = frozenset[str]() if self.request.bare else HONOURED
        trimmed = only_step(description, self.replay.task.step)
        steps = tuple(
            step._replace(decorators=tuple(d for d in step.decorators if d.name in kept))
            for step in trimmed.steps
        )
        outer = tuple(d for d in trimmed.decorators if d.name in kept)
        return trimmed._replace(steps=steps, decorators=outer)

    def planner(self, graph: Graph) -> SingleTaskPlanner:
        """Return the plan."""
        replay = self.replay
        reason = f"spins {replay.pathspec}"
        return SingleTaskPlanner(graph, replay.task.step, replay.inputs, replay.frames, reason)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the task's process has to know of the spin."""
        return {
            "home": self.settings.home.root,
            "origin": self.replay.pathspec,
            "artifacts": self.request.artifacts,
            "persist": self.request.persist,
        }

    @property
    def record(self) -> Mapping[str, Any]:
        """What is recorded of the spin: its facts, and the digests of all that it starts from.

        Naming these keeps them in the store, whatever becomes of the run meanwhile.
        """
        replay = self.replay
        manifests = [one.manifest for one in replay.inputs]
        values = [frame.values for frame in replay.frames if frame.values]
        return {**self.facts, "starts_from": [replay.run.parameters, *manifests, *values]}


def prepare_spin(
    settings: Settings, request: SpinRequest, description: FlowDescription, now: float
) -> Spin:
    """Look up what is to be spun; raise SpinRefused or FalajNotFound where that can't be."""
    replay = replay_of(settings.home, request.run, request.task)
    _check(description, replay)
    home = spin_home(settings.home)
    look_before(home, None, now)
    connection = open_records(settings.home)
    try:
        environments = read_origin_environments(connection, request.run)
    except sqlite3.Error as error:
        raise unavailable(settings.home, error) from error
    finally:
        connection.close()
    run = replay.run
    origin = OriginRun(run.id, run.parameters, run.options, {}, environments)
    return Spin(request, replace(settings, home=home), origin, replay)


def _check(description: FlowDescription, replay: Replay) -> None:
    step = description.step(replay.task.step)
    if step.decorator("parallel") is not None:
        raise SpinRefused(
            f"Step {step.name} has @parallel: its tasks run together, so one alone can't be spun."
        )
    joined = replay.task.parents != () and _was_join(replay)
    if replay.task.parents and joined != step.is_join:
        was, now = ("a join", "none") if joined else ("no join", "one")
        raise SpinRefused(
            f"Step {step.name} was {was} in run {replay.run.id} and is {now} now, so its inputs "
            "don't fit. Run the flow anew."
        )


def _was_join(replay: Replay) -> bool:
    steps: list[dict[str, Any]] = list(replay.run.graph.get("steps", ()))
    return any(one["name"] == replay.task.step and one.get("is_join") for one in steps)
