"""A module that can't be imported."""

raise RuntimeError("this package is in pieces")
