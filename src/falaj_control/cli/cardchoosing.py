"""Which cards a command line means: a path, and what narrows its cards down."""

from __future__ import annotations

from typing import Any, NamedTuple

import click

from falaj.cards.container import Card, cards_of_task
from falaj.client.access import Access
from falaj.client.lookup import number
from falaj.client.taskfacts import TaskFacts
from falaj.errors import FalajNotFound, NoSuchCard
from falaj_control.cli.context import CommandContext
from falaj_control.cli.pathspecs import Selection, complete_paths, select

# Nobody reads a message of more lines.
_SHOWN = 20


class Wanted(NamedTuple):
    """What a card has to have; None takes any."""

    hash: str | None
    type: str | None
    id: str | None
    follow_resumed: bool


def choosing_options() -> list[click.Parameter]:
    """Return the options that narrow down the cards of a path."""
    return [
        click.Option(
            ["--hash"], metavar="HASH", help="Only the card with this hash, or its beginning."
        ),
        click.Option(["--type"], metavar="TYPE", help="Only cards of this type."),
        click.Option(["--id"], metavar="ID", help="Only cards with this id."),
        click.Option(
            ["--follow-resumed/--no-follow-resumed"],
            default=True,
            show_default=True,
            help="For a reused task, take the cards of the task that really ran.",
        ),
    ]


def path_argument(line: CommandContext, required: bool) -> click.Parameter:
    """Return the argument that names a task, a step or a run."""
    return click.Argument(["pathspec"], required=required, shell_complete=complete_paths(line))


def wanted_from(values: dict[str, Any]) -> Wanted:
    """Take the values of `choosing_options` out of a command's."""
    return Wanted(*(values.pop(name) for name in ("hash", "type", "id", "follow_resumed")))


def selected(line: CommandContext, access: Access, pathspec: str | None) -> Selection:
    """Return what a path names; a step's name alone, or none, is of the flow's latest run.

    Raises FalajInvalidPathspec or FalajNotFound.
    """
    path = (pathspec or "").strip("/")
    first = path.partition("/")[0]
    steps = [one.name for one in line.description.steps] if line.description is not None else []
    if line.flow_name is not None and (not path or (number(first) is None and first in steps)):
        return select(access, f"{latest_run(access, line.flow_name)}/{path}", line.flow_name)
    if not path:
        raise click.UsageError("Name a run, a step or a task, such as GenreStats/412/start.")
    return select(access, path, line.flow_name)


def latest_run(access: Access, flow: str) -> int:
    """Return the id of a flow's latest run; raise FalajNotFound where it has none."""
    found = access.reader.runs(flow, limit=1)
    if not found:
        raise FalajNotFound(f"{flow} has no run yet.")
    return found[0].id


def cards_of(task: TaskFacts, wanted: Wanted) -> list[Card]:
    """Return those cards of a task that are wanted."""
    cards = cards_of_task(task, wanted.id, wanted.type, wanted.follow_resumed)
    return [one for one in cards if wanted.hash is None or one.hash.startswith(wanted.hash)]


def one_card(line: CommandContext, pathspec: str, wanted: Wanted) -> Card:
    """Return the only card that is meant; raise NoSuchCard for none or several."""
    chosen = selected(line, Access(), pathspec)
    found = [card for task in chosen.tasks() for card in cards_of(task, wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        narrowed = any(one is not None for one in wanted[:3])
        raise NoSuchCard(
            f"{pathspec} has no {'such ' if narrowed else ''}card. See what there is with: "
            f"{line.typed('card list')} {pathspec}"
        )
    lines = [f"{one.pathspec} --hash {one.hash[:8]} ({described(one)})" for one in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"… and {len(found) - _SHOWN} more; all: {line.typed('card list')} {pathspec}")
    shown = "\n".join(lines)
    raise NoSuchCard(f"{pathspec} has {len(found)} cards; choose one by its hash:\n{shown}")


def described(card: Card) -> str:
    """Return type and id of a card."""
    return f"{card.type}, id {card.id}" if card.id else card.type
