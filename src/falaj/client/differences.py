"""What differs between two runs, or two tasks: told from records and digests, loading no value."""

from __future__ import annotations

from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Tuple,
)

from falaj.client.access import Access, RunFacts
from falaj.client.code import FalajCode, code_of
from falaj.client.environments import run_environment, step_environment, task_environment
from falaj.client.figures import summaries
from falaj.client.taskfacts import TaskFacts
from falaj.model import states
from falaj.model.records import RunRecord, TaskRecord

# Of a wider step no more tasks are compared.
MOST_TASKS = 1000
_SHOWN = 60
_ABSENT = "-"


class Difference(NamedTuple):
    """One thing that differs: `before` and `after` as people read them, `-` where it is absent.

    `lines` are those of a unified diff, where the thing is a file.
    """

    section: str
    what: str
    before: str
    after: str
    lines: Tuple[str, ...] = ()


def compare_runs(one: RunFacts, other: RunFacts, sections: Iterable[str]) -> Iterator[Difference]:
    """Yield what differs between two runs in the named sections of `RUN_SECTIONS`."""
    for section in sections:
        yield from RUN_SECTIONS[section](one, other)


def compare_tasks(one: TaskFacts, other: TaskFacts) -> Iterator[Difference]:
    """Yield what differs between two tasks, of one step or not."""
    yield from _packages("task", task_environment(one), task_environment(other))
    before, after = _entries(one), _entries(other)
    for name in _names(before, after):
        if _digest(before, name) != _digest(after, name):
            yield Difference("artifacts", name, _value(one, name), _value(other, name))
    yield from _times([("task", _seconds(one.source), _seconds(other.source))])


