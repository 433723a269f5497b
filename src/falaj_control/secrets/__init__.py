"""Fetching secrets from where they are kept: one module for each kind of place."""
