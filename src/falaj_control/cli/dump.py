"""`dump`: the artifacts of tasks, by their previews; their values only into a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from falaj.client.access import Access
from falaj.client.taskfacts import TaskFacts
from falaj.model import states
from falaj.store.manifests import Entry, Manifest
from falaj_control.cli.context import CommandContext
from falaj_control.cli.dump_values import PlainValues
from falaj_control.cli.pathspecs import FORMS, Selection, complete_paths, select
from falaj_control.cli.workers import run_worker

_HELP = f"""Show the artifacts of a task, or of all tasks of a step or a run.

PATHSPEC is {FORMS}. Plain data is shown whole; other values as they were previewed when the task
ran, for nothing is loaded that could run code, except into --file."""
# Previews have it where they leave something out.
_CUT = "\u2026"
TOO_LARGE = "< artifact too large >"
_EXPORT = (
    "import sys; from falaj.client.export import main; "
    "from falaj.runtime.flowfile import load_flow; sys.exit(main(load_flow))"
)


def command(line: CommandContext) -> click.Command:
    """Return the command; `line` may be about no flow in particular."""

    def dump(
        pathspec: str, private: bool, max_value_size: int, include: str | None, file: str | None
    ) -> int:
        access = Access()
        chosen = select(access, pathspec, line.flow_name)
        wanted = _names(include)
        if file is not None:
            return _export(line, access, chosen, wanted, private, file)
        _show(line, chosen, wanted, private, max_value_size)
        return 0

    parameters: list[click.Parameter] = [
        click.Argument(["pathspec"], shell_complete=complete_paths(line)),
        click.Option(
            ["--private/--no-private"],
            default=False,
            help="Show artifacts whose name starts with an underscore, too.",
        ),
        click.Option(
            ["--max-value-size"],
            type=click.IntRange(min=0),
            default=1000,
            show_default=True,
            metavar="BYTES",
            help="Show only values that are stored in no more than this; 0 shows none.",
        ),
        click.Option(
            ["--include"], metavar="NAMES", help="Show only these artifacts: names with commas."
        ),
        click.Option(
            ["--file"],
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Load the values and pickle them to FILE as {pathspec: {name: value}}.",
        ),
    ]
    return click.Command("dump", callback=dump, params=parameters, help=_HELP)


def artifact_line(
    name: str,
    entry: Entry,
    preview: dict[str, Any] | None,
    limit: int,
    whole: Callable[[Entry], str | None] = lambda _: None,
) -> str:
    """Return `name [size: N type: <class>] = value`, as Metaflow writes it.

    `whole` gives the value as text where its preview is cut, if it can.
    """
    value = TOO_LARGE
    if entry.size <= limit:
        value = _value_text(preview or {})
        if _CUT in value:
            value = whole(entry) or value
    return f"{name} [size: {entry.size} type: <class '{entry.type}'>] = {value}"


def _value_text(preview: dict[str, Any]) -> str:
    text = preview.get("text")
    # A text is shown as it is, unless its preview had to be cut.
    if isinstance(text, str) and preview.get("len") == len(text):
        return text
    return str(preview.get("repr", ""))


def _names(include: str | None) -> list[str] | None:
    if include is None:
        return None
    return [name.strip() for name in include.split(",") if name.strip()]


def _show(
    line: CommandContext, chosen: Selection, wanted: list[str] | None, private: bool, limit: int
) -> None:
    output = line.output
    values = PlainValues(chosen.run.access.home.store)
    for task in chosen.tasks():
        if line.interrupted():
            raise KeyboardInterrupt
        run, step, number = task.parts[1:]
        # Each heading comes before its artifacts where both streams go to one place.
        output.flush()
        line.errors.line(f"Dumping output of run_id={run} step={step} task_id={number}")
        # A whole run mixes the artifacts of many tasks, which their names alone can't tell apart.
        prefix = f"{step}/{number} " if chosen.step is None else ""
        manifest = task.manifest()
        if manifest is None:
            line.errors.line(f"    (no artifacts: {_why_none(task)})")
            continue
        for name in _shown_names(manifest, wanted, private):
            entry = manifest.entries[name]
            text = artifact_line(name, entry, manifest.preview(name), limit, values.text)
            output.write(f"{prefix}{_shown(line, text)}\n")
        for name in wanted or ():
            if name not in manifest.entries:
                line.errors.line(f"    (no artifact {name})")
    values.close()
    output.flush()


def _shown(line: CommandContext, text: str) -> str:
    return "\n".join(line.output.shown_lines(text))


def _why_none(task: TaskFacts) -> str:
    state = task.sight().state
    return f"the task is {states.TITLES.get(state, state)}"


def _shown_names(manifest: Manifest, wanted: list[str] | None, private: bool) -> list[str]:
    names = sorted(manifest.names())
    if wanted is not None:
        return [name for name in names if name in wanted]
    return [name for name in names if private or not name.startswith("_")]


def _export(
    line: CommandContext,
    access: Access,
    chosen: Selection,
    wanted: list[str] | None,
    private: bool,
    file: str,
) -> int:
    # Values run the code of their classes when they load, which this process must never do.
    request = {
        "home": access.home.root,
        "tasks": [list(task.parts) for task in chosen.tasks()],
        "names": wanted,
        "private": private,
        "script": line.description.file if line.description is not None else None,
        "file": os.path.abspath(os.path.expanduser(file)),
    }
    code = run_worker(line, _EXPORT, request)
    if code == 0:
        line.errors.line(f"Artifacts written to {file}")
    return code if code >= 0 else 1
