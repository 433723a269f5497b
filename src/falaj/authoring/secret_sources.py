"""What the sources of `@secrets` look like, and how they are shown without the values in them."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Union, cast

from falaj import extensions
from falaj.authoring.wording import listed, near_miss
from falaj.errors import DecoratorError
from falaj.model.graph import DecoratorSpec, FlowDescription
from falaj.redaction import PLACEHOLDER

Source = Union[str, Mapping[str, Any]]
INLINE = "inline"
PROVIDERS = (
    INLINE,
    "environment",
    "file",
    "keyring",
    "aws-secrets-manager",
    "gcp-secret-manager",
    "az-key-vault",
)
_FIELDS = ("type", "id", "options", "role")


def checked_secrets(given: Dict[str, Any]) -> Dict[str, Any]:
    """Return the arguments of `@secrets`, or raise DecoratorError, which shows no value."""
    sources = given["sources"]
    if isinstance(sources, (str, Mapping)) or not isinstance(sources, Sequence):
        raise DecoratorError(
            '@secrets: `sources` takes a list, such as ["aws-secrets-manager.db"], not {}.'.format(
                _kind(cast(object, sources))
            )
        )
    kept: List[Any] = []
    for source in cast("Sequence[Any]", sources):
        fields = source_fields(source)
        kept.append(source if isinstance(source, str) else fields)
    _check_role(given["role"])
    if not isinstance(given["allow_override"], bool):
        raise DecoratorError("@secrets: `allow_override` takes True or False.")
    return dict(given, sources=kept)


def source_fields(source: Any) -> Dict[str, Any]:
    """Return a source as a dict of those fields that it has, the id always.

    Raises DecoratorError for what is no source.
    """
    if isinstance(source, str):
        kind, dot, rest = source.partition(".")
        fields: Dict[str, Any] = {"type": kind, "id": rest} if dot else {"id": source}
    elif isinstance(source, Mapping):
        fields = dict(cast("Mapping[str, Any]", source))
    else:
        raise DecoratorError(
            "@secrets: a source is a text or a dict, not {}.".format(_kind(source))
        )
    _check_fields(fields)
    return fields


def without_values(description: FlowDescription) -> FlowDescription:
    """Return the description as it may be shown and kept: without values that stand inline."""
    steps = tuple(
        step._replace(decorators=tuple(_hidden(one) for one in step.decorators))
        if step.decorator("secrets") is not None
        else step
        for step in description.steps
    )
    return description._replace(steps=steps)


def refuse_values(attributes: Mapping[str, Any]) -> None:
    """Raise DecoratorError where a value stands in arguments that come from the command line."""
    if any(source_fields(one).get("type") == INLINE for one in attributes["sources"]):
        raise DecoratorError(
            "In the decorator `secrets:…`: a value can't be given on the command line, which "
            "everybody on the machine can read; name where it is kept, such as `environment.NAME`."
        )


def _hidden(decorator: DecoratorSpec) -> DecoratorSpec:
    if decorator.name != "secrets":
        return decorator
    return decorator._replace(attributes=_without_inline(decorator.attributes))


def _without_inline(attributes: Mapping[str, Any]) -> Dict[str, Any]:
    sources: List[Any] = []
    for source in attributes.get("sources", ()):
        if isinstance(source, Mapping) and "options" in source:
            fields = dict(cast("Mapping[str, Any]", source))
            variables = fields["options"].get("env_vars")
            if isinstance(variables, Mapping):
                hidden = dict.fromkeys(cast("Mapping[str, Any]", variables), PLACEHOLDER)
                fields["options"] = dict(fields["options"], env_vars=hidden)
            source = fields
        sources.append(source)
    return dict(attributes, sources=sources)


def _check_fields(fields: Dict[str, Any]) -> None:
    for name in fields:
        if name not in _FIELDS:
            raise DecoratorError(
                "@secrets: a source has no `{}`{}; it has {}.".format(
                    name, near_miss(str(name), _FIELDS), listed(_FIELDS)
                )
            )
    kind = fields.get("type")
    if kind is not None and not (isinstance(kind, str) and _is_provider(kind)):
        known = [*PROVIDERS, *extensions.names("secrets")]
        raise DecoratorError(
            "@secrets: there is no type of secrets {!r}{}; there are {}.".format(
                kind, near_miss(str(kind), known), listed(known)
            )
        )
    if kind == INLINE:
        fields.setdefault("id", INLINE)
    if not isinstance(fields.get("id"), str) or not fields["id"]:
        raise DecoratorError("@secrets: a source needs an `id`, a text that names the secret.")
    options = fields.get("options", {})
    if not isinstance(options, Mapping):
        raise DecoratorError(
            "@secrets: `options` of a source takes a dict, not {}.".format(_kind(options))
        )
    if "options" in fields:
        fields["options"] = dict(cast("Mapping[str, Any]", options))
    _check_role(fields.get("role"))


def _is_provider(kind: str) -> bool:
    return kind in PROVIDERS or extensions.is_installed("secrets", kind)


def _check_role(role: Any) -> None:
    if role is not None and (not isinstance(role, str) or not role):
        raise DecoratorError(
            "@secrets: `role` takes the name of a role, not {}.".format(_kind(role))
        )


def _kind(value: object) -> str:
    return "a {}".format(type(value).__name__)
