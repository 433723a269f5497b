"""Secrets in a task's process: set as variables before the step's code, or asked for by it."""

from __future__ import annotations

import itertools
import json
import os
from typing import Any, Dict, List, Mapping, Optional, cast

from falaj.authoring.secret_sources import Source, source_fields
from falaj.authoring.wording import listed
from falaj.errors import DecoratorError, SecretError
from falaj.redaction import NOTE, hide
from falaj.runtime import notes
from falaj.runtime.control import control_command
from falaj.runtime.current import current

# Of a value's characters, as many as fit in one note, however they are escaped.
_PIECE = 300
_numbers = itertools.count()


def set_secrets(granted: Mapping[str, Any]) -> None:
    """Set the variables that control has fetched for this attempt.

    Raises SecretError where that failed, or where a variable is there already with another value.
    """
    if granted["error"]:
        raise SecretError(str(granted["error"]))
    variables: Dict[str, str] = granted["variables"]
    hide(variables.values())
    if not granted["allow_override"]:
        taken = [name for name, value in variables.items() if os.environ.get(name, value) != value]
        if taken:
            raise SecretError(
                "@secrets would set {}, which the environment has with another value; write "
                "allow_override=True to replace that.".format(listed(taken))
            )
    os.environ.update(variables)


def get_secret(source: Source, role: Optional[str] = None) -> Dict[str, str]:
    """Return the variables and values of one source, as `@secrets` would set them.

    In a task they are kept out of its log and records, as those of `@secrets` are. Raises
    SecretError where the secret can't be had.
    """
    try:
        fields = source_fields(source)
    except DecoratorError as error:
        raise SecretError(error.message.replace("@secrets", "get_secret")) from None
    task = current.__dict__.get("_task")
    folder = os.path.dirname(task[0].file) if task is not None else os.getcwd()
    asked = {"source": fields, "role": role, "folder": folder}
    answer = _ask(asked, task[1].context.get("control") if task is not None else None)
    if "variables" not in answer:
        raise SecretError(str(answer["error"]))
    variables = cast("Dict[str, str]", answer["variables"])
    if task is not None:
        hide(variables.values())
        for value in variables.values():
            _tell(value)
    return variables


def asking_command() -> List[str]:
    """Return the command of a process that fetches what its input asks for."""
    return control_command("from falaj_control.secrets.asking import main; main()")


def _ask(asked: Mapping[str, Any], control: Any) -> Dict[str, Any]:
    """Have an interpreter of control fetch it: steps' environments lack the libraries for that."""
    # Imported here: few steps ask.
    import subprocess

    done = subprocess.run(
        control or asking_command(),
        input=json.dumps(asked).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    try:
        return cast("Dict[str, Any]", json.loads(done.stdout))
    except ValueError:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise SecretError("The process that fetches secrets failed: {}".format(last)) from None


def _tell(value: str) -> None:
    number = "{}.{}".format(os.getpid(), next(_numbers))
    for start in range(0, len(value), _PIECE):
        is_last = start + _PIECE >= len(value)
        notes.tell(NOTE, [number, value[start : start + _PIECE], is_last])
