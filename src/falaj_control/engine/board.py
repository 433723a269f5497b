"""How far each step of a run has come, for those who watch and for the records of steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from falaj.model import states
from falaj.model.graph import Graph
from falaj_control.engine.active import StepCount
from falaj_control.plan.planner import Planner
from falaj_control.ports.watching import StepProgress
from falaj_control.records.recorder import Recorder


class Board:
    """Counts tasks by step and state."""

    def __init__(self, graph: Graph, planner: Planner, recorder: Recorder) -> None:
        """Count for the steps of `graph`, in their order."""
        self._graph = graph
        self._planner = planner
        self._recorder = recorder
        self.counts = {step: StepCount() for step in graph.order}
        self._started: set[str] = set()
        self._tolerated_before = 0
        self._preparing: dict[str, str] = {}
        self.changed = True

    def preparing(self, steps: tuple[str, ...], text: str) -> None:
        """Note what is being done for the environment of steps; nothing any more if empty."""
        self.changed = True
        self._preparing.update(dict.fromkeys(steps, text))

    def started(self, step: str, at: float) -> None:
        """Note that a task starts."""
        self._touch(step, at)

    def reused(self, step: str, state: str, at: float) -> None:
        """Count a task that is reused and had ended in `state`."""
        self._touch(step, at)
        self.counts[step].reused += 1
        self._tolerated_before += state == states.TOLERATED

    def retried(self, step: str) -> None:
        """Count a further attempt."""
        self.changed = True
        self.counts[step].retried += 1

    def ended(self, step: str, state: str) -> None:
        """Count a task's final state."""
        self.changed = True
        self.counts[step].ended[state] += 1

    def not_started(self, step: str) -> None:
        """Count a ready task that never started."""
        self.counts[step].ended[states.CANCELLED] += 1

    def totals(self) -> dict[str, int]:
        """Return how many tasks ended in each state; a reused one that was tolerated still is."""
        totals = Counter({states.TOLERATED: self._tolerated_before})
        for count in self.counts.values():
            totals.update(count.ended)
            totals[states.REUSED] += count.reused
        return totals

    def progress(self, running: Mapping[str, int]) -> tuple[StepProgress, ...]:
        """Return the counts for display; `running` says how many processes each step has."""
        self.changed = False
        return tuple(
            StepProgress(
                step,
                self._planner.planned[step],
                running.get(step, 0),
                count.ended[states.SUCCEEDED] + count.ended[states.TOLERATED] + count.reused,
                count.ended[states.FAILED],
                count.retried,
                count.reused,
                self._preparing.get(step, ""),
            )
            for step, count in self.counts.items()
        )

    def record_ends(self, reason: str, cause: int | None, at: float) -> None:
        """Record the final state of every step; `reason` and `cause` are why some were cut off."""
        passed: dict[str, str] = {}
        for step, count in self.counts.items():
            state = self._step_state(step, count)
            cut = state in (states.NOT_REACHED, states.CANCELLED)
            if state == states.NOT_REACHED:
                passed[step] = self._passed_by(step, passed)
            choice = passed.get(step, "")
            reached = step in self._started
            self._recorder.step_ended(
                step,
                state,
                choice or (reason if cut else ""),
                cause if cut and not choice else None,
                at if reached else None,
            )

    def _passed_by(self, step: str, passed: dict[str, str]) -> str:
        """Say by which choices a step was left out, or nothing where it could still have come.

        `passed` has what this returned for the steps before it that were not reached.
        """
        reasons: list[str] = []
        for parent in self._graph.parents[step]:
            taken = self._planner.taken.get(parent)
            if self._planner.planned[parent] == 0:
                reason = passed.get(parent, "")
            elif taken is not None and taken.total() == self._planner.planned[parent]:
                ways = [way for way in self._graph.steps[parent].targets if taken[way]]
                noun = "step" if len(ways) == 1 else "steps"
                condition = self._graph.steps[parent].condition
                listed = ", ".join(ways[:-1]) + " and " * (len(ways) > 1) + ways[-1]
                reason = f"the condition `{condition}` of step {parent} took {noun} {listed}"
            else:
                reason = ""
            if not reason:
                return ""
            reasons.append(reason)
        return "; ".join(dict.fromkeys(reasons))

    def _step_state(self, step: str, count: StepCount) -> str:
        for state in (states.FAILED, states.CANCELLED, states.TOLERATED, states.SUCCEEDED):
            if count.ended[state]:
                return state
        return states.REUSED if count.reused else states.NOT_REACHED

    def _touch(self, step: str, at: float) -> None:
        self.changed = True
        if step not in self._started:
            self._started.add(step)
            self._recorder.step_started(step, at)
