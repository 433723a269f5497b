"""Which notifiers a run has: what --notify and FALAJ_NOTIFY name, found and made."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from falaj import extensions
from falaj.authoring.wording import listed, near_miss
from falaj.errors import ExtensionError, ParameterError
from falaj_control.extensions import make
from falaj_control.notifiers.command import CommandNotifier
from falaj_control.ports.notifying import Notifier

VARIABLE = "FALAJ_NOTIFY"
_BUILT_IN = "command"


def chosen_notifiers(given: Sequence[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the texts NAME or NAME:TARGET of a run, each once; raise for those that can't be.

    What is `given` comes first, then what the variable says. Raises ParameterError for a variable
    whose quotes don't match, ExtensionError for a name that nobody gives, and NotificationFailed
    for the built-in one without a program.
    """
    text = environ.get(VARIABLE, "")
    try:
        always = shlex.split(text)
    except ValueError as error:
        raise ParameterError(f"{VARIABLE} is {text!r}, which can't be read: {error}.") from None
    wanted = tuple(dict.fromkeys((*given, *always)))
    for one in wanted:
        name, _, target = one.partition(":")
        if name == _BUILT_IN:
            # Told now rather than after hours.
            CommandNotifier(target)
        elif not extensions.is_installed("notifiers", name):
            known = [_BUILT_IN, *extensions.names("notifiers")]
            raise ExtensionError(
                f"There is no notifier `{name}`{near_miss(name, known)}; there are {listed(known)}."
            )
    return wanted


def make_notifier(text: str) -> Notifier:
    """Return the notifier for NAME or NAME:TARGET; raise FalajException."""
    name, _, target = text.partition(":")
    if name == _BUILT_IN:
        return CommandNotifier(target)
    made: Any = make("notifiers", name, target)
    return made
