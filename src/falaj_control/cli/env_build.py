"""`env build`: make the environments of a flow's steps before a run needs them."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from falaj.authoring.wording import near_miss
from falaj.model.graph import FlowDescription
from falaj_control.cli.context import TOOL, CommandContext, asked_decospecs
from falaj_control.cli.wording import duration
from falaj_control.engine.options import decorated
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.ports.preparing import Failed, Preparing, Ready
from falaj_control.settings import read_settings

if TYPE_CHECKING:
    from falaj_control.environments.preparation import Preparation
    from falaj_control.outfitting import Outfit

_HELP = """Build the environments of a flow's steps, of all or of those that are named.

A run then finds them ready and needs no network for them."""
_POLL_SECONDS = 0.05


def build_command(line: CommandContext) -> click.Command:
    """Return `env build`; without a flow it only has its help."""

    def run(steps: tuple[str, ...], locked: bool, as_json: bool) -> None:
        if line.description is None:
            raise click.UsageError(f"Name the flow's file: {TOOL} env build flow.py")
        outfit = _outfit(line, locked)
        chosen = _chosen(outfit.requests, steps)
        found = _Building(line, outfit.preparation).run(chosen) if chosen else {}
        if as_json:
            line.output.line(json.dumps({step: found.get(step) for step in outfit.requests}))
        elif not chosen:
            line.output.line(
                f"{', '.join(steps) or line.flow.name}: nothing to build, it runs in the "
                "interpreter that the flow is launched with."
            )

    parameters: list[click.Parameter] = [
        click.Argument(["steps"], nargs=-1, metavar="[STEP]...", shell_complete=_complete(line)),
        click.Option(
            ["--locked"], is_flag=True, help="Resolve nothing that the lock file does not hold."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Write JSON, one line."),
    ]
    return click.Command("build", callback=run, params=parameters, help=_HELP)


class _Building:
    """One call of the command: tells how the work goes, and ends it when nobody wants it."""

    def __init__(self, line: CommandContext, make: Any) -> None:
        self._line = line
        self._news = threading.Event()
        self._preparation: Preparation = make(self._news.set)
        self._found: dict[str, Mapping[str, Any]] = {}
        self._failures: list[str] = []

    def run(self, steps: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return what there is of each step; raises EnvironmentFailed for those that fail."""
        ended: set[str] = set()
        self._preparation.begin(steps)
        try:
            while not ended.issuperset(steps):
                self._news.wait(_POLL_SECONDS)
                self._news.clear()
                if self._line.interrupted():
                    raise KeyboardInterrupt
                for event in self._preparation.take_events():
                    ended.update(self._tell(event))
        finally:
            self._preparation.close()
        if self._failures:
            # The headline of the error says the rest.
            told = (one.removeprefix("No environment for ") for one in self._failures)
            raise EnvironmentFailed("\n".join(told))
        return self._found

    def _tell(self, event: Preparing | Ready | Failed) -> Sequence[str]:
        """Show an event and return the steps whose work has ended with it."""
        names = ", ".join(event.steps)
        errors = self._line.errors
        if isinstance(event, Preparing):
            if event.text:
                errors.line(errors.shown(f"{names}: {event.text}"))
            return ()
        if isinstance(event, Failed):
            self._failures.append(event.reason)
            return event.steps
        if event.note:
            errors.line(errors.shown(event.note))
        errors.line(errors.shown(f"{names}: {_ready(event)}"))
        self._found.update((step, event.description) for step in event.steps)
        return event.steps


def build_step(
    line: CommandContext,
    description: FlowDescription,
    step: str,
    chosen: str | None,
    described: Mapping[str, str],
) -> Mapping[str, Any]:
    """Return the environment of one step of a recorded flow, built where it is missing.

    `described` holds the digest of what the run recorded of it, whose lock is used.
    """
    outfit = outfit_for(description, chosen, described, False)
    return _Building(line, outfit.preparation).run([step])[step]


def _ready(event: Ready) -> str:
    count = len(event.description["packages"])
    packages = "1 package" if count == 1 else f"{count} packages"
    how = f"built in {duration(event.seconds)}" if event.worked else "already there"
    python = event.description["python"]["version"]
    return f"Python {python}, {packages}, {how} ({event.description['key']})"


def _outfit(line: CommandContext, locked: bool) -> Outfit:
    flow = decorated(line.flow, asked_decospecs(line.decospecs))
    return outfit_for(flow, line.environment, {}, locked)


def outfit_for(
    flow: FlowDescription, chosen: str | None, described: Mapping[str, str], locked: bool
) -> Outfit:
    """Return what the steps of `flow` ask for, on this machine, outside of a run."""
    # Imported here: the help needs none of it.
    from falaj_control.outfitting import Places, outfit_of

    settings = read_settings()
    places = Places(
        cache=settings.cache,
        store=settings.home.store,
        travel="",
        # The launcher's own interpreter runs this process, too.
        python=sys.executable,
        chosen=chosen,
    )
    return outfit_of(flow, places, described, locked)


def _chosen(requests: Mapping[str, Any], steps: Sequence[str]) -> list[str]:
    """Return the steps that are named, or all, that have an environment of their own."""
    for step in steps:
        if step not in requests:
            raise click.UsageError(f"There is no step '{step}'{near_miss(step, list(requests))}.")
    return [step for step in steps or requests if requests[step] is not None]


def _complete(line: CommandContext) -> Any:
    # Imported here: only a shell that completes needs it.
    from falaj_control.cli.pathspecs import complete_steps

    return complete_steps(line)
