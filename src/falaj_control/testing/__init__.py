"""Checks for those who write extensions: each runs real work against what they made."""
