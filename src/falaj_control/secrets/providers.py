"""The providers of secrets by the type that sources name, and what is asked of all of them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from falaj import extensions
from falaj.errors import ExtensionError, SecretError
from falaj_control.extensions import make
from falaj_control.secrets.aws import AwsSecrets
from falaj_control.secrets.elsewhere import OutOfReach
from falaj_control.secrets.files import FileSecrets
from falaj_control.secrets.inline import InlineSecrets
from falaj_control.secrets.places import Provider, Source
from falaj_control.secrets.system_keyring import KeyringSecrets
from falaj_control.secrets.variables import EnvironmentSecrets

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_RESERVED = "FALAJ_"

PROVIDERS: Mapping[str, Provider] = {
    "inline": InlineSecrets(),
    "environment": EnvironmentSecrets(),
    "file": FileSecrets(),
    "keyring": KeyringSecrets(),
    "aws-secrets-manager": AwsSecrets(),
    "gcp-secret-manager": OutOfReach(
        "gcp-secret-manager",
        "Google's Secret Manager",
        "gcloud secrets versions access latest --secret=NAME",
    ),
    "az-key-vault": OutOfReach(
        "az-key-vault",
        "Azure's Key Vault",
        "az keyvault secret show --vault-name VAULT --name NAME --query value -o tsv",
    ),
}


def provider_of(kind: str) -> Provider:
    """Return the provider of a type, which an installed package may give; raise SecretError."""
    if kind in PROVIDERS:
        return PROVIDERS[kind]
    if not extensions.is_installed("secrets", kind):
        known = ", ".join([*PROVIDERS, *extensions.names("secrets")])
        raise SecretError(f"there is no type of secrets {kind!r}; there is {known}.")
    try:
        made: Any = make("secrets", kind)
    except ExtensionError as error:
        raise SecretError(error.message) from error
    return made


def check(kind: str) -> None:
    """Raise SecretError where this machine can't use the provider of a type, whatever is wrong."""
    provider = provider_of(kind)
    try:
        provider.check()
    except SecretError:
        raise
    except (Exception, SystemExit) as error:
        text = f"the provider of {kind} can't be used ({type(error).__name__}: {error})."
        raise SecretError(text) from error


def fetch(source: Source) -> dict[str, str]:
    """Return a source's values by name, texts both; raise SecretError, whatever went wrong."""
    try:
        found = dict(provider_of(source.type).fetch(source))
    except SecretError:
        raise
    except (Exception, SystemExit) as error:
        # A library may raise anything, and what it says may hold what it has read.
        source.refuse(f"its provider failed with {type(error).__name__}.")
    for name, value in found.items():
        if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            source.refuse(f"the value of {name} is not text.")
    return found


def check_names(source: Source, names: Mapping[str, str]) -> None:
    """Raise SecretError where one can't be a variable of the environment, or must not be."""
    for name, value in names.items():
        if not _NAME.match(name):
            source.refuse(
                f"{name!r} can't be the name of a variable, which has letters, digits and `_`, and "
                "no digit first."
            )
        if name.startswith(_RESERVED):
            source.refuse(f"{name} can't be set: names with {_RESERVED} are Falaj's own.")
        if "\0" in value:
            source.refuse(f"the value of {name} holds a null character, which no variable can.")
        try:
            os.fsencode(value)
        except UnicodeEncodeError:
            source.refuse(f"the value of {name} holds half of a character, which no variable can.")
