"""`falaj doctor`: examine this machine and this home, and say what to mend."""

from __future__ import annotations

import json
import os

import click

from falaj_control.cli.context import CommandContext
from falaj_control.housekeeping.findings import FAIL, OK, WARN, Finding
from falaj_control.housekeeping.homes import examine_home
from falaj_control.housekeeping.machine import examine_machine
from falaj_control.settings import read_settings

_HELP = """Examine this machine and the home, and say what to mend.

Nothing is changed. The exit status is 1 if something fails, and 0 if there are only warnings."""
_COLOURS = {OK: "32", WARN: "33", FAIL: "31"}


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def doctor(deep: bool, as_json: bool) -> int:
        settings = read_settings()
        found: list[Finding] = []
        for examine in (
            examine_machine(settings, os.environ, deep),
            examine_home(settings.home, deep),
        ):
            for one in examine:
                found.append(one)
                if not as_json:
                    _tell(line, one)
        if as_json:
            line.output.line(json.dumps([one._asdict() for one in found], indent=2))
        failed = sum(one.level == FAIL for one in found)
        if not as_json:
            warned = sum(one.level == WARN for one in found)
            line.errors.line(f"{failed} failed, {warned} warned, {len(found)} examined.")
        return 1 if failed else 0

    parameters: list[click.Parameter] = [
        click.Option(
            ["--deep"],
            is_flag=True,
            help="Read every blob and every environment, and follow every reference: slower.",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
    ]
    return click.Command("doctor", callback=doctor, params=parameters, help=_HELP)


def _tell(line: CommandContext, one: Finding) -> None:
    output = line.output
    level = output.painted(f"{one.level:4}", _COLOURS[one.level])
    output.line(f"{level}  {one.subject}: {output.shown(one.text)}")
    if one.mend:
        output.line(f"      {output.shown(one.mend)}")
