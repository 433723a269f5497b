"""The options of a run that name what other installed packages give: notifiers and an executor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from falaj_control.ports.requests import LOCAL_EXECUTOR


def extension_options(resuming: bool) -> list[click.Parameter]:
    """Return the options; `resuming` makes the earlier run's values the defaults."""
    return [
        click.Option(
            ["--notify"],
            multiple=True,
            metavar="NAME[:TARGET]",
            help="Tell this notifier how the run ended: command:PROGRAM gives a program the facts "
            "as JSON, installed packages give others. May be repeated; the variable FALAJ_NOTIFY "
            "adds some to every run.",
        ),
        click.Option(
            ["--executor"],
            metavar="NAME",
            envvar="FALAJ_EXECUTOR",
            default=None if resuming else LOCAL_EXECUTOR,
            show_default="as in the earlier run" if resuming else True,
            help="Where tasks run: on this machine, or where an installed package takes them. The "
            "variable FALAJ_EXECUTOR says it as well.",
        ),
    ]


def extension_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what these options say of a RunRequest; raise FalajException for unknown names."""
    executor = values.get("executor") or None
    if not values.get("notify") and not os.environ.get("FALAJ_NOTIFY"):
        return {"executor": executor}
    # Imported here: most runs tell nobody.
    from falaj_control.notifiers.choosing import chosen_notifiers

    return {
        "executor": executor,
        "notify": chosen_notifiers(values.get("notify", ()), os.environ),
    }
