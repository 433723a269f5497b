"""Keeping a home in order: which runs go, and what nothing refers to any more."""
