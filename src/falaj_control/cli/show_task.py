"""`show PATHSPEC`: what is recorded of a run, a step or a task, at a glance."""

from __future__ import annotations

import json
import signal
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from falaj.client.access import Access
from falaj.client.environments import in_a_line, run_environment, step_environment, task_environment
from falaj.client.profiles import profile_of
from falaj.client.resolve import find_step
from falaj.client.taskfacts import TaskFacts
from falaj.model import states
from falaj.model.records import AttemptRecord, RunRecord, TaskRecord
from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext
from falaj_control.cli.pathspecs import Selection, select
from falaj_control.cli.wording import duration, error_line, minute

_WIDTH = 80
_MOST_TASKS = 20
# What a person looks for first in a long list.
_WORST_FIRST = (states.FAILED, states.LOST, states.RETRYING, states.RUNNING, states.TOLERATED)

Fact = tuple[str, str]


def show_recorded(line: CommandContext, pathspec: str) -> None:
    """Write what is recorded of what `pathspec` names.

    Raises FalajInvalidPathspec or FalajNotFound.
    """
    chosen = select(Access(), pathspec, line.flow_name)
    if chosen.task is not None:
        _write(line, chosen.task.parts, _task_facts(chosen.task))
    elif chosen.step is not None:
        _write(line, (*chosen.run.parts, chosen.step), _step_facts(chosen, chosen.step))
        _write_tasks(line, chosen)
    else:
        _write(line, chosen.run.parts, _run_facts(chosen))
        _write_steps(line, chosen)
    line.output.flush()


def _write(line: CommandContext, parts: Iterable[str], facts: Iterable[Fact]) -> None:
    output = line.output
    output.write(output.painted("/".join(parts), "1") + "\n")
    shown = [(name, output.shown_lines(text)) for name, text in facts if text]
    width = max(len(name) for name, _ in shown)
    for name, lines in shown:
        for number, text in enumerate(lines):
            output.write(f"  {'' if number else name:{width}}  {text}\n")


def _task_facts(task: TaskFacts) -> Iterator[Fact]:
    record = task.record
    yield "state", states.TITLES.get(record.state, record.state)
    yield "reason", record.reason
    yield from _times(record.created_at, record.finished_at)
    if record.indices:
        yield "foreach", f"{list(record.indices)} {record.label}".strip()
    if task.run.loops(record.step):
        yield "iteration", str(record.iteration)
    yield "parents", _parents(task)
    if record.origin is not None:
        yield "reuses", f"{record.origin[0]}/{record.step}/{record.origin[1]}"
    yield "attempts", "\n".join(map(_attempt_line, task.attempts()))
    profile = profile_of(task)
    yield "used", "" if profile is None else profile.in_a_line()
    yield from _environment_facts(task_environment(task))


def _parents(task: TaskFacts) -> str:
    parents = task.access.reader.tasks_by_id(task.record.run, task.record.parents[:_MOST_TASKS])
    more = len(task.record.parents) - len(parents)
    text = ", ".join(f"{one.run}/{one.step}/{one.id}" for one in parents)
    return f"{text} and {more} more" if more else text


def _attempt_line(attempt: AttemptRecord) -> str:
    parts = [f"{attempt.number}: {states.TITLES.get(attempt.state, attempt.state)}"]
    if attempt.finished_at is not None:
        parts.append(f"after {duration(attempt.finished_at - attempt.started_at)}")
    if attempt.exit_code is not None:
        parts.append(_exit(attempt.exit_code))
    why = error_line(attempt.error, attempt.reason)
    return ", ".join(parts) + (f": {why}" if why else "")


def _exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def _step_facts(chosen: Selection, name: str) -> Iterator[Fact]:
    step = find_step(chosen.run, name)
    yield "state", states.TITLES.get(step.state, step.state)
    yield "reason", step.reason
    yield from _times(step.created_at, step.finished_at)
    yield from _environment_facts(step_environment(chosen.run, name))


def _run_facts(chosen: Selection) -> Iterator[Fact]:
    run = chosen.run.record
    tags = chosen.run.tags
    yield "state", states.TITLES[run.state]
    yield "reason", run.reason
    yield from _times(run.created_at, run.finished_at)
    yield "user", run.user
    yield "script", run.script
    yield "tags", ", ".join([*sorted(tags.user), *sorted(tags.system)])
    yield "resumes", "" if run.origin is None else f"{run.flow}/{run.origin}"
    yield "options", _options(run)
    environment = run_environment(chosen.run)
    yield "environment", "" if environment is None else in_a_line(environment)


def _options(run: RunRecord) -> str:
    given = {name: value for name, value in run.options.items() if value not in (None, "", [], {})}
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in given.items()
        if name != "tags"
    )


def _times(began: float | None, ended: float | None) -> Iterator[Fact]:
    if began is not None:
        yield "started", minute(began)
        if ended is not None:
            yield "finished", f"{minute(ended)}, after {duration(ended - began)}"


def _environment_facts(description: dict[str, Any] | None) -> Iterator[Fact]:
    if description is None:
        return
    python = description["python"]
    local = description["kind"] == "local"
    yield "environment", "where the run was launched" if local else f"@{description['kind']}"
    yield "python", f"{python['version']} ({python['executable']}), {description['platform']}"
    # A name and its version stay on one line.
    packages = ", ".join(f"{one['name']}\xa0{one['version']}" for one in description["packages"])
    filled = textwrap.fill(packages, _WIDTH, break_on_hyphens=False, break_long_words=False)
    yield "packages", filled.replace("\xa0", " ")


def _write_tasks(line: CommandContext, chosen: Selection) -> None:
    records = [task.record for task in chosen.tasks()]
    ranked = sorted(records, key=_rank)[:_MOST_TASKS]
    line.output.write("\n")
    loops = chosen.run.loops(chosen.step or "")
    rows = _rows(ranked, loops)
    tables.draw(line.output, ("task", "state", "for", "duration", "reason"), rows)
    if len(records) > len(ranked):
        line.output.write(f"and {len(records) - len(ranked):,} more tasks\n")


def _rank(task: TaskRecord) -> tuple[int, int]:
    worst = task.state in _WORST_FIRST
    return (_WORST_FIRST.index(task.state) if worst else len(_WORST_FIRST), task.id)


def _rows(records: list[TaskRecord], loops: bool) -> list[list[str]]:
    return [
        [
            str(one.id),
            states.TITLES.get(one.state, one.state),
            ", ".join(filter(None, (one.label, f"iteration {one.iteration}" if loops else ""))),
            "" if one.finished_at is None else duration(one.finished_at - one.created_at),
            one.reason.partition("\n")[0],
        ]
        for one in records
    ]


def _write_steps(line: CommandContext, chosen: Selection) -> None:
    reader = chosen.run.access.reader
    rows: list[list[str]] = []
    for step in reader.steps(chosen.run.id):
        counted = reader.count_tasks(chosen.run.id, step.name)
        state = states.TITLES.get(step.state, step.state)
        rows.append([step.name, state, str(counted), step.reason.partition("\n")[0]])
    line.output.write("\n")
    tables.draw(line.output, ("step", "state", "tasks", "reason"), rows)
