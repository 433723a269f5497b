"""Secrets that stand in the flow itself, for trying things out."""

from __future__ import annotations

from collections.abc import Mapping

from falaj_control.secrets.places import Source


class InlineSecrets:
    """Gives what the option `env_vars` holds; see the protocol."""

    def check(self) -> None:
        """Do nothing: it needs nothing."""

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Return the variables; see the protocol."""
        return source.chosen(env_vars=dict).get("env_vars", {})
