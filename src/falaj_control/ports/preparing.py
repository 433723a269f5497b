"""Where steps get their environments from: made ready beside the run, told as events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from falaj_control.ports.executing import HostPlace


class Preparing(NamedTuple):
    """Work on the environment of `steps` goes on; `text` is a short line, empty at the end."""

    steps: tuple[str, ...]
    text: str


class Ready(NamedTuple):
    """The environment of `steps` can be used.

    `description` is what records tell of it, `seconds` how long work on it took, `worked` whether
    there was any: a warm environment is simply there. `note` is for a person, or empty.
    """

    steps: tuple[str, ...]
    description: Mapping[str, Any]
    seconds: float
    worked: bool
    note: str


class Failed(NamedTuple):
    """The environment of `steps` can't be made; `reason` says why and how to mend it."""

    steps: tuple[str, ...]
    reason: str


PreparationEvent = Preparing | Ready | Failed


# Decorators of steps and flows that ask for an environment.
ENVIRONMENT_DECORATORS = frozenset(
    ("pypi", "conda", "uv", "pypi_base", "conda_base", "uv_base", "custom_environment")
)


class Environments(Protocol):
    """The environments of one run's steps; used from one thread."""

    @property
    def is_needed(self) -> bool:
        """Say whether any step has an environment of its own."""
        ...

    def begin(self, steps: Iterable[str]) -> None:
        """Start to prepare what these steps need; what is under way or ready stays so."""
        ...

    def is_ready(self, step: str) -> bool:
        """Say whether the step's tasks can start: in its environment, or because it has none."""
        ...

    def place(self, step: str) -> HostPlace | None:
        """Return where the step's hosts live, once ready; None for the launching environment."""
        ...

    def travel_along(self, listing: str) -> list[str]:
        """Put the user's travelling code on the path of every host; return warnings about it.

        `listing` is the digest of the blob that lists it. Until it is told, no step is ready.
        """
        ...

    def take_events(self) -> list[PreparationEvent]:
        """Return what has happened since, in order."""
        ...

    def close(self) -> None:
        """Stop what is under way and let the environments go."""
        ...


class NoEnvironments:
    """The environments of a run whose steps all run where the flow was launched."""

    is_needed = False

    def begin(self, steps: Iterable[str]) -> None:
        """Do nothing; see the port."""

    def is_ready(self, step: str) -> bool:
        """Say that the step can start; see the port."""
        return True

    def place(self, step: str) -> HostPlace | None:
        """Return the launching environment; see the port."""
        return None

    def travel_along(self, listing: str) -> list[str]:
        """Do nothing; see the port."""
        return []

    def take_events(self) -> list[PreparationEvent]:
        """Return nothing; see the port."""
        return []

    def close(self) -> None:
        """Do nothing; see the port."""
