"""Frozen values that the parts pass to each other, and their wire form."""
