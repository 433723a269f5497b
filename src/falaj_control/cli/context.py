"""What every command of one flow is given: the flow, how it was called, and how to start a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from falaj.authoring.projects import NOTHING_ASKED, AskedBranch
from falaj.errors import FalajBug
from falaj.model.graph import FlowDescription
from falaj.model.orders import Order, Report
from falaj.runtime.shapes import DEFAULT_DECOSPECS
from falaj_control.cli.terminal import Output
from falaj_control.ports.requests import RunRequest
from falaj_control.ports.watching import Watcher

Start = Callable[[RunRequest, Watcher], int]
# Takes an order, the seconds that it may take, and whether it is done in its step's environment;
# returns its report, or why there is none.
CarryOut = Callable[[Order, float, bool], tuple[Report | None, str]]

# Names the file where a program that started the command hears of it.
ATTRIBUTE_OPTION = "--runner-attribute-file"
# The program's name where a flow file is named on the command line of `falaj`.
TOOL = "falaj"


def asked_decospecs(before: Sequence[str], own: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the decorators from outside: of `--with` before the command, of the command's own, and
    of the variable FALAJ_DEFAULT_DECOSPECS. Of two with one name, the first holds."""
    return (*before, *own, *os.environ.get(DEFAULT_DECOSPECS, "").split())


@dataclass
class CommandContext:
    """One command line about a flow.

    `program` is what was typed before the command: `python flow.py`, or `falaj`, which takes the
    file after the command. `siblings` are the other flows of the same file. The top-level options
    set `quiet`, `decospecs`, `environment`, `datastore`, `branch`, `trigger` and `has_configs`,
    which says that configs were typed. `carry_out` has a single order done in the flow's process.
    Commands that wait ask `interrupted` whether the person has had enough, where the signal itself
    goes to another process.
    """

    program: str
    description: FlowDescription | None = None
    start: Start | None = None
    carry_out: CarryOut | None = None
    arguments: tuple[str, ...] = ()
    siblings: tuple[str, ...] = ()
    quiet: bool = False
    decospecs: tuple[str, ...] = ()
    environment: str | None = None
    datastore: str | None = None
    has_configs: bool = False
    branch: AskedBranch = NOTHING_ASKED
    trigger: tuple[Mapping[str, Any], ...] = ()
    output: Output = field(default_factory=lambda: Output(sys.stdout))
    errors: Output = field(default_factory=lambda: Output(sys.stderr))
    interrupted: Callable[[], bool] = lambda: False

    @property
    def flow(self) -> FlowDescription:
        """The flow's description, for commands that need one."""
        if self.description is None:
            raise FalajBug("this command needs a flow")
        return self.description

    @property
    def flow_name(self) -> str | None:
        """The flow's name, where the command is about one flow."""
        return self.description.name if self.description is not None else None

    def typed(self, command: str) -> str:
        """Return what a person types for `command` of this flow."""
        if self.program != TOOL:
            return f"{self.program} {command}"
        file = self.description.file if self.description is not None else ""
        return f"{TOOL} {command} {shown_path(file) if file else 'flow.py'}"


def shown_path(path: str) -> str:
    """Return a path as a person would type it from here."""
    try:
        relative = os.path.relpath(path)
    except (OSError, ValueError):
        return path
    return path if relative.startswith(os.pardir) else relative
