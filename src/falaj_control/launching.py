"""The process that imported the flow, as control knows it, and what is asked of it alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from falaj.model.graph import FlowDescription
from falaj.model.orders import Order, Report
from falaj_control.engine.orders import travel_alone
from falaj_control.executors.hosts import HostLink, Interpreter
from falaj_control.ports.executing import Placement
from falaj_control.ports.preparing import ENVIRONMENT_DECORATORS
from falaj_control.records.origins import read_chosen
from falaj_control.settings import Settings, read_settings

if TYPE_CHECKING:
    from falaj_control.outfitting import Outfit


class Launcher(NamedTuple):
    """The process that imported the flow: our connection to it and what it said of itself."""

    link: HostLink
    interpreter: Interpreter
    constants: tuple[str, ...]
    fork_unsafe: str
    program: str
    falaj_root: str


def launcher_from(hello: Mapping[str, Any], link: HostLink, falaj_root: str) -> Launcher:
    """Return the launcher that introduced itself with `hello`."""
    source = ""
    try:
        with open(hello["file"], "rb") as file:
            source = file.read().decode("latin-1")
    except OSError:
        # A flow without a file (a notebook) can be forked, not started afresh.
        pass
    return Launcher(
        link=link,
        interpreter=Interpreter(
            python=hello["python"],
            flags=tuple(hello["flags"]),
            file=hello["file"],
            source=source,
            package=hello["package"],
            flow=hello["flow"],
            cwd=hello["cwd"],
            arguments=tuple(hello["arguments"]),
            shape=hello.get("shape", {}),
        ),
        constants=tuple(hello.get("constants", ())),
        fork_unsafe=hello["fork_unsafe"],
        program=hello["program"],
        falaj_root=falaj_root,
    )


def outfit_for(
    launcher: Launcher,
    settings: Settings,
    description: FlowDescription,
    before: tuple[str | None, Mapping[str, str]],
    locked: bool,
) -> Outfit | None:
    """Return what the steps ask for, None where none does; `before` is what `--environment` says,
    and the digests of the descriptions of the run that is resumed, by step."""
    chosen, described = before
    asking = {one.name for one in description.decorators}
    asking |= {one.name for step in description.steps for one in step.decorators}
    if not asking & ENVIRONMENT_DECORATORS and chosen in (None, "local"):
        return None
    # Imported here: most flows run where they were launched.
    from falaj_control.outfitting import Places, outfit_of

    places = Places(
        cache=settings.cache,
        store=settings.home.store,
        travel=settings.home.travelled,
        python=launcher.interpreter.python,
        chosen=chosen,
    )
    return outfit_of(description, places, described, locked)


def carry_out(
    launcher: Launcher,
    description: FlowDescription,
    order: Order,
    seconds: float,
    inside: bool,
) -> tuple[Report | None, str]:
    """Have one order done without a run; return its report, or why there is none.

    `inside` asks for the environment of the order's step, as it was in the order's run.
    """
    # Imported here: most commands give no order.
    from falaj_control.executors.single import carry_out_alone

    fresh = bool(launcher.fork_unsafe)
    here = Placement(fresh=fresh)
    parts = launcher.link, launcher.interpreter, launcher.falaj_root
    outfit: Outfit | None = None
    if inside:
        settings = read_settings()
        before = read_chosen(settings.home, order.run)
        outfit = outfit_for(launcher, settings, description, before, locked=False)
    if outfit is None:
        return carry_out_alone(*parts, order, seconds, here)
    report, why = carry_out_alone(*parts, travel_alone(order), seconds, here)
    if report is None or report.manifest is None:
        reason = report.error.message if report is not None and report.error is not None else why
        return None, f"Collecting the flow's own packages failed: {reason}"
    with outfit.place(order.step, report.manifest) as place:
        found = here if place is None else Placement(place=place)
        return carry_out_alone(*parts, order, seconds, found)
