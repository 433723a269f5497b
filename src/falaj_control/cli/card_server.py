"""`card server`: the cards of a run in a browser, up to date while it goes on."""

from __future__ import annotations

import threading
import time

import click

from falaj.client import namespace
from falaj.client.access import Access, RunFacts
from falaj.client.namespaces import get_namespace
from falaj.client.resolve import find_run
from falaj_control.cli.cardchoosing import latest_run
from falaj_control.cli.cardserving import CardServer
from falaj_control.cli.context import TOOL, CommandContext
from falaj_control.cli.pathspecs import complete_runs

_LOOK_EVERY = 0.2


def command(line: CommandContext) -> click.Command:
    """Return the command."""

    def serve(
        run_id: str | None, port: int, seen: str | None, poll_interval: int, max_cards: int
    ) -> None:
        _serve(line, run_id, port, seen, poll_interval, max_cards)

    form = "ID" if line.description is not None else "FLOW/ID"
    parameters: list[click.Parameter] = [
        click.Option(
            ["--run-id"],
            metavar=form,
            shell_complete=complete_runs(line),
            help="The run.  [default: the flow's latest, also once another has begun]",
        ),
        click.Option(
            ["--port"],
            type=click.IntRange(0, 65535),
            default=8324,
            show_default=True,
            help="Where to listen, on this machine alone; 0 takes a free port.",
        ),
        click.Option(
            ["--namespace", "seen"],
            metavar="NAME",
            help="Look for the run in this namespace; by default in all.",
        ),
        click.Option(
            ["--poll-interval"],
            type=click.IntRange(min=1),
            default=5,
            show_default=True,
            metavar="SECONDS",
            help="How often an open page looks for changes.",
        ),
        click.Option(
            ["--max-cards"],
            type=click.IntRange(min=1),
            default=30,
            show_default=True,
            help="Show at most this many cards, the latest.",
        ),
    ]
    text = "Show the cards of a run in a browser, up to date while it runs. Ctrl-C ends it."
    return click.Command("server", callback=serve, params=parameters, help=text)


def _serve(
    line: CommandContext,
    run_id: str | None,
    port: int,
    seen: str | None,
    poll_interval: int,
    max_cards: int,
) -> None:
    namespace(seen or None)
    flow, wanted = line.flow_name, run_id
    if wanted is not None and "/" in wanted:
        flow, _, wanted = wanted.partition("/")
    if flow is None:
        raise click.UsageError(f"Name a run, as in: {TOOL} card server --run-id GenreStats/412")
    named: str = flow

    def run() -> RunFacts:
        access = Access(None, get_namespace())
        return find_run(access, named, wanted or str(latest_run(access, named)))

    # A run that is not there is told now, not to the browser.
    run()
    try:
        server = CardServer(run, port, poll_interval, max_cards)
    except OSError as error:
        raise click.UsageError(
            f"Can't listen on port {port}: {error.strerror}. Choose another with --port, or a "
            "free one with --port 0."
        ) from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    line.output.line(f"Cards of {named} are at {server.address}  (Ctrl-C ends this)")
    try:
        while not line.interrupted():
            time.sleep(_LOOK_EVERY)
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()
        server.server_close()
