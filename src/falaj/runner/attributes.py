"""What control tells a Runner of the command that it started: the run, or why there is none."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional

from falaj.authoring.wording import listed, near_miss
from falaj.errors import RunNotStarted
from falaj.runner.commandline import Call
from falaj.runner.commands import Command

_COLOUR = re.compile("\x1b\\[[0-9;]*m")
# Of an output that is quoted in an error, at most these last characters.
_MOST_QUOTED = 10_000


def read_attributes(command: Command) -> Optional[Dict[str, Any]]:
    """Return what control has written, or None as long as it hasn't."""
    try:
        with open(command.attribute_file, encoding="utf-8") as file:
            return dict(json.load(file))
    except FileNotFoundError:
        return None


def complaint(said: Optional[Dict[str, Any]], command: Command, call: Call, top: Call) -> Exception:
    """Return the exception for a command that came to no run; `said` is what control wrote.

    A wrong keyword becomes ValueError, a value of the wrong type TypeError, all else
    RunNotStarted with what the command printed.
    """
    error = (said or {}).get("error")
    if error is None:
        return RunNotStarted(_nothing_said(command))
    if error["kind"] == "refused":
        return RunNotStarted(str(error["text"]).strip())
    near = top if error["before_command"] else call
    option = str(error["option"])
    name = near.keywords.get(option) or option.lstrip("-").replace("-", "_")
    if error["kind"] == "unknown":
        return ValueError(_no_argument(near.method, name, error["known"]))
    if error["kind"] == "missing":
        return ValueError("{} needs a value for `{}`.".format(near.method, name))
    if error["is_typed"]:
        # It names the parameter itself.
        return TypeError("{}: {}".format(near.method, error["message"]))
    text = "{}: `{}`: {}".format(near.method, name, error["message"])
    value = near.values.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return TypeError(text) if error["is_number"] and not is_number else ValueError(text)


def _no_argument(method: str, name: str, known: List[str]) -> str:
    meant = near_miss(name, known)
    said = "{} has no argument `{}`{}.".format(method, name, meant)
    return said if meant else "{} It takes {}.".format(said, listed(sorted(known)))


def _nothing_said(command: Command) -> str:
    if command.timeout:
        return "No run was recorded in time, so the command was stopped."
    status = command.returncode
    printed = _COLOUR.sub("", command.output("stderr") or command.output("stdout")).strip()
    if printed:
        return "The command ended with status {} before it had started a run:\n{}".format(
            status, printed[-_MOST_QUOTED:]
        )
    return (
        "The command ended with status {} and said nothing. Does the file call its flow, as in "
        '`if __name__ == "__main__": MyFlow()`?'.format(status)
    )
