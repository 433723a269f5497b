"""`env shell`: a shell, or a command, in the environment of a step."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence

import click

from falaj_control.cli.context import CommandContext
from falaj_control.cli.env_kept import find_kept, this_cache
from falaj_control.cli.flow_process import flow_program
from falaj_control.environments.cache import HeldEnvironment
from falaj_control.environments.values import EnvironmentFailed
from falaj_control.packaging.inside import variables_inside

_HELP = """Start a shell in an environment: that of STEP in FLOW.py, or the one with a key.

It is built first where it is not there. Instead of a shell, a command may be given after --, as in:
falaj env shell flow.py start -- python script.py"""
_SHELL = "/bin/sh"


def shell_command(line: CommandContext) -> click.Command:
    """Return `env shell`."""

    def run(target: str, rest: tuple[str, ...]) -> int:
        if _is_flow(target):
            if not rest:
                raise click.UsageError(f"Name a step, as in: falaj env shell {target} start")
            key, rest = _key_of(target, rest[0]), rest[1:]
            if not key:
                return 1
        else:
            key = find_kept(this_cache(), target).key
        command = rest[1:] if rest[:1] == ("--",) else rest
        held = this_cache().hold(key)
        if held is None:
            raise EnvironmentFailed(
                f"Environment {key} is damaged or not finished. Have it built again, as in: "
                "falaj env build flow.py"
            )
        return _enter(line, held, command)

    parameters: list[click.Parameter] = [
        click.Argument(["target"], metavar="FLOW.py|KEY"),
        click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED, metavar="[STEP] [-- COMMAND]"),
    ]
    return click.Command(
        "shell",
        callback=run,
        params=parameters,
        help=_HELP,
        # What follows the step belongs to the command.
        context_settings={"allow_interspersed_args": False},
    )


def _is_flow(target: str) -> bool:
    return target.endswith(".py") or ".py:" in target


def _key_of(target: str, step: str) -> str:
    """Have the flow's own process build the step's environment; return its key, or nothing.

    That process is not the terminal's, so the shell can't be started there.
    """
    program = flow_program("env build", target, ["--json", "--", step])
    done = subprocess.run(program, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return ""
    # The flow's own file may have printed something before.
    description = json.loads(done.stdout.rstrip("\n").rpartition("\n")[2])[step]
    if description is None:
        raise EnvironmentFailed(
            f"Step {step} has no environment of its own; it runs in the interpreter that the flow "
            "is launched with."
        )
    return str(description["key"])


def _enter(line: CommandContext, held: HeldEnvironment, command: Sequence[str]) -> int:
    environment = held.environment
    program = list(command) or [os.environ.get("SHELL") or _SHELL]
    if not command:
        python = environment.description["python"]["version"]
        line.errors.line(f"Environment {environment.key}: Python {python}. Leave it with: exit")
    held.bequeath()
    try:
        os.execvpe(program[0], program, variables_inside(environment.prefix, os.environ))
    except OSError as error:
        raise EnvironmentFailed(f"Can't start {program[0]}: {error.strerror}.") from error
