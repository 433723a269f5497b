"""Environments."""


class FolderStore:
    """To come."""
