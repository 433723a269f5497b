"""`env`: the environments of steps on this machine: built, shown, checked, entered, removed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import click

from falaj_control.cli.context import CommandContext
from falaj_control.cli.flow_commands import no_command
from falaj_control.cli.flow_process import FLOW_ENV_COMMANDS

_HELP = """Build, show, check, enter and remove the environments of steps on this machine.

They are kept in FALAJ_CACHE (by default ~/.cache/falaj) and built again when they are missed.
KEY is what `falaj env list` shows, or as much of it as tells it apart."""
_MODULES = {
    "list": "env_kept",
    "show": "env_show",
    "build": "env_build",
    "shell": "env_shell",
    "check": "env_kept",
    "remove": "env_kept",
    "gc": "env_kept",
}


def command(line: CommandContext) -> click.Command:
    """Return the command; of one flow it has those subcommands alone that are about flows."""
    return EnvGroup(line)


class EnvGroup(click.Group):
    """The subcommands, each made when it is asked for."""

    def __init__(self, line: CommandContext) -> None:
        """Make subcommands for `line`."""
        super().__init__("env", help=_HELP, no_args_is_help=True)
        self._line = line

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the subcommands' names."""
        return [name for name in _MODULES if self._line.description is None or _is_of_flows(name)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, importing what it needs."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"falaj_control.cli.{_MODULES[cmd_name]}")
        make: Callable[[CommandContext], click.Command] = getattr(module, f"{cmd_name}_command")
        return make(self._line)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that was typed, or say which one was probably meant."""
        name = args[0]
        if name in _MODULES and name not in self.list_commands(ctx):
            raise click.UsageError(f"'{name}' is about no flow. Type: falaj env {name}", ctx)
        if name not in _MODULES and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(no_command(f"env {name}", [f"env {one}" for one in _MODULES]))
        return super().resolve_command(ctx, args)


def _is_of_flows(name: str) -> bool:
    return name in FLOW_ENV_COMMANDS
