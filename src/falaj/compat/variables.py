"""Metaflow's environment variables, read as those of Falaj that mean the same."""

from __future__ import annotations

import os
from typing import Callable, Dict, MutableMapping

_RUN = "METAFLOW_RUN_"
# What a step of Metaflow's finds in its own environment; it names no parameter.
_OF_TASKS = "METAFLOW_RUN_ID"


def _home(folder: str) -> str:
    # Metaflow's variable names the folder in which its own folder lies.
    return os.path.join(os.path.abspath(os.path.expanduser(folder)), ".falaj")


# Of two that mean the same, the first one wins.
_SAME: Dict[str, str] = {
    "METAFLOW_USER": "FALAJ_USER",
    "METAFLOW_FLOW_CONFIG": "FALAJ_FLOW_CONFIG",
    "METAFLOW_FLOW_CONFIG_VALUE": "FALAJ_FLOW_CONFIG_VALUE",
    "METAFLOW_ENVIRONMENT": "FALAJ_ENVIRONMENT",
    "METAFLOW_DEFAULT_ENVIRONMENT": "FALAJ_ENVIRONMENT",
    "METAFLOW_DEFAULT_DECOSPECS": "FALAJ_DEFAULT_DECOSPECS",
    "METAFLOW_DECOSPECS": "FALAJ_DEFAULT_DECOSPECS",
    "METAFLOW_BRANCH": "FALAJ_BRANCH",
    "METAFLOW_FLOW_BRANCH": "FALAJ_BRANCH",
    "METAFLOW_PRODUCTION": "FALAJ_PRODUCTION",
    "METAFLOW_FLOW_PRODUCTION": "FALAJ_PRODUCTION",
    "METAFLOW_DATASTORE_SYSROOT_LOCAL": "FALAJ_HOME",
}
_READ: Dict[str, Callable[[str], str]] = {"FALAJ_HOME": _home}


def translate(environ: MutableMapping[str, str]) -> None:
    """Set in `environ` what its METAFLOW_ variables ask for; Falaj's own win over them."""
    for name, own in _SAME.items():
        if environ.get(name):
            environ.setdefault(own, _READ.get(own, str)(environ[name]))
    for name, value in list(environ.items()):
        if name.startswith(_RUN) and name != _OF_TASKS and value:
            environ.setdefault("FALAJ_RUN_" + name[len(_RUN) :], value)
