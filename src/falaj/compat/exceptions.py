"""Exceptions of Metaflow's that nothing here raises: flows do, and other flows catch them."""

from __future__ import annotations

from falaj.errors import FalajException


class CommandException(FalajException):
    """A command line that asks for what can't be."""

    headline = "Invalid command"


class ExternalCommandFailed(FalajException):
    """A program that a step started has failed."""

    headline = "External command failed"
