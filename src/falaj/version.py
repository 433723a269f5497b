"""The version of Falaj, which the build reads from here."""

VERSION = "0.1.0"


def get_version() -> str:
    """Return the version of Falaj."""
    return VERSION
