"""Environments."""


class Vault:
    """To come."""
