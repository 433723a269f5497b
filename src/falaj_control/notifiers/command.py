"""The notifier `command`: a program that is given the event as JSON."""

from __future__ import annotations

import json
import shlex
import subprocess

from falaj.errors import FalajException
from falaj_control.ports.notifying import RunEnded


class NotificationFailed(FalajException):
    """A notifier that could not do what it was asked."""

    headline = "Notification failed"


class CommandNotifier:
    """Runs a program, without a shell, with the event as JSON on its standard input."""

    def __init__(self, target: str) -> None:
        """Run the words of `target`, quoted as in a shell."""
        try:
            self._words = shlex.split(target)
        except ValueError as error:
            raise NotificationFailed(f"{target!r} is no command: {error}") from None
        if not self._words:
            raise NotificationFailed("name the program, as in --notify command:./tell.sh")

    def notify(self, event: RunEnded) -> None:
        """Run the program to its end; see the port."""
        text = json.dumps(event._asdict())
        try:
            done = subprocess.run(self._words, input=text, text=True, check=False)
        except OSError as error:
            raise NotificationFailed(f"{self._words[0]} can't be run: {error.strerror}") from None
        if done.returncode:
            raise NotificationFailed(f"{self._words[0]} ended with status {done.returncode}")
