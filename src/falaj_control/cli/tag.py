"""`tag`: the tags of runs: add, remove, replace, list."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from falaj.client import Flow, Run, namespace
from falaj.errors import FalajNotFound
from falaj_control.cli import tables
from falaj_control.cli.context import TOOL, CommandContext
from falaj_control.cli.pathspecs import complete_runs
from falaj_control.settings import read_settings

_HELP = """Change or list the tags of runs.

System tags, such as user:ada, are set when a run starts and can't be changed."""


def command(line: CommandContext) -> click.Command:
    """Return the command with its subcommands, of one flow or of all."""
    makers = (_add, _remove, _replace, _list)
    return click.Group("tag", help=_HELP, commands=[make(line) for make in makers])


def _add(line: CommandContext) -> click.Command:
    def add(run_id: str, tags: tuple[str, ...], seen: str | None) -> None:
        run = _run(line, run_id, seen)
        run.add_tags(tags)
        _tell(line, run)

    return click.Command(
        "add", callback=add, params=[_run_option(line), _tags(), _namespace()], help="Add tags."
    )


def _remove(line: CommandContext) -> click.Command:
    def remove(run_id: str, tags: tuple[str, ...], seen: str | None) -> None:
        run = _run(line, run_id, seen)
        run.remove_tags(tags)
        _tell(line, run)

    parameters = [_run_option(line), _tags(), _namespace()]
    return click.Command(
        "remove",
        callback=remove,
        params=parameters,
        help="Remove tags; one that the run does not have is no error.",
    )


def _replace(line: CommandContext) -> click.Command:
    def replace(
        run_id: str,
        tags: tuple[str, ...],
        added: tuple[str, ...],
        removed: tuple[str, ...],
        seen: str | None,
    ) -> None:
        if bool(tags) == bool(added or removed) or len(tags) not in (0, 2):
            raise click.UsageError(
                "Name the old tag and the new one, or several of each by --remove and --add."
            )
        run = _run(line, run_id, seen)
        run.replace_tags(removed or tags[:1], added or tags[1:])
        _tell(line, run)

    parameters: list[click.Parameter] = [
        _run_option(line),
        click.Argument(["tags"], nargs=-1, metavar="[OLD NEW]"),
        click.Option(["--add", "added"], multiple=True, metavar="TAG", help="A tag to add."),
        click.Option(
            ["--remove", "removed"], multiple=True, metavar="TAG", help="A tag to remove."
        ),
        _namespace(),
    ]
    return click.Command(
        "replace",
        callback=replace,
        params=parameters,
        help="Replace tags, in one go: nobody sees the run without both.",
    )


def _list(line: CommandContext) -> click.Command:
    def show(
        run: str | None,
        run_id: str | None,
        every: bool,
        mine: bool,
        hidden: bool,
        by: str | None,
        as_json: bool,
        seen: str | None,
        **_: bool,
    ) -> None:
        if run is not None and run_id is not None:
            raise click.UsageError("Name the run once: as an argument or by --run-id.")
        if mine:
            seen = f"user:{read_settings().user}"
        elif seen is None and (every or run is not None or run_id is not None):
            # What was asked for by name, and all, is no matter of whose it is.
            seen = ""
        runs = _runs(line, run or run_id, every or mine or by is not None, seen)
        found = {run.pathspec: sorted(run.user_tags if hidden else run.tags) for run in runs}
        _show(line, found, by, as_json)

    parameters: list[click.Parameter] = [
        click.Argument(["run"], required=False, shell_complete=complete_runs(line)),
        _run_option(line, required=False),
        click.Option(
            ["--all", "every"], is_flag=True, help="All runs of everybody, not your latest alone."
        ),
        click.Option(["--my-runs", "mine"], is_flag=True, help="All runs of your own."),
        click.Option(["--hide-system-tags", "hidden"], is_flag=True, help="Only tags of users."),
        click.Option(
            ["--group-by-tag", "by"], flag_value="tag", help="Show the runs of each tag, of all."
        ),
        click.Option(
            ["--group-by-run", "by"], flag_value="run", help="Show the tags of each run, of all."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON: tags by run."),
        click.Option(["--flat"], is_flag=True, hidden=True, help="Each tag in a line, as ever."),
        _namespace(),
    ]
    return click.Command(
        "list",
        callback=show,
        params=parameters,
        help="List the tags of RUN, of your latest run, or of more.",
    )


def _show(line: CommandContext, found: dict[str, list[str]], by: str | None, as_json: bool) -> None:
    if as_json:
        line.output.line(json.dumps(found, indent=2))
    elif by == "run":
        rows = [[run, ", ".join(tags)] for run, tags in found.items()]
        tables.draw(line.output, ("run", "tags"), rows)
    elif by == "tag":
        runs: dict[str, list[str]] = {}
        for run, tags in found.items():
            for tag in tags:
                runs.setdefault(tag, []).append(run)
        rows = [[tag, ", ".join(runs[tag])] for tag in sorted(runs)]
        tables.draw(line.output, ("tag", "runs"), rows)
    else:
        for tag in sorted({tag for tags in found.values() for tag in tags}):
            line.output.line(line.output.shown(tag))


def _runs(line: CommandContext, run_id: str | None, every: bool, seen: str | None) -> Iterable[Run]:
    if run_id is not None:
        return [_run(line, run_id, seen)]
    if line.flow_name is None:
        raise click.UsageError(f"Name a run, as in: {TOOL} tag list --run-id GenreStats/412")
    _see(seen)
    flow = Flow(line.flow_name)
    if every:
        return flow.runs()
    latest = flow.latest_run
    if latest is None:
        raise FalajNotFound(f"{line.flow_name} has no run in this namespace.")
    return [latest]


def _run(line: CommandContext, wanted: str, seen: str | None) -> Run:
    _see(seen)
    if "/" in wanted:
        return Run(wanted)
    if line.flow_name is None:
        raise click.UsageError(f"Name the run with its flow, as in: --run-id GenreStats/{wanted}")
    return Run(f"{line.flow_name}/{wanted}")


def _see(seen: str | None) -> None:
    if seen is not None:
        namespace(seen or None)


def _tell(line: CommandContext, run: Run) -> None:
    tags = ", ".join(sorted(run.user_tags)) or "none"
    line.output.line(line.output.shown(f"Tags of {run.pathspec}: {tags}"))


def _run_option(line: CommandContext, required: bool = True) -> click.Parameter:
    form = "ID" if line.description is not None else "FLOW/ID"
    return click.Option(
        ["--run-id"],
        required=required,
        metavar=form,
        shell_complete=complete_runs(line),
        help="The run.",
    )


def _tags() -> click.Parameter:
    return click.Argument(["tags"], nargs=-1, required=True, metavar="TAG...")


def _namespace() -> click.Parameter:
    return click.Option(
        ["--namespace", "seen"],
        metavar="NAME",
        help="Look for runs in this namespace instead of your own; --namespace= for all.",
    )
