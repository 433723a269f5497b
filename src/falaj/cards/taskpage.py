"""What the default card tells of a task, read through the client; values are never loaded."""

from __future__ import annotations

import ast
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple, cast

from falaj.cards.measured import metrics, resources
from falaj.cards.page.figures import moment, span
from falaj.cards.plain import plain, text_of
from falaj.client.environments import in_a_line
from falaj.client.taskfacts import TaskFacts, facts_of
from falaj.version import VERSION

Described = Dict[str, Any]

_MOST_ARTIFACTS = 200
_LOG_LINES = 100
# Characters of a parameter; a whole file may be one.
_MOST_VALUE = 200
_LOG_CHARACTERS = 40_000


def brief_facts(task: Any) -> Described:
    """Return what stands at the head of a card that shows components alone."""
    return {"pathspec": task.pathspec, "state": task.state}


def head_facts(task: Any) -> Described:
    """Return what stands at the head of the default card."""
    facts = facts_of(task)
    run = facts.run.record
    sight = facts.sight()
    began, ended = _times(facts)
    rows = [("started", moment(began))]
    if ended is not None:
        rows.append(("took", span(ended - began)))
    rows.append(("by", run.user))
    tags = sorted(text_of(tag) for tag in task.user_tags)
    if tags:
        rows.append(("tags", ", ".join(tags)))
    if task.label or task.index is not None:
        words = "{}".format(task.index) + (" · " + task.label if task.label else "")
        rows.append(("foreach", words))
    if facts.current_attempt():
        rows.append(("attempt", str(facts.current_attempt())))
    environment = _or_none(lambda: task.environment_info)
    if environment is not None:
        rows.append(("environment", in_a_line(environment)))
    if task.origin_pathspec:
        rows.append(("reuses", task.origin_pathspec))
    note = "As of {}; the task is {}.".format(moment(_now()), sight.state)
    return {
        "pathspec": task.pathspec,
        "state": sight.state,
        "rows": rows,
        "note": note if ended is None else "Falaj {}".format(VERSION),
    }


def task_sections(task: Any, options: Mapping[str, Any]) -> List[Described]:
    """Return the sections of the default card; what can't be read leaves a section out."""
    makers: List[Callable[[], Optional[Described]]] = [
        lambda: _failure(task),
        lambda: _metrics(task),
        lambda: _parameters(task) if options.get("show_parameters", True) else None,
        lambda: _artifacts(task),
        lambda: _graph(task),
        lambda: _code(task),
        lambda: _resources(task),
        lambda: _environment(task),
        lambda: _logs(task),
    ]
    return [one for one in map(_or_none, makers) if one is not None]


def _or_none(make: Callable[[], Any]) -> Any:
    # A card is read when something went wrong, too: a blob that is damaged, code that is gone.
    try:
        return make()
    except Exception:
        return None


def _section(title: str, contents: List[Described], folded: Optional[bool] = None) -> Described:
    return {"type": "section", "title": title, "contents": contents, "folded": folded}


def _failure(task: Any) -> Optional[Described]:
    error = facts_of(task).error()
    if error is None:
        return None
    return {
        "type": "error",
        "title": "The task failed",
        "name": error.type,
        "message": error.message,
        "traceback": error.traceback or None,
    }


def _parameters(task: Any) -> Optional[Described]:
    run = facts_of(task).run
    declared: List[Dict[str, Any]] = list(run.record.graph.get("parameters") or ())
    manifest = run.access.manifest(run.record.parameters)
    rows: List[List[Any]] = []
    for one in declared:
        name = str(one.get("attribute"))
        shown = None if manifest is None else manifest.preview(name)
        text = shown.get("text", shown.get("repr")) if shown else None
        rows.append([str(one.get("name", name)), _brief(text), str(one.get("help") or "") or None])
    if not rows:
        return None
    if not any(row[2] for row in rows):
        rows = [row[:2] for row in rows]
    headers = ["name", "value", "help"][: len(rows[0])]
    return _section("Parameters", [{"type": "table", "columns": headers, "data": rows}])


