"""Metaflow's environment variables, read as those of Falaj that mean the same."""

from __future__ import annotations

import os
from typing import Callable, Dict, List, MutableMapping

_RUN = "METAFLOW_RUN_"
# Lists the variables of Falaj's that are there for Metaflow's.
_SET = "FALAJ_METAFLOW_SET"
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
    """Set in `environ` what its METAFLOW_ variables ask for; Falaj's own win over them.

    What an earlier call set, here or in the process that started this one, is set anew.
    """
    for own in environ.pop(_SET, "").split():
        environ.pop(own, None)
    asked = dict(_SAME)
    for name in environ:
        if name.startswith(_RUN) and name != _OF_TASKS:
            asked[name] = "FALAJ_RUN_" + name[len(_RUN) :]
    done: List[str] = []
    for name, own in asked.items():
        if environ.get(name) and own not in environ:
            environ[own] = _READ.get(own, str)(environ[name])
            # A folder depends on the working folder and is settled once.
            if own not in _READ:
                done.append(own)
    if done:
        environ[_SET] = " ".join(done)
