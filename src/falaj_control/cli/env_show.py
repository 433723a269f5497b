"""`env show`: what an environment holds, by its key or by a step that ran in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import click

from falaj_control.cli import tables
from falaj_control.cli.context import CommandContext
from falaj_control.cli.env_kept import find_kept, this_cache
from falaj_control.environments.values import EnvironmentFailed

_HELP = """Show what an environment holds: interpreter, platform, packages with their hashes.

WHAT is the key of one that this machine keeps, or the path of a step or task that ran in it, such
as GenreStats/412/start."""


def show_command(line: CommandContext) -> click.Command:
    """Return `env show`."""

    def run(what: str, as_json: bool) -> None:
        description = _recorded(what) if "/" in what else _kept(what)
        if as_json:
            line.output.line(json.dumps(description, indent=2))
        else:
            _write(line, description)

    parameters: list[click.Parameter] = [
        click.Argument(["what"]),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
    ]
    return click.Command("show", callback=run, params=parameters, help=_HELP)


def _kept(key: str) -> Mapping[str, Any]:
    one = find_kept(this_cache(), key)
    if not one.is_finished:
        raise EnvironmentFailed(f"The building of {one.key} was not finished: nothing is in it.")
    return {**one.description, "path": one.prefix}


def _recorded(path: str) -> Mapping[str, Any]:
    # Imported here: a key needs no records.
    from falaj.client.access import Access
    from falaj.client.environments import run_environment, step_environment, task_environment
    from falaj_control.cli.pathspecs import select

    chosen = select(Access(), path, None)
    if chosen.task is not None:
        found = task_environment(chosen.task)
    elif chosen.step is not None:
        found = step_environment(chosen.run, chosen.step)
    else:
        found = run_environment(chosen.run)
    if found is None:
        raise EnvironmentFailed(f"It is not recorded what {path} ran in.")
    return found


def _write(line: CommandContext, description: Mapping[str, Any]) -> None:
    facts = list(_facts(description))
    width = max(len(name) for name, _ in facts)
    for name, text in facts:
        line.output.line(f"{name:{width}}  {line.output.shown(text)}")
    packages: list[Mapping[str, Any]] = list(description["packages"])
    if packages:
        line.output.line()
        rows = [
            [str(one.get(name) or "") for name in ("name", "version", "source", "sha256")]
            for one in packages
        ]
        tables.draw(line.output, ("package", "version", "source", "sha256"), rows)


def _facts(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    python = description["python"]
    yield "kind", str(description["kind"])
    yield "python", f"{python['implementation']} {python['version']} ({python['executable']})"
    yield "platform", str(description["platform"])
    lock = description.get("lock")
    # A run's record holds the whole lock.
    holder = cast("Mapping[str, Any]", lock) if isinstance(lock, Mapping) else description
    asked = holder.get("asked")
    if asked:
        yield "asked for", ", ".join(map(str, asked))
    for name in ("key", "path"):
        if description.get(name):
            yield name, str(description[name])
