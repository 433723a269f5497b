"""A package that claims a name which another one has."""


class Diary:
    """Never reached."""
