"""Secrets in the keyring of the operating system."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from falaj.errors import SecretError
from falaj_control.secrets.places import Source, as_variable


class KeyringSecrets:
    """Gives the password of `SERVICE/USERNAME`; see the protocol."""

    def check(self) -> None:
        """Raise SecretError without the library; see the protocol."""
        if find_spec("keyring") is None:
            raise SecretError(
                "secrets in the keyring need a library; install it with `pip install "
                '"falaj[keyring]"`.'
            )

    def fetch(self, source: Source) -> Mapping[str, str]:
        """Return the one variable; see the protocol."""
        # An extra, and its backends take long to load.
        import keyring
        from keyring.errors import KeyringError

        renamed = source.chosen(env_var_name=str).get("env_var_name")
        service, slash, username = source.id.rpartition("/")
        if not slash or not service or not username:
            source.refuse("the id of a password in the keyring is SERVICE/USERNAME.")
        try:
            password = keyring.get_password(service, username)
        except KeyringError as error:
            source.refuse(f"the keyring can't be used ({type(error).__name__}: {error}).")
        if password is None:
            source.refuse(
                f"there is no such password. Keep it with `keyring set {service} {username}`."
            )
        return {renamed or as_variable(username): password}
