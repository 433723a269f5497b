"""`card create`: a card of a task that has ended, rendered now."""

from __future__ import annotations

import json
import os
import time
from typing import Any, cast

import click

from falaj.cards.left import encode, load_left
from falaj.client.access import Access
from falaj.client.cardrecords import FAILED, OPEN, CardRecord, read_cards
from falaj.client.taskfacts import TaskFacts
from falaj.errors import CardError, CorruptBlob
from falaj.model import states
from falaj.model.cards import BUILT_IN, recorded_cards
from falaj.model.orders import CARD, Order
from falaj.store.blobs import BlobStore
from falaj_control.cli.amounts import LONGEST, Amount
from falaj_control.cli.cardchoosing import path_argument, selected
from falaj_control.cli.context import CommandContext

_MODES = ("render", "render_runtime", "refresh")


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def create(**values: Any) -> int:
        return _create(line, **values)

    parameters: list[click.Parameter] = [
        path_argument(line, required=True),
        click.Option(
            ["--type", "kind"], default="default", show_default=True, help="The type of the card."
        ),
        click.Option(["--options"], default=None, metavar="JSON", help="The options of the card."),
        click.Option(
            ["--timeout"],
            type=Amount(excluded=True, most=LONGEST),
            default=None,
            metavar="SECONDS",
            help="The longest that rendering may take.  [default: 45, or as its decorator says]",
        ),
        click.Option(
            ["--render-error-card"],
            is_flag=True,
            help="Keep a card with the error where rendering fails.",
        ),
        click.Option(["--id", "name"], default=None, metavar="ID", help="The id of the card."),
        click.Option(
            ["--component-file"],
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            help="Show the components in FILE: JSON, a list of what their render() returns.",
        ),
        click.Option(
            ["--mode"],
            type=click.Choice(_MODES),
            default="render",
            show_default=True,
            help="Which method of the card makes it; what refresh returns is printed.",
        ),
    ]
    text = (
        "Render a card of a task that has ended. One of the same type and id that could not be "
        "rendered before is replaced, components and all."
    )
    return click.Command("create", callback=create, params=parameters, help=text)


def _create(
    line: CommandContext,
    pathspec: str,
    kind: str,
    options: str | None,
    timeout: float | None,
    render_error_card: bool,
    name: str | None,
    component_file: str | None,
    mode: str,
) -> int:
    task = _task(line, pathspec)
    store = task.access.store
    source = task.source
    earlier = _earlier(task, kind, name)
    data = earlier.data if earlier is not None else None
    if component_file is not None:
        data = _components(store, component_file)
    declared = _declared(task, kind, name, earlier)
    asked = {
        "store": os.path.abspath(store.root),
        "type": kind,
        "options": _options(options) if options is not None else declared.get("options", {}),
        "save_errors": render_error_card,
        "data": data,
        "mode": mode,
        "previous": None,
    }
    if line.carry_out is None:
        raise CardError(
            f"A card is rendered beside its flow. Name the flow's file: "
            f"falaj card create FLOW.py {task.pathspec}"
        )
    order = Order(
        CARD,
        task.run.flow,
        source.run,
        source.step,
        source.id,
        task.current_attempt(),
        (),
        (),
        None,
        {},
        asked,
    )
    seconds = timeout or float(declared.get("timeout", 45))
    report, why = line.carry_out(order, seconds, kind not in BUILT_IN)
    digest = report.manifest if report is not None else None
    if report is not None and report.error is not None:
        why = report.error.traceback or f"{report.error.type}: {report.error.message}"
    if mode == "refresh" and digest is not None and not why:
        line.output.line(store.read(digest).decode())
        return 0
    if digest is not None:
        _keep(task, kind, name, data, digest, why)
    if why:
        kept = " A card with the error was kept." if digest is not None else ""
        raise CardError(f"The card {kind} of {task.pathspec} was not rendered.{kept}\n{why}")
    line.errors.line(f"Card of type {kind} of {task.pathspec} rendered.")
    return 0


def _task(line: CommandContext, pathspec: str) -> TaskFacts:
    tasks = list(selected(line, Access(), pathspec).tasks())
    if len(tasks) != 1:
        raise click.UsageError(f"{pathspec} is {len(tasks)} tasks; name one: RUN/STEP/TASK.")
    (task,) = tasks
    if task.sight().state not in states.TASK_FINAL:
        raise CardError(f"{task.pathspec} still runs; its cards are rendered when it has ended.")
    return task


def _earlier(task: TaskFacts, kind: str, name: str | None) -> CardRecord | None:
    """Return the card that is replaced, else one like it; None for neither."""
    source = task.source
    found = read_cards(task.access.home, source.run, source.id, task.current_attempt())
    same = [one for one in found if (one.type, one.id) == (kind, name)]
    open_ones = [one for one in same if one.state in (OPEN, FAILED)]
    return next(iter([*open_ones, *same]), None)


def _declared(
    task: TaskFacts, kind: str, name: str | None, earlier: CardRecord | None
) -> dict[str, Any]:
    declared = recorded_cards(task.run.record.graph, task.record.step)
    same = [place for place, one in enumerate(declared) if (one["type"], one["id"]) == (kind, name)]
    # Where the task is reused, its own run may have had the decorators in another order.
    if earlier is not None and earlier.position in same:
        return declared[earlier.position]
    return declared[same[0]] if same else {}


def _options(text: str) -> dict[str, Any]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"--options takes JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.BadParameter('--options takes an object, such as \'{"title": "A"}\'.')
    return cast("dict[str, Any]", found)


def _components(store: BlobStore, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            found: Any = json.load(file)
        if not isinstance(found, list):
            raise TypeError("it is no list")
        digest = store.put(encode([(None, one) for one in cast("list[Any]", found)], None))
        load_left(store, digest)
        return digest
    except (ValueError, TypeError, RecursionError, CorruptBlob, OSError) as error:
        raise click.BadParameter(
            f"{path} holds no components: a list of what render() returns, as JSON ({error})."
        ) from error


def _keep(
    task: TaskFacts, kind: str, name: str | None, data: str | None, html: str, why: str
) -> None:
    # Imported here: a command that only prints opens no records to write.
    from falaj_control.records.cards import keep_card

    source = task.source
    reason = why.strip().rpartition("\n")[2][:1000] if why else ""
    attempt = (source.run, source.id, task.current_attempt())
    keep_card(task.access.home, attempt, (kind, name, reason, data, html), time.time())
