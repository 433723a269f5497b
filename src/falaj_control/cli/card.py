"""`card`: the cards of tasks: listed, written to a file, opened, rendered again, served."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from falaj.client.access import Access
from falaj_control.cli import tables
from falaj_control.cli.cardchoosing import (
    cards_of,
    choosing_options,
    one_card,
    path_argument,
    selected,
    wanted_from,
)
from falaj_control.cli.context import CommandContext

_HELP = """List, show and render the cards of tasks.

PATHSPEC names a task, or a step or run with all of its tasks. A flow's own command also takes the
name of a step, of its latest run."""
_SHORT = 10
_ELSEWHERE = {"create": "card_create", "server": "card_server"}
_NAMES = ("create", "get", "list", "server", "view")


def command(line: CommandContext) -> click.Command:
    """Return the command with its subcommands, of one flow or of all."""
    return CardGroup(line)


class CardGroup(click.Group):
    """The subcommands, each made when it is asked for."""

    def __init__(self, line: CommandContext) -> None:
        """Make subcommands for `line`."""
        super().__init__("card", help=_HELP, no_args_is_help=True)
        self._line = line
        self._makers: dict[str, Callable[[CommandContext], click.Command]] = {
            "get": _get,
            "list": _list,
            "view": _view,
        }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the subcommands' names."""
        return list(_NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, importing what it needs."""
        if cmd_name in _ELSEWHERE:
            module = import_module(f"falaj_control.cli.{_ELSEWHERE[cmd_name]}")
            made: click.Command = module.command(self._line)
            return made
        make = self._makers.get(cmd_name)
        return None if make is None else make(self._line)


def _list(line: CommandContext) -> click.Command:
    def show(pathspec: str | None, as_json: bool, file: str | None, **values: Any) -> None:
        wanted = wanted_from(values)
        chosen = selected(line, Access(), pathspec)
        found = [(task, cards_of(task, wanted)) for task in chosen.tasks()]
        if as_json or file is not None:
            told = [
                {
                    "pathspec": task.pathspec,
                    "cards": [
                        {
                            "id": card.id,
                            "hash": card.hash,
                            "type": card.type,
                            "filename": card.filename,
                        }
                        for card in cards
                    ],
                }
                for task, cards in found
            ]
            _write(line, json.dumps(told[0] if chosen.task is not None else told, indent=4), file)
            return
        rows = [
            [task.pathspec, card.type, card.id or "", card.hash[:_SHORT]]
            for task, cards in found
            for card in cards
        ]
        if rows:
            tables.draw(line.output, ("task", "type", "id", "hash"), rows)
        else:
            line.errors.line("No cards.")

    parameters = [
        path_argument(line, required=False),
        *choosing_options(),
        click.Option(["--as-json"], is_flag=True, help="Write JSON."),
        click.Option(
            ["--file"],
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="Write JSON to FILE.",
        ),
    ]
    text = "List the cards of a task, a step or a run; by default those of the latest run."
    return click.Command("list", callback=show, params=parameters, help=text)


def _get(line: CommandContext) -> click.Command:
    def get(pathspec: str, path: str | None, **values: Any) -> None:
        card = one_card(line, pathspec, wanted_from(values))
        _write(line, card.get(), path)

    parameters = [
        path_argument(line, required=True),
        click.Argument(["path"], required=False, type=click.Path(dir_okay=False)),
        *choosing_options(),
    ]
    text = "Write a card's page to the file PATH, or to standard output."
    return click.Command("get", callback=get, params=parameters, help=text)


def _view(line: CommandContext) -> click.Command:
    def view(pathspec: str, open_it: bool, **values: Any) -> None:
        # Imported here: the other commands open and write nothing.
        import tempfile
        import webbrowser

        card = one_card(line, pathspec, wanted_from(values))
        path = os.path.join(tempfile.mkdtemp(prefix="falaj-card-"), card.filename)
        _write(line, card.get(), path)
        opened = open_it and webbrowser.open(f"file://{path}")
        line.output.line(line.output.shown(f"Opened {path}" if opened else path))

    parameters = [
        path_argument(line, required=True),
        *choosing_options(),
        click.Option(
            ["--open/--no-open", "open_it"],
            default=True,
            help="Open a browser; without, only say where the page lies.",
        ),
    ]
    text = "Open a card in a browser."
    return click.Command("view", callback=view, params=parameters, help=text)


def _write(line: CommandContext, text: str, path: str | None) -> None:
    if path is None:
        line.output.line(text)
        return
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise click.UsageError(f"Can't write {path}: {error.strerror}.") from error
