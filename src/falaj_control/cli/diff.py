"""`falaj diff`: what differs between two runs, or between two tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable

import click

from falaj.authoring.wording import listed, near_miss
from falaj.client.access import Access
from falaj.client.differences import RUN_SECTIONS, Difference, compare_runs, compare_tasks
from falaj.errors import FalajInvalidPathspec
from falaj_control.cli.context import CommandContext
from falaj_control.cli.pathspecs import FORMS, Selection, complete_paths, select

_HELP = f"""Say what differs between two runs, or between two tasks.

Of runs: how they ended, parameters, code, packages, artifacts (by digest, with a glance at the
values), metrics and durations. No value is loaded. A path is {FORMS}."""
_COLOURS = {"+": "32", "-": "31", "@": "36"}


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def diff(one: str, other: str, only: tuple[str, ...], as_json: bool, exit_code: bool) -> int:
        found = _compare(one, other, only)
        if as_json:
            line.output.line(json.dumps([each._asdict() for each in found], indent=2))
        elif found:
            _draw(line, found)
        else:
            line.errors.line("Nothing differs.")
        # How long something took is never the same twice.
        return int(exit_code and any(each.section != "durations" for each in found))

    complete = complete_paths(line)
    parameters: list[click.Parameter] = [
        click.Argument(["one"], metavar="PATH", shell_complete=complete),
        click.Argument(["other"], metavar="PATH", shell_complete=complete),
        click.Option(
            ["--only"],
            metavar="LIST",
            callback=_sections,
            help=f"Compare only these, with commas between: {', '.join(RUN_SECTIONS)}.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
        click.Option(
            ["--exit-code"],
            is_flag=True,
            help="Exit with 1 where anything but durations differs, as diff does.",
        ),
    ]
    return click.Command("diff", callback=diff, params=parameters, help=_HELP)


def _sections(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    if value is None:
        return tuple(RUN_SECTIONS)
    names = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in names:
        if name not in RUN_SECTIONS:
            hint = near_miss(name, RUN_SECTIONS)
            raise click.BadParameter(
                f"there is no {name!r}{hint}; there are {listed(RUN_SECTIONS)}"
            )
    return names


def _compare(one: str, other: str, sections: tuple[str, ...]) -> list[Difference]:
    access = Access()
    first, second = select(access, one, None), select(access, other, None)
    if _kind(first) != _kind(second) or _kind(first) == "step":
        raise FalajInvalidPathspec(
            f"{one} is a {_kind(first)} and {other} is a {_kind(second)}. Name two runs or two "
            "tasks."
        )
    if first.task is not None and second.task is not None:
        found: Iterable[Difference] = compare_tasks(first.task, second.task)
        return [each for each in found if each.section in sections]
    return list(compare_runs(first.run, second.run, sections))


def _kind(chosen: Selection) -> str:
    if chosen.task is not None:
        return "task"
    return "run" if chosen.step is None else "step"


def _draw(line: CommandContext, found: list[Difference]) -> None:
    output = line.output
    section = ""
    for each in found:
        if each.section != section:
            section = each.section
            output.line(output.painted(section, "1"))
        output.line(
            f"  {output.shown(each.what)}: {output.shown(f'{each.before} -> {each.after}')}"
        )
        for text in each.lines:
            output.line("    " + _painted(line, text))
    output.flush()


def _painted(line: CommandContext, text: str) -> str:
    shown = line.output.shown(text)
    colour = _COLOURS.get(text[:1])
    return shown if colour is None else line.output.painted(shown, colour)
