"""Where steps get their secrets from: fetched beside the run, kept in memory alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from falaj.redaction import Redactor


class Secrets(Protocol):
    """The secrets of one run's steps; used from one thread."""

    @property
    def redactor(self) -> Redactor:
        """What keeps all values that the run has come to know out of logs and records."""
        ...

    def is_ready(self, step: str) -> bool:
        """Say whether the step's secrets have been fetched, or can't be; begin to fetch them."""
        ...

    def of_step(self, step: str) -> Mapping[str, Any] | None:
        """Return what the order for a task of the step says of secrets; None where it has none.

        It holds `variables`, names with their values, `allow_override`, and in `error` why they
        can't be had, or nothing.
        """
        ...

    def forget_failure(self, step: str) -> None:
        """Fetch again, when it is next asked for, what could not be had."""
        ...


class NoSecrets:
    """The secrets of a run none of whose steps has any."""

    def __init__(self) -> None:
        """A step may still come to know some by itself."""
        self.redactor = Redactor()

    def is_ready(self, step: str) -> bool:
        """Say that the step can start; see the port."""
        return True

    def of_step(self, step: str) -> Mapping[str, Any] | None:
        """Return nothing; see the port."""
        return None

    def forget_failure(self, step: str) -> None:
        """Do nothing; see the port."""
