"""Secrets in the environment in which the flow was launched."""

from __future__ import annotations

import os
from collections.abc import Mapping

from falaj_control.secrets.places import Source


class EnvironmentSecrets:
    """Gives a variable, or with an id that ends in `*` all that begin so; see the protocol."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Take them from `environ`."""
        self._environ = environ

    def check(self) -> None:
        """Do nothing: it needs nothing."""

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Return the variables; see the protocol."""
        renamed = source.chosen(env_var_name=str).get("env_var_name")
        if not source.id.endswith("*"):
            if source.id not in self._environ:
                source.refuse(f"the variable {source.id} is not set. Set it where the flow starts.")
            return {renamed or source.id: self._environ[source.id]}
        if renamed:
            source.refuse("`env_var_name` is for one variable, and this may be several.")
        begins = source.id[:-1]
        found = {name: text for name, text in self._environ.items() if name.startswith(begins)}
        # Ours say how Falaj works; tasks have them anyway.
        found = {name: text for name, text in found.items() if not name.startswith("FALAJ_")}
        if not found:
            source.refuse(f"no variable begins with {begins!r}. Set them where the flow starts.")
        return found
