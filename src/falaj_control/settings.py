"""Every setting of the control side: one frozen value, read once from the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from falaj.errors import ParameterError
from falaj.home import Home, find_home, home_folder, user_name
from falaj.liveness import SILENCE_SECONDS

PREFIX = "FALAJ_"
LONGEST_LEASE_INTERVAL = SILENCE_SECONDS / 3


@dataclass(frozen=True)
class Settings:
    """What can be set; each field is read from the variable FALAJ_<NAME>."""

    home: Home
    """Where records, store and logs live (FALAJ_HOME; default: nearest .falaj, else ~/.falaj)."""

    user: str
    """Who runs this (FALAJ_USER; default: the name that the system gives)."""

    cache: str
    """Where this machine keeps environments and other things that can be made again (FALAJ_CACHE;
    default: falaj in XDG_CACHE_HOME, else ~/.cache/falaj)."""

    timeout_grace: float = 5.0
    """Seconds that a step has to answer @timeout's exception before SIGTERM, and again before
    SIGKILL: enough to close a connection, too little to keep a machine."""

    stop_grace: float = 1.0
    """Seconds between SIGTERM and SIGKILL when a run is stopped: Ctrl-C promises two in all."""

    commit_interval: float = 0.1
    """Seconds that a finished task of a wide fan-out may wait to be recorded with others; whoever
    waits for the record is never made to wait for this."""

    lease_interval: float = 3.0
    """Seconds between signs of life of a run; silence of five of them makes it lost elsewhere."""

    gc_grace: float = 3600.0
    """Seconds that what a process has stored stays though no record names it yet; more than a task
    takes from its last artifact to its end, and than clocks of one machine are put back by."""

    exit_hook_timeout: float = 300.0
    """Seconds that an exit hook may take: enough to tell the world, too little to hold a terminal
    for good."""

    default_secrets_backend_type: str = ""
    """The type of the sources of @secrets that name none, such as aws-secrets-manager."""

    default_secrets_role: str = ""
    """The role with which secrets are fetched where @secrets names none."""

    notify_timeout: float = 30.0
    """Seconds that a notifier may take: enough for a slow mail server, too little to hold a
    terminal for good."""

    local_cpu: float = 0.0
    """Processors that @resources may share on this machine (0: those that this process may use)."""

    local_memory: float = 0.0
    """MB of memory that @resources may share on this machine (0: all)."""

    local_gpu: float = 0.0
    """GPUs that @resources may share on this machine (0: those that are found)."""


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process; raise ParameterError for a value that is no number."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for field in fields(Settings):
        text = environ.get(PREFIX + field.name.upper())
        if field.name in ("home", "user", "cache") or not text:
            continue
        is_text = isinstance(field.default, str)
        values[field.name] = text if is_text else _number(PREFIX + field.name.upper(), text)
    if values.get("lease_interval", 0.0) > LONGEST_LEASE_INTERVAL:
        raise ParameterError(
            f"{PREFIX}LEASE_INTERVAL is {values['lease_interval']:g}; more than "
            f"{LONGEST_LEASE_INTERVAL:g} seconds would let a run that lives be taken for lost."
        )
    return Settings(
        home=find_home(environ), user=user_name(environ), cache=find_cache(environ), **values
    )


def find_cache(environ: Mapping[str, str]) -> str:
    """Return the folder of this machine's cache; nothing is created."""
    named = environ.get(PREFIX + "CACHE")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    shared = environ.get("XDG_CACHE_HOME", "")
    folder = shared if os.path.isabs(shared) else os.path.join(home_folder(environ), ".cache")
    return os.path.join(folder, "falaj")


def _number(variable: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and value >= 0.0:
        return value
    raise ParameterError(f"{variable} is {text!r}, which is not a number of at least 0.")
