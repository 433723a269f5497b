"""What keeps secrets out of whatever a task shows of its work."""

from __future__ import annotations

from falaj.redaction import redact, redact_json

__all__ = ["redact", "redact_json"]
