"""Places that flows written for Metaflow may name, and that Falaj does not reach by itself."""

from __future__ import annotations

from collections.abc import Mapping

from falaj.errors import SecretError
from falaj_control.secrets.places import Source


class OutOfReach:
    """Says how to go on without it; see the protocol."""

    def __init__(self, type: str, what: str, command: str) -> None:
        """Stand for the place `what`, whose own tool prints a secret with `command`."""
        self._type, self._what, self._command = type, what, command

    def check(self) -> None:
        """Raise SecretError; see the protocol."""
        raise SecretError(
            f"secrets in {self._what} ({self._type}) are not available in this version. Set a "
            f"variable where the flow starts, such as DB_PASSWORD=$({self._command}), and write "
            "'environment.DB_PASSWORD'."
        )

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Raise SecretError; see the protocol."""
        source.refuse(f"{self._type} is not available in this version.")
