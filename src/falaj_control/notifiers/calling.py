"""The process of one notifier: it reads what to tell to whom, tells it, and ends.

Standard input holds JSON, the notifier's text and the event; a target may be a secret, which other
users could read among the arguments of a process. What went wrong is written to a file of its own.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from falaj.errors import FalajException
from falaj_control.notifiers.choosing import make_notifier
from falaj_control.ports.notifying import RunEnded


def main(answer: int) -> int:
    """Do what standard input says; write why it failed to the file `answer`; return the status."""
    asked = json.loads(sys.stdin.read())
    fields: dict[str, Any] = asked["event"]
    fields["tags"] = tuple(fields["tags"])
    event = RunEnded(**fields)
    os.set_inheritable(answer, False)
    try:
        make_notifier(asked["notifier"]).notify(event)
    except FalajException as error:
        return _failed(answer, error.message)
    except Exception as error:
        return _failed(answer, f"{type(error).__name__}: {error}")
    return 0


def _failed(answer: int, why: str) -> int:
    os.write(answer, why.encode("utf-8", "backslashreplace")[:2000])
    return 1
