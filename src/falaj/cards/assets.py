"""What is too large to be stored with every card, put in when one is opened."""

from __future__ import annotations


def complete(html: str) -> str:
    """Return the page with what its charts need."""
    return html
