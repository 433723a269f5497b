"""What the steps of a flow ask for with `@secrets`, checked before the run begins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from falaj.authoring.secret_sources import source_fields
from falaj.errors import SecretError
from falaj.model.graph import FlowDescription
from falaj_control.secrets.places import Source
from falaj_control.secrets.providers import check
from falaj_control.settings import Settings


class StepSecrets(NamedTuple):
    """What one step's `@secrets` asks for."""

    sources: tuple[Source, ...]
    allow_override: bool


def secrets_of(description: FlowDescription, settings: Settings) -> Mapping[str, StepSecrets]:
    """Return what each step with secrets asks for.

    Raises SecretError where it is certain that it can't be had here.
    """
    found: dict[str, StepSecrets] = {}
    folder = os.path.dirname(description.file)
    for step in description.steps:
        decorator = step.decorator("secrets")
        if decorator is None:
            continue
        given = decorator.attributes
        try:
            sources = tuple(
                source_from(one, given["role"], folder, settings) for one in given["sources"]
            )
        except SecretError as error:
            place = f"{step.file}:{decorator.line or step.line}"
            raise SecretError(f"{place}: In @secrets of step `{step.name}`, {error}") from error
        found[step.name] = StepSecrets(sources, bool(given["allow_override"]))
    return found


def source_from(given: Any, role: str | None, folder: str, settings: Settings) -> Source:
    """Return a source with what the settings add; raise SecretError if it can't be used here."""
    fields = source_fields(given)
    kind = fields.get("type") or settings.default_secrets_backend_type
    if not kind:
        raise SecretError(
            f"the secret {fields['id']!r} has no type; write it as TYPE.ID, such as "
            f"'environment.{fields['id']}', or set FALAJ_DEFAULT_SECRETS_BACKEND_TYPE."
        )
    check(kind)
    chosen = fields.get("role") or role or settings.default_secrets_role or None
    options = json.dumps(fields.get("options", {}), sort_keys=True)
    return Source(kind, fields["id"], options, chosen, folder)
