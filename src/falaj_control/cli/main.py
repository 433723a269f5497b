"""The `falaj` command: flow commands that name their file, and commands about all flows."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from falaj import compat
from falaj_control.cli.context import TOOL, CommandContext
from falaj_control.cli.errors import USAGE, guarded, refuse
from falaj_control.cli.flow_process import (
    COMPLETION_VARIABLE,
    FLOW_COMMANDS,
    FLOW_ENV_COMMANDS,
    METAFLOW,
    RECORD_COMMANDS,
    flow_program,
)
from falaj_control.cli.terminal import Output


def main() -> NoReturn:
    """Run `falaj` with this process's arguments, and exit."""
    sys.exit(run_tool(sys.argv[1:]))


def run_tool(arguments: Sequence[str]) -> int:
    """Do what `arguments` ask and return the exit code, unless a flow's process takes over."""
    errors = Output(sys.stderr)
    return guarded(lambda: _dispatch(list(arguments), errors), errors)


def _dispatch(arguments: list[str], errors: Output) -> int:
    if not os.environ.get(COMPLETION_VARIABLE) and arguments:
        command, *rest = arguments
        if command in FLOW_COMMANDS and rest[:1] == [METAFLOW]:
            # The flow's process reads it there, as do all that it starts.
            os.environ[compat.VARIABLE] = "1"
            rest = rest[1:]
        if _is_flow_file(command):
            typed = " ".join([TOOL, rest[0] if rest else "run", command])
            return refuse(f"The command comes before the file: {typed}", errors)
        # `falaj completion SHELL` prints a script; a flow's own completion is told by its file.
        own = command == "completion" and not (rest and _is_flow_file(rest[0]))
        if command in FLOW_COMMANDS and not own and _names_flow(command, rest):
            return _hand_over(command, rest[0], rest[1:], errors)
        if command == "card" and len(rest) > 1 and _is_flow_file(rest[1]):
            return _hand_over(f"card {rest[0]}", rest[1], rest[2:], errors)
        if command == "env" and rest and rest[0] in FLOW_ENV_COMMANDS:
            command, rest = f"env {rest[0]}", rest[1:]
            if rest and not rest[0].startswith("-"):
                return _hand_over(command, rest[0], rest[1:], errors)
    # Imported here: handing over to a flow's process is quick because it loads no command.
    from falaj_control.cli.tool import run_own

    line = CommandContext(TOOL, arguments=tuple(arguments), errors=errors)
    return run_own(line)


def _names_flow(command: str, rest: list[str]) -> bool:
    if not rest or rest[0].startswith("-"):
        return False
    return _is_flow_file(rest[0]) or (command not in (*RECORD_COMMANDS, "help"))


def _is_flow_file(text: str) -> bool:
    return _file_of(text).endswith(".py")


def _file_of(target: str) -> str:
    before, found, _ = target.rpartition(".py:")
    return before + ".py" if found else target


def _hand_over(command: str, target: str, arguments: list[str], errors: Output) -> int:
    problem = _problem_with(_file_of(target), command)
    if problem:
        return refuse(problem, errors)
    program = flow_program(command, target, arguments)
    try:
        os.execv(program[0], program)
    except OSError as error:
        return refuse(f"Can't start {program[0]}: {error.strerror}.", errors)
    return USAGE


def _problem_with(path: str, command: str) -> str:
    """Return one sentence about a file that can't hold a flow, or nothing."""
    example = f"Name a flow's file, as in: {TOOL} {command} flow.py"
    if os.path.isdir(path):
        return f"{path} is a folder. {example}"
    if not os.path.exists(path):
        near = _near_file(path)
        meant = f" Did you mean {near}?" if near else f" {example}"
        return f"There is no file {path}.{meant}"
    if not path.endswith(".py"):
        return f"{path} is not a Python file (.py). {example}"
    if not os.access(path, os.R_OK):
        return f"{path} can't be read. Check its permissions."
    return ""


def _near_file(path: str) -> str:
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    try:
        names = [one for one in os.listdir(folder or ".") if one.endswith(".py")]
    except OSError:
        return ""
    near = get_close_matches(name if name.endswith(".py") else name + ".py", names, n=1)
    return os.path.join(folder, near[0]) if near else ""


if __name__ == "__main__":
    main()
