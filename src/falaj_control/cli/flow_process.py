"""Which commands of `falaj` are done by a flow's own process, and how that is started."""

from __future__ import annotations

import sys
from collections.abc import Sequence

COMPLETION_VARIABLE = "_FALAJ_COMPLETE"
# Before the flow's file: it imports Metaflow, and gets Falaj.
METAFLOW = "--metaflow"
FLOW_COMMANDS = frozenset(
    (
        "check dump help lock logs output-dot output-raw package resume run show spin completion"
    ).split()
)
# Those of them that also work on what is recorded, without a flow's file.
RECORD_COMMANDS = frozenset(("dump", "logs", "show"))
# Of the subcommands of `env`, those that are about a flow, whose file comes after them.
FLOW_ENV_COMMANDS = frozenset(("build",))


def flow_program(command: str, target: str, arguments: Sequence[str]) -> list[str]:
    """Return the program that does a flow command on `FILE.py` or `FILE.py:FLOW`.

    `command` may have a subcommand: `env build`.
    """
    words = command.split()
    return [sys.executable, "-m", "falaj.runtime.launch", target, *words, *arguments]
