"""What an examination finds: one sentence each, how bad it is, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

OK = "ok"
WARN = "warn"
FAIL = "fail"


class Finding(NamedTuple):
    """One thing that was looked at; `mend` is empty where nothing is to be done."""

    subject: str
    level: str
    text: str
    mend: str = ""


def ok(subject: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(subject, OK, text)


def warn(subject: str, text: str, mend: str) -> Finding:
    """Return a finding that may hurt some day."""
    return Finding(subject, WARN, text, mend)


def fail(subject: str, text: str, mend: str) -> Finding:
    """Return a finding that keeps Falaj from working, or means that something is lost."""
    return Finding(subject, FAIL, text, mend)


Findings = Iterator[Finding]
