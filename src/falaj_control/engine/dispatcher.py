"""Starts what is ready: as many tasks as there are slots and resources for, in order."""

from __future__ import annotations

import heapq

from falaj.model.orders import ErrorInfo
from falaj.model.states import FAILED
from falaj_control.engine import orders
from falaj_control.engine.active import ActiveTask, Gang
from falaj_control.engine.context import Failure, RunContext
from falaj_control.engine.logs import LogDrain
from falaj_control.engine.warden import Warden
from falaj_control.lifecycle.attempts import policy_of
from falaj_control.plan.tasks import OriginTask, PlannedTask


class Dispatcher:
    """Takes ready tasks from the plan; reuses or launches them."""

    def __init__(self, context: RunContext, warden: Warden) -> None:
        """Start tasks of the run of `context`; `warden` stops it for a gang that can never run."""
        self._context = context
        self._warden = warden
        self._parts = context.parts
        steps = context.plan.description.steps
        self._options = {step.name: orders.step_options(step) for step in steps}
        self._reused: dict[str, int] = {}
        self._has_snapshot = False
        self._fetching: set[str] = set()
        self._policies = {step: policy_of(found) for step, found in self._options.items()}

    def settle_parameters(self) -> None:
        """Give the order that every run starts with."""
        context, plan = self._context, self._context.plan
        context.init_number = next(context.numbers)
        order = orders.init_order(plan.facts, plan.given, plan.origin_parameters)
        self._parts.executor.start(
            context.init_number, order, orders.placement(plan.facts, {}, None)
        )

    def run_once(self, now: float) -> None:
        """Start whatever can start at the monotonic time `now`."""
        context = self._context
        if context.failure is not None or context.parameters is None:
            return
        self.snapshot_code()
        waiting = context.waiting
        while waiting and waiting[0][0] <= now and self._has_slots(1):
            step, width = waiting[0][2].planned.step, waiting[0][2].together
            if not self._has_secrets(step):
                break
            if not self._has_slots(width) or not self._has_resources(step, width):
                if width > 1:
                    # What started before it would keep it from ever finding enough at once.
                    return
                break
            for task in self._take_waiting():
                self._launch(task)
        self._start_ready()

    def _take_waiting(self) -> list[ActiveTask]:
        """Remove the task that waited longest, with all of its gang where it has to have that."""
        waiting = self._context.waiting
        head = heapq.heappop(waiting)[2]
        if head.together == 1:
            return [head]
        waiting[:] = [entry for entry in waiting if entry[2].gang is not head.gang]
        heapq.heapify(waiting)
        return head.gang.members if head.gang is not None else [head]

    def _start_ready(self) -> None:
        full: set[str] = set()
        planner = self._parts.planner
        while planner and self._has_slots(1) and self._context.failure is None:
            step, width = planner.peek(), planner.together()
            if self._has_environment(step) and self._is_let_in(step):
                if width > 1 and not planner.will_reuse():
                    if not self._has_slots(width) or not self._has_resources(step, width):
                        self._check_gang(step, width)
                        return
                    self._begin_gang(width)
                    continue
                if self._has_resources(step):
                    self._begin(planner.take())
                    continue
            full.add(step)
            if not planner.bring_forward(frozenset(full)):
                return

    def snapshot_code(self) -> None:
        """Give the order that stores the code, once it is known what travels with it."""
        context, facts = self._context, self._context.plan.facts
        if self._has_snapshot or context.travel_number:
            return
        self._has_snapshot = True
        context.snapshot_number = next(context.numbers)
        order = orders.snapshot_order(facts, context.travelled)
        here = orders.placement(facts, {}, None)
        self._parts.executor.start(context.snapshot_number, order, here)

    def _has_slots(self, tasks: int) -> bool:
        return len(self._context.active) + tasks <= self._context.plan.max_workers

    def _has_resources(self, step: str, tasks: int = 1) -> bool:
        return self._parts.capacity.fits(self._options[step].get("resources"), tasks)

    def _check_gang(self, step: str, width: int) -> None:
        """Stop the run if a gang will never find the slots and resources that it needs at once."""
        plan = self._context.plan
        lacking = self._parts.capacity.lacks(self._options[step].get("resources"), width)
        mend = "ask for less, or start a smaller gang"
        if width > plan.max_workers:
            lacking = f"{width} workers, and --max-workers is {plan.max_workers}"
            mend = f"resume with --max-workers {width}, or start a smaller gang"
        if lacking:
            spec = plan.graph.steps[step]
            text = (
                f"Step {step} ({spec.file}:{spec.line}) is a gang of {width} tasks that run at "
                f"once, which takes {lacking}; {mend}."
            )
            error = ErrorInfo("ResourcesUnavailable", text, "", "", True)
            self._warden.stop(Failure(FAILED, text, error=error))

    def _begin_gang(self, width: int) -> None:
        begun = [self._begin(self._parts.planner.take()) for _ in range(width)]
        # None was reused: a gang is as a whole or not at all.
        members = [task for task in begun if task is not None]
        gang = Gang(members[0].planned.id, members)
        for member in members:
            member.gang = gang

    def _has_environment(self, step: str) -> bool:
        environments = self._parts.environments
        if environments.is_ready(step) or self._parts.planner.will_reuse():
            return True
        # Only a resumed run gets here without: its origin did not tell that the step has to run.
        environments.begin([step])
        return False

    def _is_let_in(self, step: str) -> bool:
        if "secrets" not in self._options[step] or self._parts.planner.will_reuse():
            return True
        return self._has_secrets(step)

    def _has_secrets(self, step: str) -> bool:
        is_ready = self._parts.secrets.is_ready(step)
        if is_ready == (step in self._fetching):
            self._fetching ^= {step}
            self._context.board.preparing((step,), "" if is_ready else "fetching secrets")
        return is_ready

    def _begin(self, planned: PlannedTask) -> ActiveTask | None:
        context = self._context
        # Nothing starts from a result that is not committed: after a crash it would stand for
        # work that, by the records, never happened.
        uncommitted = context.uncommitted
        if uncommitted and any(ref.task in uncommitted for ref in planned.inputs):
            context.commit()
        decision = self._parts.planner.decide(planned)
        if decision.reused is not None:
            self._reuse(planned, decision.reused, decision.reason)
            return None
        self.tell_reused()
        options = self._options[planned.step]
        task = ActiveTask(planned, self._policies[planned.step], options, decision.reason)
        context.board.started(planned.step, self._parts.clock.wall())
        self._launch(task)
        return task

    def _reuse(self, planned: PlannedTask, found: OriginTask, reason: str) -> None:
        context = self._context
        at = self._parts.clock.wall()
        self._parts.recorder.task_reused(planned, reason, found, at)
        context.board.reused(planned.step, found.state, at)
        context.finished = context.finished or planned.step == context.plan.graph.end
        self._reused[planned.step] = self._reused.get(planned.step, 0) + 1
        manifest = str(found.manifest)
        self._parts.planner.finish(planned, manifest, found.transition, fresh=False)

    def tell_reused(self) -> None:
        """Tell the watcher what has been reused since it was last told."""
        if self._reused:
            steps = [
                step if count == 1 else f"{step} ({count} tasks)"
                for step, count in self._reused.items()
            ]
            origin = self._context.plan.facts.origin
            self._parts.watcher.note(f"Reused from run {origin}: {', '.join(steps)}.")
            self._reused.clear()

    def _launch(self, task: ActiveTask) -> None:
        context, parts, plan = self._context, self._parts, self._context.plan
        planned = task.planned
        at = parts.clock.wall()
        task.number = next(context.numbers)
        task.started = parts.clock.monotonic()
        path = parts.settings.home.log(plan.facts.run, planned.id, task.attempt)
        task.log = LogDrain(path, plan.max_log_bytes, parts.secrets.redactor)
        if task.attempt == 0:
            parts.recorder.task_started(planned, task.reason, at)
        else:
            parts.recorder.task_tried_again(planned.id, task.attempt, at)
        parts.capacity.take(task.options.get("resources"))
        context.active[task.number] = task
        context.board.changed = True
        place = parts.environments.place(planned.step)
        secrets = parts.secrets.of_step(planned.step)
        order = orders.task_order(plan.facts, task, str(context.parameters), secrets)
        if place is not None:
            # Imported here: most steps run where the flow was launched.
            from falaj.runtime.secrets import asking_command

            # What fetches secrets for a step that asks is not in its own environment.
            order = order._replace(context={**order.context, "control": asking_command()})
        parts.executor.start(task.number, order, orders.placement(plan.facts, task.options, place))
