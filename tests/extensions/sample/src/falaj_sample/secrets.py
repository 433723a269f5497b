"""A place where secrets are kept: a folder with a file for each."""

import os


class Vault:
    """Reads the secret `id` from the folder that SAMPLE_VAULT names, as the variable VAULT_<id>."""

    def check(self):
        if "SAMPLE_VAULT" not in os.environ:
            from falaj.errors import SecretError

            raise SecretError("set SAMPLE_VAULT to the folder of the vault.")

    def fetch(self, source):
        path = os.path.join(os.environ["SAMPLE_VAULT"], source.id)
        if not os.path.exists(path):
            source.refuse("the vault has no such file.")
        with open(path, encoding="utf-8") as file:
            return {f"VAULT_{source.id.upper()}": file.read()}
