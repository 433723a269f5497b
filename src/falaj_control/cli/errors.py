"""The one place that prints errors and picks exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from falaj.errors import FalajException
from falaj_control.cli.terminal import Output

FAILED = 1
USAGE = 2
BUG = 70
INTERRUPTED = 130
# What a shell reports of a program that a closed pipe has ended.
CLOSED_PIPE = 141


def guarded(body: Callable[[], int], errors: Output | None = None) -> int:
    """Return the exit code of `body`, printing whatever it raises."""
    try:
        return body()
    except BaseException as error:
        return report(error, Output(sys.stderr) if errors is None else errors)


def report(error: BaseException, errors: Output) -> int:
    """Print an error as its reader needs it and return the exit code it stands for."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED if error.code else 0
    if isinstance(error, FalajException):
        return _user_error(error, errors)
    if isinstance(error, KeyboardInterrupt):
        errors.line("\nInterrupted.")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _silence_stdout()
        return CLOSED_PIPE
    code = _usage_error(error, errors)
    if code is None:
        errors.write("".join(traceback.format_exception(error)))
        errors.line("This is a bug in Falaj. Please report it with the lines above.")
        return BUG
    return code


def refuse(sentence: str, errors: Output) -> int:
    """Print what is wrong with a command line and return the exit code for it."""
    errors.line(f"{errors.painted('Error:', '1;31')} {sentence}")
    return USAGE


def _user_error(error: FalajException, errors: Output) -> int:
    headline = errors.painted(f"{error.headline}:", "1;31")
    message = errors.shown_lines(error.message) if error.message else []
    if error.line_no is not None:
        message.append(f"(line {error.line_no} of the flow file)")
    if len(message) == 1:
        errors.line(f"{headline} {message[0]}")
    else:
        errors.line(headline)
        for line in message:
            errors.line(f"    {line}" if line else "")
    return FAILED


def _usage_error(error: BaseException, errors: Output) -> int | None:
    # Imported here: the quick way through `falaj run` needs no click, and errors are rare.
    from click.exceptions import Abort, ClickException, Exit, UsageError

    if isinstance(error, Exit):
        return error.exit_code
    if isinstance(error, Abort):
        errors.line("\nInterrupted.")
        return INTERRUPTED
    if not isinstance(error, ClickException):
        return None
    if isinstance(error, UsageError) and error.ctx is not None:
        errors.line(error.ctx.get_usage())
        errors.line(f"Try '{error.ctx.command_path} --help' for help.\n")
    refuse(error.format_message(), errors)
    return error.exit_code


def _silence_stdout() -> None:
    # What is still buffered is flushed when the interpreter leaves; it must not fail then.
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.close(sink)
