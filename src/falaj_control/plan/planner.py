"""From finished tasks to the tasks that are ready, with the reason why each runs or is reused.

The planner is a function of the graph and of what it is told, in any order of completion: the
same tasks become ready, with the same inputs in the same order. A wide fan-out stays one entry
of the queue until its tasks are taken.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import NamedTuple

from falaj.model.graph import PARALLEL, SWITCH, Graph
from falaj.model.orders import InputRef, Transition
from falaj.model.states import TASK_SUCCESSFUL, TITLES
from falaj_control.plan.tasks import Decision, Fan, Origin, Place, PlannedTask, TaskKey


class _Cohort(NamedTuple):
    """The tasks of a fan-out that have not been taken yet: ids count up from `first_id`."""

    fan: Fan
    first_id: int
    next_position: int
    source: InputRef
    fresh: bool

    def task(self, position: int) -> PlannedTask:
        """Return the task at a position."""
        targets = self.fan.transition.targets
        step = targets[0] if self.fan.transition.is_wide else targets[position]
        place = Place(self.fan, position, self.fan.outer)
        return PlannedTask(self.first_id + position, step, place, (self.source,), self.fresh)


class Planner:
    """The state of one run's plan. Task ids count up from 1 as tasks become ready."""

    def __init__(self, graph: Graph, origin: Origin | None = None) -> None:
        """Plan a run of `graph`, reusing what can be reused of `origin`."""
        self._graph = graph
        self._origin = origin
        self._queue: deque[PlannedTask | _Cohort] = deque()
        self._next_id = 1
        self.planned: dict[str, int] = dict.fromkeys(graph.order, 0)
        # How often each switch has taken each of its ways.
        self.taken: dict[str, Counter[str]] = {}

    def begin(self) -> None:
        """Make the start step ready."""
        self._add(self._graph.start, None, (), fresh=False)

    def __bool__(self) -> bool:
        """Say whether a task is ready."""
        return bool(self._queue)

    def peek(self) -> str:
        """Return the step of the task that `take` would return."""
        head = self._queue[0]
        return head.step if isinstance(head, PlannedTask) else head.task(head.next_position).step

    def together(self) -> int:
        """Return how many tasks have to be taken at once: the width of a gang, else 1."""
        head = self._queue[0]
        return head.fan.width if isinstance(head, _Cohort) and head.fan.transition.gang else 1

    def will_reuse(self) -> bool:
        """Say whether the task that `take` would return is going to be reused."""
        head = self._queue[0]
        task = head if isinstance(head, PlannedTask) else head.task(head.next_position)
        return self.decide(task).reused is not None

    def take(self) -> PlannedTask:
        """Remove and return the ready task that waited longest."""
        head = self._queue.popleft()
        if isinstance(head, PlannedTask):
            return head
        following = head.next_position + 1
        if following < head.fan.width:
            self._queue.appendleft(head._replace(next_position=following))
        return head.task(head.next_position)

    def bring_forward(self, full: frozenset[str]) -> bool:
        """Bring a ready task of a step outside `full` to the front; say whether there is one."""
        for index, entry in enumerate(self._queue):
            step = (
                entry.step
                if isinstance(entry, PlannedTask)
                else entry.task(entry.next_position).step
            )
            if step not in full:
                del self._queue[index]
                self._queue.appendleft(entry)
                return True
        return False

    def may_run(self) -> list[str]:
        """Return the steps that may have to run, as far as the run that is resumed tells.

        One that is missing here can still turn out to have tasks that were never reached.
        """
        origin = self._origin
        if origin is None:
            return list(self._graph.order)
        tasks = origin.tasks.items()
        bad = {key[0] for key, task in tasks if task.state not in TASK_SUCCESSFUL}
        good = {key[0] for key, _ in tasks} - bad
        again = [step for step in self._graph.order if step not in good]
        found = self._graph.descendants(again) | origin.rerun
        return [step for step in self._graph.order if step in found]

    def remaining(self) -> Iterator[PlannedTask]:
        """Remove and yield all ready tasks."""
        while self._queue:
            yield self.take()

    def decide(self, task: PlannedTask) -> Decision:
        """Say whether `task` runs or is reused, and why."""
        origin = self._origin
        if origin is None:
            return Decision(None, "")
        if task.step in origin.rerun:
            return Decision(None, f"runs because resume was asked to start at {origin.asked}")
        if task.fresh:
            return Decision(None, "runs because a task before it ran again")
        gang = task.gang
        if gang is not None:
            if gang.reusable is None:
                gang.reusable = self._is_whole(task, gang.width, origin)
            if not gang.reusable:
                return Decision(None, f"runs because its gang was not whole in run {origin.run}")
        return self._decide_alone(task.key, origin)

    def _decide_alone(self, key: TaskKey, origin: Origin) -> Decision:
        found = origin.tasks.get(key)
        if found is None:
            return Decision(None, f"runs because run {origin.run} did not reach it")
        if found.state not in TASK_SUCCESSFUL or found.manifest is None:
            title = TITLES[found.state]
            reason = f"runs because it had not succeeded in run {origin.run} ({title})"
            return Decision(None, reason)
        changed = self._transition_changed(key[0], found.transition)
        if changed:
            return Decision(None, changed)
        return Decision(found, f"reused from run {origin.run}, where it succeeded")

    def _is_whole(self, member: PlannedTask, width: int, origin: Origin) -> bool:
        step, indices, iteration = member.key
        return all(
            self._decide_alone((step, (*indices[:-1], position), iteration), origin).reused
            for position in range(width)
        )

    def finish(
        self, task: PlannedTask, manifest: str, transition: Transition | None, fresh: bool
    ) -> None:
        """Take note that `task` has succeeded; what follows from it becomes ready.

        `fresh` says whether it ran in this run rather than being reused.
        """
        if transition is None:
            return
        done = InputRef(task.step, task.id, manifest)
        target, *others = transition.targets
        if transition.is_wide or others:
            self._open(task, done, transition, fresh)
            return
        if transition.condition is not None:
            self.taken.setdefault(task.step, Counter())[target] += 1
        if self._graph.steps[target].is_join:
            self._arrive(task, done, target, fresh)
        else:
            iteration = task.iteration + 1 if target == task.step else 0
            self._add(target, task.place, (done,), fresh, iteration)

    def _open(self, task: PlannedTask, done: InputRef, transition: Transition, fresh: bool) -> None:
        fan = Fan(task.step, transition, task.place)
        if transition.is_wide:
            self.planned[transition.targets[0]] += fan.width
        else:
            for target in transition.targets:
                self.planned[target] += 1
        cohort = _Cohort(fan, self._next_id, 0, done, fresh)
        if transition.is_wide:
            self._queue.append(cohort)
        else:
            # Branches are different steps: one that has to wait must not hold up the next.
            self._queue.extend(cohort.task(position) for position in range(fan.width))
        self._next_id += fan.width

    def _arrive(self, task: PlannedTask, done: InputRef, join: str, fresh: bool) -> None:
        place = task.place
        if place is None:
            raise ValueError(f"{task.step} reaches the join {join} outside of any split")
        fan = place.fan
        fan.arrived[place.position] = done
        fan.missing -= 1
        fan.fresh = fan.fresh or fresh
        if fan.missing == 0:
            self._add(join, place.outer, fan.inputs(), fan.fresh)

    def _add(
        self,
        step: str,
        place: Place | None,
        inputs: tuple[InputRef, ...],
        fresh: bool,
        iteration: int = 0,
    ) -> None:
        self._queue.append(PlannedTask(self._next_id, step, place, inputs, fresh, iteration))
        self._next_id += 1
        self.planned[step] += 1

    def _transition_changed(self, step: str, transition: Transition | None) -> str:
        spec = self._graph.steps[step]
        went = transition or Transition(())
        chosen = spec.kind == SWITCH and went.targets[:1] and went.targets[0] in spec.targets
        if (
            (chosen or went.targets == spec.targets)
            and went.foreach == spec.foreach
            and went.condition == spec.condition
            and went.gang == (spec.kind == PARALLEL)
        ):
            return ""
        return "runs because the flow goes on differently after it than it did"