def _outcome(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    first, second = one.record, other.record
    if (first.state, first.reason) != (second.state, second.reason):
        yield Difference("outcome", "run", _ending(first), _ending(second))


def _ending(run: RunRecord) -> str:
    return "{} {}".format(states.TITLES[run.state], run.reason).strip()


def _parameters(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    before = _manifest_values(one.access, one.record.parameters)
    after = _manifest_values(other.access, other.record.parameters)
    for name in _names(before, after):
        mine, theirs = before.get(name), after.get(name)
        if mine is None or theirs is None or mine[0] != theirs[0]:
            before_shown = _ABSENT if mine is None else mine[1]
            yield Difference(
                "parameters", name, before_shown, _ABSENT if theirs is None else theirs[1]
            )


def _manifest_values(access: Access, digest: Optional[str]) -> Dict[str, Tuple[str, str]]:
    manifest = access.manifest(digest)
    if manifest is None:
        return {}
    return {
        name: (entry.digest, _shown(manifest.preview(name), entry.type))
        for name, entry in manifest.entries.items()
    }


def _code(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    before, after = code_of(one), code_of(other)
    names = sorted({*(before.files if before else ()), *(after.files if after else ())})
    for name in names:
        mine, theirs = _file(before, name), _file(after, name)
        if mine != theirs:
            yield Difference(
                "code", name, _size(mine), _size(theirs), tuple(_diff(name, mine, theirs))
            )


def _file(code: Optional[FalajCode], name: str) -> Optional[bytes]:
    return code.read(name) if code is not None and name in code.files else None


def _size(data: Optional[bytes]) -> str:
    return _ABSENT if data is None else "{} bytes".format(len(data))


def _diff(name: str, before: Optional[bytes], after: Optional[bytes]) -> Iterator[str]:
    # Imported here because `import falaj` must not pay for it.
    from difflib import unified_diff

    try:
        mine = (before or b"").decode("utf-8").splitlines()
        theirs = (after or b"").decode("utf-8").splitlines()
    except UnicodeDecodeError:
        return
    yield from unified_diff(mine, theirs, "a/" + name, "b/" + name, lineterm="")


def _environments(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    yield from _packages("run", run_environment(one), run_environment(other))
    steps = [{record.name: record for record in _steps(run)} for run in (one, other)]
    for step in _names(*steps):
        own = [step in side and side[step].environment is not None for side in steps]
        if any(own):
            mine = step_environment(one, step) if step in steps[0] else None
            theirs = step_environment(other, step) if step in steps[1] else None
            yield from _packages(step, mine, theirs)


def _steps(run: RunFacts) -> List[Any]:
    return run.access.reader.steps(run.id)


def _packages(
    where: str, before: Optional[Mapping[str, Any]], after: Optional[Mapping[str, Any]]
) -> Iterator[Difference]:
    if before is None or after is None:
        if before is not after:
            recorded = {True: "not recorded", False: "recorded"}
            yield Difference("packages", where, recorded[before is None], recorded[after is None])
        return
    mine, theirs = _versions(before), _versions(after)
    for name in _names(mine, theirs):
        if mine.get(name) != theirs.get(name):
            text = "{}: {}".format(where, name)
            yield Difference("packages", text, mine.get(name, _ABSENT), theirs.get(name, _ABSENT))


def _versions(description: Mapping[str, Any]) -> Dict[str, str]:
    found = {"Python": str(description["python"]["version"])}
    found.update((str(one["name"]), str(one["version"])) for one in description["packages"])
    return found


def _artifacts(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    before, after = _tasks(one), _tasks(other)
    for step in _names(before, after):
        mine, theirs = before.get(step, {}), after.get(step, {})
        if len(mine) != len(theirs):
            yield Difference("artifacts", step, _counted(mine), _counted(theirs))
        yield from _of_step(one, other, step, mine, theirs)


# By foreach indices and, in a loop, the number of the round.
_Key = Tuple[Tuple[int, ...], int]
_Keyed = Dict[_Key, TaskRecord]


def _tasks(run: RunFacts) -> Dict[str, _Keyed]:
    found: Dict[str, _Keyed] = {}
    for record in run.access.reader.tasks(run.id):
        found.setdefault(record.step, {})[record.indices, record.iteration] = record
    return found


def _of_step(
    one: RunFacts, other: RunFacts, step: str, mine: _Keyed, theirs: _Keyed
) -> Iterator[Difference]:
    both = [key for key in mine if key in theirs][:MOST_TASKS]
    differing: Dict[str, List[_Key]] = {}
    for key in both:
        if mine[key].manifest == theirs[key].manifest:
            continue
        # What a task has inherited is told where it was assigned.
        before = _own(TaskFacts(one, mine[key]))
        after = _own(TaskFacts(other, theirs[key]))
        for name in _names(before, after):
            if _digest(before, name) != _digest(after, name):
                differing.setdefault(name, []).append(key)
    for name, keys in differing.items():
        first = keys[0]
        left, right = TaskFacts(one, mine[first]), TaskFacts(other, theirs[first])
        rounds = [first[1]] if any(key[1] for key in mine) else []
        index = "".join("[{}]".format(number) for number in (*first[0], *rounds))
        what = "{}{}.{}".format(step, index, name)
        if len(keys) > 1:
            what += " (and {} more of {} tasks)".format(len(keys) - 1, len(both))
        yield Difference("artifacts", what, _value(left, name), _value(right, name))


def _counted(tasks: _Keyed) -> str:
    return "1 task" if len(tasks) == 1 else "{} tasks".format(len(tasks))


def _entries(task: TaskFacts) -> Mapping[str, Any]:
    manifest = task.manifest()
    return {} if manifest is None else manifest.entries


def _own(task: TaskFacts) -> Mapping[str, Any]:
    manifest = task.manifest()
    return {} if manifest is None else {name: manifest.entries[name] for name in manifest.own}


def _digest(entries: Mapping[str, Any], name: str) -> Optional[str]:
    entry = entries.get(name)
    return None if entry is None else entry.digest


def _value(task: TaskFacts, name: str) -> str:
    manifest = task.manifest()
    entry = None if manifest is None else manifest.entry(name)
    if manifest is None or entry is None:
        return _ABSENT
    return _shown(manifest.preview(name), entry.type)


def _shown(preview: Optional[Mapping[str, Any]], kind: str) -> str:
    text = " ".join(str((preview or {}).get("repr") or kind).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "\u2026"


def _metrics(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    before, after = _last_values(one), _last_values(other)
    for name in _names(before, after):
        mine, theirs = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if mine != theirs:
            yield Difference("metrics", name, mine, theirs)


def _last_values(run: RunFacts) -> Dict[str, str]:
    # All digits, so that what reads alike is alike; a NaN is like another.
    found = summaries(run.access.reader, [run.id])[run.id]
    return {name: repr(one.last) for name, one in found.items()}


def _durations(one: RunFacts, other: RunFacts) -> Iterator[Difference]:
    rows = [("run", _run_seconds(one), _run_seconds(other))]
    sides = [_step_seconds(run) for run in (one, other)]
    rows += [(step, sides[0].get(step), sides[1].get(step)) for step in _names(*sides)]
    yield from _times(rows)


def _run_seconds(run: RunFacts) -> Optional[float]:
    record = run.record
    return None if record.finished_at is None else record.finished_at - record.created_at


def _step_seconds(run: RunFacts) -> Dict[str, float]:
    return {
        record.name: record.finished_at - record.created_at
        for record in _steps(run)
        if record.finished_at is not None and record.created_at is not None
    }


def _seconds(record: TaskRecord) -> Optional[float]:
    return None if record.finished_at is None else record.finished_at - record.created_at


def _times(rows: Iterable[Tuple[str, Optional[float], Optional[float]]]) -> Iterator[Difference]:
    for what, before, after in rows:
        mine, theirs = _time(before), _time(after)
        if mine != theirs:
            yield Difference("durations", what, mine, theirs)


def _time(seconds: Optional[float]) -> str:
    return _ABSENT if seconds is None else "{:.2f} s".format(seconds)


def _names(before: Iterable[str], after: Iterable[str]) -> List[str]:
    return list(dict.fromkeys([*before, *after]))


RUN_SECTIONS: Mapping[str, Callable[[RunFacts, RunFacts], Iterator[Difference]]] = {
    "outcome": _outcome,
    "parameters": _parameters,
    "code": _code,
    "packages": _environments,
    "artifacts": _artifacts,
    "metrics": _metrics,
    "durations": _durations,
}
