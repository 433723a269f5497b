"""Metaflow's environment variables, read as those of Falaj that mean the same."""

from __future__ import annotations

import os
from typing import Callable, Dict, MutableMapping

_PREFIX = "METAFLOW_"
_RUN = "METAFLOW_RUN_"
# What a step of Metaflow's finds in its own environment; they name no parameter.
_OF_TASKS = frozenset(("METAFLOW_RUN_ID", "METAFLOW_RUNTIME_NAME"))


def _home(folder: str) -> str:
    # Metaflow's variable names the folder in which its own folder lies.
    return os.path.join(os.path.abspath(os.path.expanduser(folder)), ".falaj")


_SAME: Dict[str, str] = {
    "METAFLOW_USER": "FALAJ_USER",
    "METAFLOW_FLOW_CONFIG": "FALAJ_FLOW_CONFIG",
    "METAFLOW_FLOW_CONFIG_VALUE": "FALAJ_FLOW_CONFIG_VALUE",
    "METAFLOW_QUIET": "FALAJ_QUIET",
    "METAFLOW_TRIGGER": "FALAJ_TRIGGER",
    "METAFLOW_FLOW_TRIGGER": "FALAJ_TRIGGER",
    "METAFLOW_ENVIRONMENT": "FALAJ_ENVIRONMENT",
    "METAFLOW_DEFAULT_ENVIRONMENT": "FALAJ_ENVIRONMENT",
    "METAFLOW_DEFAULT_DECOSPECS": "FALAJ_DEFAULT_DECOSPECS",
    "METAFLOW_DECOSPECS": "FALAJ_DEFAULT_DECOSPECS",
    "METAFLOW_BRANCH": "FALAJ_BRANCH",
    "METAFLOW_FLOW_BRANCH": "FALAJ_BRANCH",
    "METAFLOW_PRODUCTION": "FALAJ_PRODUCTION",
    "METAFLOW_FLOW_PRODUCTION": "FALAJ_PRODUCTION",
    "METAFLOW_DEFAULT_SECRETS_BACKEND_TYPE": "FALAJ_DEFAULT_SECRETS_BACKEND_TYPE",
    "METAFLOW_DEFAULT_SECRETS_ROLE": "FALAJ_DEFAULT_SECRETS_ROLE",
    "METAFLOW_DATASTORE_SYSROOT_LOCAL": "FALAJ_HOME",
}
_READ: Dict[str, Callable[[str], str]] = {"FALAJ_HOME": _home}


def translate(environ: MutableMapping[str, str]) -> None:
    """Set in `environ` what its METAFLOW_ variables ask for; Falaj's own win over them."""
    for name, value in list(environ.items()):
        if not name.startswith(_PREFIX) or name in _OF_TASKS or not value:
            continue
        if name.startswith(_RUN):
            environ.setdefault("FALAJ_RUN_" + name[len(_RUN) :], value)
        elif name in _SAME:
            own = _SAME[name]
            environ.setdefault(own, _READ.get(own, str)(value))
