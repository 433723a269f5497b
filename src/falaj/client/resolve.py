"""From the parts of a path to the records behind them, or to a sentence on what is amiss."""

from __future__ import annotations

from typing import List, Optional

from falaj.client.access import Access, RunFacts
from falaj.client.lookup import absent, number
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajNotFound
from falaj.model import states
from falaj.model.records import StepRecord

_RECENT = 12


def find_run(access: Access, flow: str, run: str) -> RunFacts:
    """Return the run `run` (`412` or `#412`) of `flow`, or raise FalajNotFound."""
    wanted = number(run)
    record = None if wanted is None else access.reader.run(wanted)
    if record is None or record.flow != flow:
        raise FalajNotFound(no_run(access, flow, run))
    return RunFacts(access, record)


def no_flow(access: Access, flow: str) -> str:
    """Return what to say of a flow that has no run."""
    return absent(
        "flow",
        flow,
        [summary.name for summary in access.reader.flows()],
        "The flows here are",
        "No runs are recorded in {} yet.".format(access.home.root),
    )


def no_run(access: Access, flow: str, run: str) -> str:
    """Return what to say of a run that the flow does not have."""
    recent = [str(record.id) for record in access.reader.runs(flow, limit=_RECENT)]
    if not recent:
        return no_flow(access, flow)
    wanted = number(run)
    other = None if wanted is None else access.reader.run(wanted)
    if other is not None:
        return "Run {0} is one of {1}, not of {2}. Its path is {1}/{0}.".format(
            other.id, other.flow, flow
        )
    if wanted is None:
        return "{!r} is no run of {}: a run's id is a number. Its latest runs are {}.".format(
            run, flow, ", ".join(recent)
        )
    return "There is no run {} of {}. Its latest runs are {}.".format(run, flow, ", ".join(recent))


def is_reached(step: StepRecord) -> bool:
    """Say whether a step has begun."""
    return step.created_at is not None or step.state != states.NOT_REACHED


def find_step(facts: RunFacts, name: str) -> StepRecord:
    """Return a step of the run that has begun, or raise FalajNotFound."""
    for step in facts.access.reader.steps(facts.id):
        if step.name == name and is_reached(step):
            return step
    raise FalajNotFound(no_step(facts, name))


def no_step(facts: RunFacts, name: str) -> str:
    """Return what to say of a step that the run does not have or has not reached."""
    run = "/".join(facts.parts)
    steps = facts.access.reader.steps(facts.id)
    begun = [step.name for step in steps if is_reached(step)]
    state = facts.record.state
    if name in facts.targets() or any(step.name == name for step in steps):
        reasons = [step.reason for step in steps if step.name == name and step.reason]
        reason = "".join(": " + reason.rstrip(".") for reason in reasons)
        how = "has not been reached yet" if state == states.RUNNING else "was not reached"
        return "The step {!r} of {} {}{}. Steps reached: {}.".format(
            name, run, how, reason, ", ".join(begun) or "none"
        )
    nothing = "{} has none.".format(run)
    if name == "_parameters":
        return "Parameters are no step of a run: Run({!r}).parameters has them.".format(run)
    return absent("step", name, begun, "The steps of {} are".format(run), nothing)


def find_task(facts: RunFacts, step: str, task: str, attempt: Optional[int]) -> TaskFacts:
    """Return the task `task` of `step`, seen at `attempt`, or raise FalajNotFound."""
    wanted = number(task)
    record = None if wanted is None else facts.access.reader.task(facts.id, wanted)
    if record is None and wanted is not None:
        find_step(facts, step)
        # It may have been recorded just now, and must not be denied and offered at once.
        record = facts.access.reader.task(facts.id, wanted)
    if record is None or record.step != step:
        find_step(facts, step)
        raise FalajNotFound(no_task(facts, step, task))
    found = TaskFacts(facts, record, attempt)
    if attempt is not None:
        numbers = [one.number for one in found.attempts()]
        if attempt not in numbers:
            raise FalajNotFound(
                "The task {} has no attempt {}. Its attempts are {}.".format(
                    found.pathspec, attempt, ", ".join(map(str, numbers)) or "none yet"
                )
            )
    return found


def no_task(facts: RunFacts, step: str, task: str) -> str:
    """Return what to say of a task that the step does not have."""
    path = "/".join((*facts.parts, step))
    wanted = number(task)
    other = None if wanted is None else facts.access.reader.task(facts.id, wanted)
    if other is not None and other.step != step:
        return "Task {0} of this run is one of {1}, not of {2}. Its path is {3}/{1}/{0}.".format(
            other.id, other.step, step, "/".join(facts.parts)
        )
    ids: List[str] = [str(record.id) for record in facts.access.reader.tasks(facts.id, step)]
    nothing = "{} has none yet.".format(path)
    return absent("task", task, ids, "The tasks of {} are".format(path), nothing)
