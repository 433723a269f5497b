"""The program that started a command through Runner: what it says of itself, and what it is told.

`--runner-attribute-file F` names the file that is written once the run is recorded, or where the
command fails before. Beside it, `F.starter` says how the keyword arguments were meant, and is
locked for as long as the program lives.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from falaj.errors import StoreUnavailable
from falaj.model.graph import FlowDescription
from falaj_control.cli.context import ATTRIBUTE_OPTION
from falaj_control.cli.errors import report
from falaj_control.cli.options import ParameterType, parameter_options
from falaj_control.cli.terminal import Output
from falaj_control.engine.attributes import write_attributes

_SUFFIX = ".starter"
_LOGS = ("stdout.log", "stderr.log")
# Which parameters take a value of a type that could be written down for any.
_TAKEN_BY = {"list": ("json",), "tuple": ("json",), "dict": ("json",), "bool": ("bool", "json")}


class Starter(NamedTuple):
    """Where a program waits for word of its command, and the types of what it gave."""

    path: str
    kinds: dict[str, str]
    detached: bool

    def watch(self) -> None:
        """Stop the command, as a polite kill would, once the program has gone."""
        if self.detached:
            return
        launcher = os.getppid()
        try:
            file = open(self.path + _SUFFIX)
        except OSError:
            # It has gone and cleaned up already.
            os.kill(launcher, signal.SIGTERM)
            return

        def wait() -> None:
            fcntl.lockf(file, fcntl.LOCK_SH)
            if os.getppid() == launcher:
                os.kill(launcher, signal.SIGTERM)
            self._clear()

        threading.Thread(target=wait, daemon=True).start()

    def _clear(self) -> None:
        # Nobody else is left to do it; what is not the program's own stays.
        folder = os.path.dirname(self.path)
        logs = [os.path.join(folder, name) for name in _LOGS]
        try:
            for path in (self.path, self.path + _SUFFIX, *logs):
                os.unlink(path)
            os.rmdir(folder)
        except OSError:
            pass

    def guarded(self, body: Callable[[], int], errors: Output) -> int:
        """Return the exit code of `body`; what it raises is told to the program instead."""
        try:
            return body()
        except BaseException as error:
            if os.path.exists(self.path):
                return report(error, errors)
            said = io.StringIO()
            code = report(error, Output(said, {}))
            try:
                write_attributes(self.path, {"error": _described(error, said.getvalue())})
            except StoreUnavailable:
                return report(error, errors)
            return code

    def check(self, description: FlowDescription | None) -> None:
        """Raise BadParameter for a value whose Python type its parameter does not take."""
        for index, spec in enumerate(description.parameters if description else ()):
            kind = self.kinds.get(spec.name, self.kinds.get(keyword_of(spec.name), ""))
            if kind and spec.type not in _TAKEN_BY[kind]:
                assert description is not None
                wanted = f"a text with {spec.separator!r} between" if spec.separator else spec.type
                raise click.BadParameter(
                    f"Parameter `{spec.name}` takes {wanted}, not a {kind}.",
                    param=parameter_options(description)[index],
                )


def starter_of(arguments: Sequence[str]) -> Starter | None:
    """Return the program that these arguments tell of, or None where a person typed them."""
    if ATTRIBUTE_OPTION not in arguments[:-1]:
        return None
    path = arguments[arguments.index(ATTRIBUTE_OPTION) + 1]
    try:
        with open(path + _SUFFIX, encoding="utf-8") as file:
            said = json.load(file)
    except FileNotFoundError:
        # The option was typed by hand: the file is wanted, and nobody is to be watched.
        return Starter(path, {}, True)
    return Starter(path, said["kinds"], said["detached"])


def keyword_of(name: str) -> str:
    """Return what an option's name is as a keyword argument."""
    return name.lstrip("-").replace("-", "_")


def _described(error: BaseException, text: str) -> dict[str, Any]:
    if isinstance(error, click.NoSuchOption):
        context = error.ctx
        return {
            "kind": "unknown",
            "option": error.option_name,
            "known": _keywords(context.command) if context else [],
            "before_command": isinstance(context.command, click.Group) if context else False,
        }
    if isinstance(error, click.BadParameter) and error.param is not None:
        kind = error.param.type
        return {
            "kind": "missing" if isinstance(error, click.MissingParameter) else "bad",
            "option": error.param.opts[0],
            "message": error.message,
            "is_typed": isinstance(kind, ParameterType) and kind.name != "file",
            "is_number": isinstance(kind, type(click.INT) | type(click.FLOAT)),
            "before_command": bool(error.ctx and isinstance(error.ctx.command, click.Group)),
        }
    return {"kind": "refused", "text": text}


def _keywords(command: click.Command) -> list[str]:
    return [
        keyword_of(one.opts[0]) if isinstance(one.type, ParameterType) else str(one.name)
        for one in command.params
        if not (isinstance(one, click.Option) and one.hidden) and one.name != "help"
    ]