def _brief(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= _MOST_VALUE:
        return value
    return value[:_MOST_VALUE] + "…"


def _artifacts(task: Any) -> Optional[Described]:
    parameters = {
        str(one.get("attribute")) for one in facts_of(task).run.record.graph.get("parameters") or ()
    }
    items: List[Described] = []
    left_out = 0
    for artifact in task:
        if artifact.id in parameters:
            continue
        if len(items) >= _MOST_ARTIFACTS:
            left_out += 1
            continue
        items.append(
            {
                "name": artifact.id,
                "type": artifact.type,
                "size": artifact.size,
                "preview": plain(_or_none(lambda one=artifact: one.preview)),
            }
        )
    if not items:
        return None
    contents: List[Described] = [{"type": "artifacts", "items": items}]
    if left_out:
        contents.append({"type": "markdown", "source": "{:,} more artifacts.".format(left_out)})
    return _section("Artifacts", contents)


def _graph(task: Any) -> Optional[Described]:
    run = facts_of(task).run
    steps: List[Dict[str, Any]] = list(run.record.graph.get("steps") or ())
    if not steps:
        return None
    kept = ("name", "kind", "targets", "foreach", "is_join", "doc")
    described = {"steps": [{name: one.get(name) for name in kept} for one in steps]}
    marked = str(task.pathspec).split("/")[2]
    # How other steps stand would be out of date as soon as the page is kept.
    states = {marked: facts_of(task).sight().state}
    return _section(
        "Flow",
        [{"type": "graph", "graph": described, "marked": marked, "states": states}],
        folded=False,
    )


def _code(task: Any) -> Optional[Described]:
    code = task.code
    if code is None:
        return None
    step = str(task.pathspec).split("/")[2]
    found = _step_source(code.flowspec, str(task.pathspec).split("/")[0], step)
    text = code.flowspec if found is None else found
    return _section("Code", [{"type": "pythonCode", "data": text}], folded=False)


def _step_source(source: str, flow: str, step: str) -> Optional[str]:
    """Return the source of a step with its decorators; None where the file does not show it."""
    found: Optional[ast.AST] = None
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                named = isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))
                if named and inner.name == step and (found is None or node.name == flow):
                    found = inner
    if found is None:
        return None
    function = cast(ast.FunctionDef, found)
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    lines = source.splitlines()[first - 1 : _last_line(function)]
    # Imported here: only this section needs it.
    from textwrap import dedent

    return dedent("\n".join(lines))


def _last_line(function: ast.AST) -> int:
    # Before 3.8 nodes don't know where they end.
    ends = [
        getattr(node, "end_lineno", None) or getattr(node, "lineno", 0)
        for node in ast.walk(function)
    ]
    return max(ends)


def _metrics(task: Any) -> Optional[Described]:
    contents = metrics(task)
    return _section("Metrics", contents) if contents else None


def _resources(task: Any) -> Optional[Described]:
    contents = resources(task)
    return _section("Times and resources", contents) if contents else None


def _environment(task: Any) -> Optional[Described]:
    found = task.environment_info
    if found is None:
        return None
    python: Dict[str, Any] = found.get("python") or {}
    rows: List[Tuple[str, Any]] = [
        ("Python", "{} {}".format(python.get("implementation", ""), python.get("version", ""))),
        ("platform", found.get("platform")),
        ("kind", found.get("kind")),
    ]
    rows = [(name, text_of(value).strip()) for name, value in rows if value]
    packages = [
        [one.get("name"), one.get("version")]
        for one in cast(List[Any], found.get("packages") or ())
    ]
    contents: List[Described] = [{"type": "facts", "rows": rows}]
    if packages:
        contents.append({"type": "table", "columns": ["package", "version"], "data": packages})
    return _section("Environment", contents, folded=True)


def _logs(task: Any) -> Optional[Described]:
    contents: List[Described] = []
    for stream, text in (("stdout", task.stdout), ("stderr", task.stderr)):
        if not text.strip():
            continue
        lines = text.splitlines()
        tail = "\n".join(lines[-_LOG_LINES:])[-_LOG_CHARACTERS:]
        words = "**{}**".format(stream)
        if len(lines) > _LOG_LINES:
            words += ", the last {} of {:,} lines".format(_LOG_LINES, len(lines))
        contents.append({"type": "markdown", "source": words})
        contents.append({"type": "log", "data": text_of(tail)})
    return _section("Log", contents, folded=False) if contents else None


def _times(facts: TaskFacts) -> Tuple[float, Optional[float]]:
    one = facts.attempt_record()
    if one is not None:
        return one.started_at, one.finished_at
    sight = facts.sight()
    return sight.created_at, sight.finished_at


def _now() -> float:
    # Imported here: only the card of a task that still runs asks for the time.
    import time

    return time.time()
