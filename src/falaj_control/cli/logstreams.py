"""Which streams of a task's output a command line means: one, the other, or both."""

from __future__ import annotations

from typing import Any

import click

from falaj.model.loglines import STDERR, STDOUT

_OPTIONS = {"stdout": STDOUT, "stderr": STDERR, "both": STDOUT + STDERR}


def stream_options(stdout: str, stderr: str, both: str) -> list[click.Parameter]:
    """Return the options, with what each says of itself."""
    helps = {"stdout": stdout, "stderr": stderr, "both": f"{both}  [default]"}
    return [click.Option([f"--{name}"], is_flag=True, help=text) for name, text in helps.items()]


def streams_from(values: dict[str, Any]) -> str:
    """Take the values of `stream_options` out of a command's; return the letters of log lines."""
    given = [letters for name, letters in _OPTIONS.items() if values.pop(name)]
    return "".join(given) or _OPTIONS["both"]
