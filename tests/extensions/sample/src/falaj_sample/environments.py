"""Environments."""


class MarkedEnvironments:
    """To come."""
